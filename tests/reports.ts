import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Member } from '../rooms/types.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { StoreFailure } from '../rooms/stores/prompt.ts'
import { factsOf } from '../routes/guard/fault.ts'
import { Ledger } from '../routes/guard/ledger.ts'
import { type Report, reportError } from '../routes/guard/report.ts'
import { TestClock } from './support/clock.ts'
import { withOutage } from './support/outage.ts'
import { Person } from './support/person.ts'
import { ServerProcess } from './support/process.ts'
import { run } from './support/program.ts'
import { makeHouse } from './support/site.ts'

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))
const MINUTE_MS = 60_000
const BOUNDS = { history: 50, bytes: 100_000, rooms: 10 }
const MARK = 'xyzzy'

const test = suite('reports')

test('from start to stop every line after the first is JSON, and none holds a text, a name, a code or a secret', async () => {
  const secret = `a secret ${MARK} of this test`
  const server = await ServerProcess.start({ SECRET: secret, RATE_LIMITS: 'on' })
  const ann = await Person.create(server.url, `ann ${MARK}`, `title ${MARK}`)
  const line = await ann.listen()
  await ann.say(`text ${MARK}`, `key-${MARK}`)
  await line.count(1)
  const post = (path: string, fields: Record<string, string>, headers = {}) =>
    fetch(server.url + path, { method: 'POST', body: new URLSearchParams(fields), headers })
  for (let count = 0; count < 3; count += 1) await post('/join', { code: ann.code, name: `ann ${MARK}` })
  await post('/join', { code: `${MARK}${MARK}`, name: MARK })
  await post(`/rooms/${ann.code}/members`, { name: MARK.repeat(50) })
  await post(`/${MARK}`, {})
  await post('/rooms', { name: MARK }, { Origin: 'https://elsewhere.example' })
  for (let count = 0; count < 12; count += 1) line.send({ text: `${MARK} ${count}` })
  line.send(`{"text": ${MARK}`)
  await line.until(({ frames }) => frames.join('').includes('could not be read'))
  assert.is(await server.stop('SIGTERM'), 0)
  await server.says('"event":"stop"')
  const [first, ...rest] = server.said.trimEnd().split('\n')
  assert.match(first, /^Parlour is listening on http:\/\/127\.0\.0\.1:\d+\/ \(rooms are kept in memory\)$/)
  const reports = rest.map((text) => JSON.parse(text))
  for (const { at } of reports) assert.match(at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  const [start, ...between] = reports
  const { version, runtime, store, port, addresses } = start
  assert.equal([start.event, store, port, addresses], ['start', 'memory', server.port, 1])
  assert.match(version, /^\d+\.\d+\.\d+/)
  assert.match(runtime, /^(node|deno) \d+\./)
  const stop = between.pop()
  const { event, signal, messages, deliveries } = stop
  assert.equal([event, signal, messages > 0, deliveries >= messages], ['stop', 'SIGTERM', true, true])
  assert.type(stop.seconds, 'number')
  const { kinds } = between.find((report) => report.event === 'refusals')
  assert.equal([kinds['name-taken'], kinds['name-too-long'], kinds['wrong-origin']], [3, 1, 1])
  assert.ok(kinds['too-fast'] >= 1 && kinds.malformed >= 1)
  for (const kept of [MARK, ann.code, ann.id, ann.token, ann.code.replaceAll('-', '')])
    assert.not.ok(server.said.includes(kept), kept)
})

test('refusals are one line a minute with their counts, and no line where there were none', async () => {
  const { clock, reports, house } = watched()
  for (let count = 0; count < 500; count += 1) await house.ask('/nothing')
  await house.post('/join', { code: 'ABC-DEF-GHJ', name: 'bob' })
  assert.equal(reports, [])
  await clock.pass(MINUTE_MS)
  assert.equal(reports, [{ event: 'refusals', kinds: { 'not-found': 500, 'room-unknown': 1 } }])
  await clock.pass(10 * MINUTE_MS)
  assert.is(reports.length, 1)
  await house.ask('/nothing')
  await clock.pass(MINUTE_MS)
  assert.equal(reports[1], { event: 'refusals', kinds: { 'not-found': 1 } })
})

test('what hosts do is told without saying to whom, the first at once and after a minute how many more', async () => {
  const { clock, reports, house, site } = watched()
  const ann = await house.open('ann')
  const { rooms } = site
  const host = await memberOf(ann.code, ann.id)
  for (let count = 0; count < 20; count += 1) {
    const guest = await house.join(ann.code, `guest ${count}`)
    assert.ok((await rooms.moderate(ann.code, host, guest.id, count < 19 ? 'ban' : 'remove')).ok)
  }
  await clock.pass(30_000)
  assert.ok((await rooms.change(ann.code, host, { title: 'Friday' })).ok)
  assert.ok((await rooms.clear(ann.code, host)).ok)
  const other = await house.join(ann.code, 'other')
  assert.not((await rooms.clear(ann.code, await memberOf(ann.code, other.id))).ok)
  assert.ok((await rooms.end(ann.code, host)).ok)
  assert.equal(
    reports,
    ['ban', 'remove', 'room', 'cleared', 'ended'].map((act) => ({ event: 'hosting', act })),
  )
  await clock.pass(MINUTE_MS)
  assert.equal(reports.slice(5), [{ event: 'hosting', act: 'ban', more: 18 }])

  async function memberOf(code: string, id: string) {
    return rooms.present(code).find((one) => one.id === id) as Member
  }
})

test('who meets an error reads its id, in a page and in JSON, and one line has the same one', async () => {
  const { reports, house, outage } = watched()
  const ann = await house.open('ann')
  outage.of = ['append']
  const page = await (await ann.post('/messages', { text: 'hello', once: 'a' })).text()
  const json = (await (await ann.json('/messages', post({ text: 'hello' }))).json()) as { error: { id: string } }
  const [{ id, error, words, cause, stack }, ...more] = reports
  assert.equal([error, words, cause, more], ['StoreFailure', 'the store failed: append', 'Error', []])
  assert.match(id as string, /^[a-z2-9]{5}$/)
  assert.ok((stack as string[]).length > 0)
  assert.match(page, `Nothing can be done here right now. Please try again in a moment (error ${id}).`)
  assert.is(json.error.id, id)
  outage.of = 'all'
  for (const path of ['/messages', '/members']) {
    const answer = await ann.post(path, { text: 'hello', name: 'bob', once: 'a' })
    const ids = /\(error (\w+)\)/.exec(await answer.text())?.slice(1)
    assert.equal([answer.status, ids], [503, [reports.at(-1)?.id as string]], path)
  }
})

test('a fault of the chat’s own is told by its id, and not by what it says', async () => {
  const { reports, house, site } = watched()
  const { code } = await house.open('ann')
  site.rooms.find = () => {
    throw new TypeError(`cannot read ${MARK}`)
  }
  const answer = await house.ask(`/rooms/${code}`, { headers: { Accept: 'application/json' } })
  const { error } = (await answer.json()) as { error: { code: string; message: string; id: string } }
  assert.equal([answer.status, error.code, error.id], [500, 'broken', reports[0].id as string])
  assert.match(error.message, `Something went wrong here. Please try again (error ${error.id}).`)
  assert.not.match(JSON.stringify(reports) + JSON.stringify(error), MARK)
  assert.match((reports[0].stack as string[])[0], /^\S.* reports\.ts:\d+:\d+$/)
})

test('a store that is down for minutes writes two lines a minute', async () => {
  const { clock, reports, house, outage } = watched()
  const ann = await house.open('ann')
  outage.of = ['append']
  for (let minute = 0; minute < 3; minute += 1) {
    for (let count = 0; count < 300; count += 1) await (await ann.json('/messages', post({ text: 'hello' }))).text()
    await clock.pass(MINUTE_MS)
  }
  const errors = reports.filter(({ event }) => event === 'error')
  assert.equal(
    errors.map(({ more }) => more),
    [undefined, 299, undefined, 299, undefined, 299],
  )
  assert.equal(
    errors.map(({ id }) => id),
    [0, 0, 2, 2, 4, 4].map((index) => errors[index].id),
  )
})

test('faults of a thousand kinds write no more than a few dozen lines', async () => {
  const clock = new TestClock()
  const reports: Report[] = []
  const ledger = new Ledger(clock, (report) => reports.push(report))
  for (let count = 0; count < 1000; count += 1) ledger.failed(Object.assign(new Error('x'), { code: `E${count}` }))
  assert.ok(reports.length <= 41, String(reports.length))
  await clock.pass(MINUTE_MS)
  assert.is(
    reports.reduce((sum, { more = 1 }) => sum + Number(more), 0),
    1000,
  )
})

test('of an error its class, code and way are kept, whatever its message looks like', () => {
  const frame = `\n    at ${MARK} (${MARK}.js:1:1)`
  for (const message of [MARK, frame, `a${frame}\n    at ${MARK}.js:2:2`, '', 'E', 'Error: E']) {
    const error = Object.assign(new RangeError(message), { code: 'ERR_OF_TEST' })
    const facts = factsOf(error)
    assert.equal([facts.error, facts.code], ['RangeError', 'ERR_OF_TEST'])
    assert.not.match(JSON.stringify(facts), MARK)
    assert.match((facts.stack as string[])[0], /reports\.ts:\d+:\d+$/)
  }
  const renamed = Object.assign(new Error('x'), { name: `${MARK} is here`, code: MARK, message: frame, stack: MARK })
  assert.equal(factsOf(renamed), { error: 'Error', code: undefined, stack: [] })
  const failure = new StoreFailure('the store failed: append', { cause: new Error(MARK) })
  assert.not.match(JSON.stringify(factsOf(failure)), MARK)
  for (const thrown of [MARK, undefined, null, { message: MARK }])
    assert.not.match(JSON.stringify(factsOf(thrown)), MARK)
})

test('a chat in somebody’s own program writes only what they have to act on', () => {
  const { error } = console
  const logged: string[] = []
  console.error = (words: string) => logged.push(words)
  for (const event of ['refusals', 'hosting', 'error', 'origin-refused']) reportError({ event })
  console.error = error
  assert.equal(
    logged.map((words) => JSON.parse(words).event),
    ['error', 'origin-refused'],
  )
})

test('a server serves on though nobody reads what it writes', async () => {
  const free = 'deno' in process.versions ? ['run', '-A'] : []
  const child = spawn(process.execPath, [...free, MAIN], { env: { PATH: process.env.PATH, PORT: '0' } })
  const [first] = await once(child.stdout, 'data')
  const url = /http:\S+/.exec(String(first))?.[0] ?? ''
  child.stdout.destroy()
  for (let count = 0; count < 3; count += 1) assert.is((await fetch(`${url}nothing`)).status, 404)
  process.kill(child.pid as number, 'SIGTERM')
  assert.equal(await once(child, 'exit'), [0, null])
})

test('a fault at which the process ends is a line like any other', async () => {
  const isDeno = 'deno' in process.versions
  const fault = `const { log } = console
console.log = (...words) => {
  log(...words)
  if (words[0].startsWith('Parlour')) setTimeout(() => { throw new TypeError('${MARK}') })
}`
  const preload = `data:text/javascript,${encodeURIComponent(fault)}`
  const { code, out, err } = await run(
    MAIN,
    [],
    { PORT: '0' },
    isDeno ? ['run', '-A', '--preload', preload] : ['--import', preload],
  ).ended
  assert.equal([code, err], [1, ''])
  const { event, error } = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')
  assert.equal([event, error], ['error', 'TypeError'])
  assert.not.match(out, MARK)
})

test.run()

/** A site whose reports are kept, over a store that fails when it is told to. */
function watched() {
  const reports: Report[] = []
  const clock = new TestClock()
  const { store, outage } = withOutage(new MemoryStore({ ...BOUNDS, clock }))
  return { ...makeHouse({ store, clock, report: (report) => reports.push(asWritten(report)) }), reports, outage }
}

/** A report as it is read again. */
function asWritten(report: Report): Report {
  return JSON.parse(JSON.stringify(report))
}

function post(fields: Record<string, string>): RequestInit {
  return { method: 'POST', body: new URLSearchParams(fields) }
}
