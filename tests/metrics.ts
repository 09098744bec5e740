import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DelayMeter } from '../routes/delay.ts'
import { type ScrapeServer, serveMetrics } from '../routes/scrape.ts'
import { TestClock } from './support/clock.ts'
import { type Family, readExposition } from './support/exposition.ts'
import { Person } from './support/person.ts'
import { ServerProcess } from './support/process.ts'
import { run } from './support/program.ts'
import { exchange, Raw } from './support/raw.ts'
import { Stream } from './support/stream.ts'

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))

interface Context {
  server: ServerProcess
  /** Where metrics are. */
  url: string
  small: ScrapeServer
}

const test = suite<Context>('metrics')

test.before(async (context) => {
  context.server = await ServerProcess.start({ METRICS: '127.0.0.1:0', RATE_LIMITS: 'on' })
  context.url = `http://127.0.0.1:${await metricsPort(context.server)}`
  context.small = await serveMetrics({ host: '127.0.0.1', port: 0 }, () => 'one 1\n')
})
test.after(async ({ server, small }) => {
  await small.stop()
  await server.stop('SIGKILL')
})

test('what is measured is told in the format of Prometheus, under names with units, and follows what happens', async ({
  server,
  url,
}) => {
  const ann = await Person.create(server.url, 'zoë', 'a marked title')
  const bob = await Person.join(server.url, ann.code, 'yul')
  const before = await scrape(url)
  const lines = [await ann.listen(), await bob.listen()]
  await Promise.all(lines.map((line) => line.frame('id="since"')))
  const events = new Stream(await ann.fetch('/events?format=json'))
  const page = new Stream(await bob.fetch('/live', { headers: { Accept: 'text/html' } }))
  await Promise.all([events.has('id: '), page.has('class="messages"')])
  for (const text of ['one', 'two', 'three signs']) await ann.say(text, `the key of ${text}`)
  await ann.say('three signs', 'the key of three signs')
  for (let count = 1; count <= 5; count += 1) lines[1].send({ text: `together ${count}` })
  await Promise.all([...lines.map((line) => line.count(8)), events.has('together 5'), page.has('together 5')])
  await ann.fetch('/messages', { method: 'POST', body: new URLSearchParams({ text: ' ' }) })
  await fetch(`${server.url}/nothing`)
  lines[0].send('no object')
  await lines[0].frame('id="reason"')
  const after = await scrape(url)
  const grown = (name: string, key = name) => value(after, name, key) - value(before, name, key)
  assert.equal([value(after, 'parlour_rooms'), value(after, 'parlour_members')], [1, 2])
  for (const [kind, count] of [
    ['socket', 2],
    ['events', 1],
    ['page', 1],
  ])
    assert.is(value(after, 'parlour_connections', `parlour_connections{kind="${kind}"}`), count, `${kind}`)
  assert.equal([grown('parlour_messages_total'), grown('parlour_deliveries_total')], [8, 32])
  for (const kind of ['text-blank', 'not-found', 'malformed'])
    assert.is(grown('parlour_refusals_total', `parlour_refusals_total{kind="${kind}"}`), 1, kind)
  assert.is(value(after, 'parlour_queue_bytes'), 0)
  const { version } = JSON.parse(/\{"at".*"event":"start".*\}/.exec(server.said)?.[0] ?? '{}')
  assert.is(value(after, 'parlour_info', `parlour_info{version="${version}"}`), 1)
  assert.ok(value(after, 'process_resident_memory_bytes') > 10_000_000)
  assert.ok(Math.abs(value(after, 'process_start_time_seconds') - server.started / 1000) < 60)
  const delay = 'parlour_event_loop_delay_seconds'
  assert.equal(
    [...(after.get(delay)?.samples.keys() ?? [])],
    [...['0.5', '0.9', '0.99', '1'].map((share) => `${delay}{quantile="${share}"}`), `${delay}_sum`, `${delay}_count`],
  )
  for (const { help } of after.values()) assert.match(help, /^[A-Z].*\.$/)
  const text = await (await fetch(`${url}/metrics`)).text()
  for (const secret of [ann.code, ann.id, bob.id, 'zoë', 'yul', 'marked', 'signs']) assert.not.match(text, secret)
  for (const line of lines) line.close()
})

test('bytes that nobody takes are counted while they wait', async () => {
  const server = await ServerProcess.start({ METRICS: '127.0.0.1:0' })
  const url = `http://127.0.0.1:${await metricsPort(server)}`
  const ann = await Person.create(server.url, 'ann')
  const line = await ann.connect()
  line.send({ since: '' })
  await line.frame('id="since"')
  line.socket.pause()
  let queued = 0
  for (let count = 0; queued === 0 && count < 40; count += 1) {
    for (let index = 0; index < 25; index += 1) await ann.say('"'.repeat(4000))
    queued = value(await scrape(url), 'parlour_queue_bytes')
  }
  assert.ok(queued > 0, 'nothing was seen to wait')
  line.socket.terminate()
  await server.stop('SIGKILL')
})

test('only metrics are served there, only to be read, and nothing of them at the chat', async ({ server, url }) => {
  const whole = await fetch(`${url}/metrics?x=1`)
  assert.equal(
    [whole.status, whole.headers.get('content-type'), whole.headers.get('cache-control')],
    [200, 'text/plain; version=0.0.4; charset=utf-8', 'no-store'],
  )
  await whole.text()
  const head = await fetch(`${url}/metrics`, { method: 'HEAD' })
  assert.equal([head.status, await head.text()], [200, ''])
  for (const path of ['/', '/metrics/', '/metricsx', '/health', '//metrics', '/rooms'])
    assert.is((await fetch(url + path)).status, 404, path)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await fetch(`${url}/metrics`, { method })
    assert.equal([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD'], method)
  }
  assert.is((await fetch(`${server.url}/metrics`)).status, 404)
})

test('whatever Host is named, or none, the answer is the same and the line is closed', async ({ url }) => {
  for (const head of [
    'HTTP/1.1\r\nHost: evil.example',
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/1.1\r\nHost: a\r\nUpgrade: websocket',
  ])
    assert.match(
      await exchange(url, `GET /metrics ${head}\r\n\r\n`),
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*parlour_rooms \d/,
      head,
    )
  assert.match(await exchange(url, 'no HTTP at all\r\n\r\n'), /^HTTP\/1\.1 400 |^$/)
})

test('few can ask at once, and whoever says nothing makes room', async ({ small }) => {
  const address = `http://127.0.0.1:${small.port}`
  const silent = []
  for (let count = 0; count < 16; count += 1) silent.push(await Raw.open(address))
  assert.is(await (await Raw.open(address)).ended, '')
  assert.not(
    silent.some(({ socket }) => socket.closed || socket.readableEnded),
    'one too many is let go of at once',
  )
  await Promise.all(silent.map(({ ended }) => ended))
  assert.is(await (await fetch(`${address}/metrics`)).text(), 'one 1\n')
})

test('an address of metrics that cannot be listened on is one line that says so, and the end with 2', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const { code, out, err } = await run(MAIN, [], { PORT: '0', METRICS: `127.0.0.1:${port}` }).ended
  assert.equal([code, out], [2, ''])
  assert.match(
    err,
    /^parlour: cannot listen on 127\.0\.0\.1, port \d+: [^\n]+\. Choose another with METRICS; [^\n]*\n$/,
  )
  other.close()
})

test('metrics end with the server', async () => {
  const server = await ServerProcess.start({ METRICS: '127.0.0.1:0' })
  const port = await metricsPort(server)
  const held = connect(port, '127.0.0.1')
  await once(held, 'connect')
  const closed = once(held.on('error', () => {}).resume(), 'close')
  assert.is(await server.stop('SIGTERM'), 0)
  await closed
  const [error] = await once(request({ port, host: '127.0.0.1' }).end(), 'error')
  assert.is(error.code, 'ECONNREFUSED')
})

test('delays are those of the last minute, and their sum that of all', async () => {
  const late = { by: 0 }
  const clock = new TestClock()
  const meter = new DelayMeter({
    ...clock,
    now: clock.now,
    elapsed: clock.elapsed,
    after: (milliseconds, act) => clock.after(milliseconds + late.by, act),
  })
  assert.equal(
    meter.read().quantiles.map(([, seconds]) => seconds),
    [0, 0, 0, 0],
  )
  late.by = 80
  await clock.pass(20 + 100 * 10)
  late.by = 0
  await clock.pass(100 + 20 * 89)
  const { quantiles, sum, count } = meter.read()
  assert.equal(
    quantiles.map(([share, seconds]) => [share, Math.round(seconds * 1000)]),
    [
      ['0.5', 0],
      ['0.9', 80],
      ['0.99', 80],
      ['1', 80],
    ],
  )
  assert.equal([Math.round(sum * 1000), count > 90], [80 * 11, true])
  await clock.pass(61_000)
  const later = meter.read()
  assert.equal([later.quantiles.at(-1)?.[1], later.sum], [0, sum])
})

test('the reader of these tests refuses what is not in the format', () => {
  const good = '# HELP a_total A.\n# TYPE a_total counter\na_total{kind="x"} 1\na_total{kind="y"} 2.5e-7\n'
  assert.is(readExposition(good).get('a_total')?.samples.size, 2)
  const bad = [
    good.trimEnd(),
    good + good,
    good.replace('A.', ''),
    good.replace('counter', 'number'),
    good.replaceAll('a_total', 'a'),
    good.replace('"y"', '"x"'),
    good.replace('"y"', 'y'),
    good.replace('kind="x"', 'kind="x",'),
    good.replace(' 1\n', '\n'),
    good.replace(' 1\n', ' one\n'),
    good.replace('a_total{', 'b_total{'),
    good.replace('# HELP a_total A.\n', ''),
    good.replace('\na_total', '\n\na_total'),
  ]
  for (const text of bad) assert.throws(() => readExposition(text), /format|no end/, text)
})

test.run()

async function scrape(url: string): Promise<Map<string, Family>> {
  return readExposition(await (await fetch(`${url}/metrics`)).text())
}

function value(families: Map<string, Family>, name: string, key = name): number {
  const found = families.get(name)?.samples.get(key)
  if (found === undefined) throw new Error(`${key} is not told`)
  return found
}

/** The port that the line about the start names. */
async function metricsPort(server: ServerProcess): Promise<number> {
  await server.says('"event":"start"')
  return Number(/"metrics":(\d+)/.exec(server.said)?.[1])
}
