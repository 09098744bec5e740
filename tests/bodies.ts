import { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TestClock } from './support/clock.ts'
import { Person } from './support/person.ts'
import { ServerProcess } from './support/process.ts'
import { exchange, Raw } from './support/raw.ts'
import { serve, type TestServer } from './support/server.ts'

interface Context {
  clock: TestClock
  server: TestServer
  ann: Person
}

const test = suite<Context>('bodies')
const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n'
const LIMIT = 64 * 1024
const chunk = (size: number) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`

test.before(async (context) => {
  context.clock = new TestClock()
  context.server = await serve({ clock: context.clock, areRatesLimited: true })
  context.ann = await Person.create(context.server.url, 'ann')
})
test.after(async ({ server, clock }) => {
  const stopped = server.stop()
  await clock.pass(3000)
  await stopped
})

test('a body over the limit, sent in parts, is refused with an answer that says the connection closes', async ({
  server,
}) => {
  const raw = await Raw.open(server.url)
  raw.send(`${head('/join')}${FORM}Transfer-Encoding: chunked\r\n\r\n`)
  for (let size = 0; size <= LIMIT; size += 4096) raw.send(chunk(4096))
  await raw.until('\r\n\r\n')
  assert.match(raw.received, /^HTTP\/1\.1 413 [\s\S]*\r\nConnection: close\r\n/)
  raw.send(`${chunk(4096)}0\r\n\r\n`)
  assert.match(await raw.ended, /too much at once/)
})

const REFUSED: [string, number, (ann: Person) => string][] = [
  ['from another site', 403, () => `${head('/rooms')}Origin: http://evil.example\r\n`],
  ['at no address', 404, () => head('/nothing')],
  ['to no room', 404, () => head('/rooms/ACD-EFG-HJK/messages')],
  ['by a method that is not known there', 405, () => head('/health')],
  ['by a stranger', 401, (ann) => head(`/rooms/${ann.code}/messages`)],
  ['that is too large', 413, () => head('/join')],
  ['to a path that is none', 400, () => head('http://[')],
  [
    'that asks to leave, and needs no body',
    303,
    (ann) => `${head(`/rooms/${ann.code}/leave`)}Authorization: Bearer ${ann.token}\r\n`,
  ],
]

for (const [words, status, ask] of REFUSED)
  test(`an answer to a body that was not read says that the connection closes, and can be read: ${words}`, async ({
    clock,
    server,
  }) => {
    // A member of its own, because one of them leaves.
    const ann = await Person.create(server.url, 'ann')
    for (const length of [`Content-Length: ${LIMIT * 20}\r\n`, 'Transfer-Encoding: chunked\r\n']) {
      const isCounted = length.startsWith('T')
      if (status === 413 && isCounted) continue
      const raw = await Raw.open(server.url)
      raw.send(`${ask(ann)}${FORM}${length}\r\n`)
      await raw.until('\r\n\r\n')
      assert.match(
        raw.received,
        new RegExp(`^HTTP/1\\.1 (${status}|401) [\\s\\S]*\\r\\nConnection: close\\r\\n`),
        length,
      )
      // A client that sends all before it reads is not cut off with the answer unread.
      for (let count = 0; count < 20; count += 1) raw.send(isCounted ? chunk(LIMIT) : 'x'.repeat(LIMIT))
      if (isCounted) raw.send('0\r\n\r\n')
      await raw.ended
      const again = await Raw.open(server.url)
      again.send(`${ask(ann)}${FORM}${length}\r\n`)
      again.socket.pause()
      await fetch(`${server.url}/health`)
      await clock.pass(2000)
      await fetch(`${server.url}/health`)
      again.socket.resume()
      assert.match(await again.ended, /^HTTP\/1\.1 /, 'one that sends no more is closed after a while')
    }
  })

test('a body that goes on and on after the answer is not read for ever', async ({ clock, server }) => {
  const raw = await Raw.open(server.url)
  raw.send(`${head('/nothing')}Content-Length: ${1e12}\r\n\r\n`)
  await raw.until(' 404 ')
  await clock.pass(2000)
  await raw.ended
  const fast = await Raw.open(server.url)
  fast.send(`${head('/nothing')}Content-Length: ${1e12}\r\n\r\n`)
  await fast.until(' 404 ')
  const part = Buffer.alloc(1024 * 1024)
  for (let size = 0; !fast.socket.closed && size < 256; size += 1) {
    if (fast.socket.write(part)) continue
    await Promise.race([new Promise((resolve) => fast.socket.once('drain', resolve)), fast.ended])
  }
  await fast.ended
})

// On Deno a server that keeps nothing of such bodies holds as much.
const onNode = 'deno' in process.versions ? () => {} : test

onNode('bodies that come in parts of one byte hold no more than their bytes', async () => {
  const server = await ServerProcess.start()
  const before = await peak(server)
  const crowd = await Promise.all(Array.from({ length: 20 }, () => Raw.open(server.url)))
  for (const raw of crowd) {
    raw.send(
      `${head('/join')}${FORM}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunk(1).repeat(LIMIT - 1)}`,
    )
  }
  for (const raw of crowd) raw.send('0\r\n\r\n')
  for (const raw of crowd) assert.match(await raw.ended, /^HTTP\/1\.1 404 /)
  const held = (await peak(server)) - before
  assert.ok(held < 60, `${held} MB for ${(crowd.length * LIMIT) / 1024 / 1024} MB`)
  await server.stop('SIGKILL')
})

test('where the body was read the connection stays, whatever the answer', async ({ server }) => {
  const raw = await Raw.open(server.url)
  const answers = [
    [`${head('/join')}${FORM}Content-Length: 8\r\n\r\nname=bob`, 404],
    [`${head('/join')}${FORM}Transfer-Encoding: chunked\r\n\r\n8\r\nname=bob\r\n0\r\n\r\n`, 404],
    [`${head('/join')}Content-Length: 0\r\n\r\n`, 404],
    [`${head('/nothing')}Content-Length: 0\r\n\r\n`, 404],
    ['GET / HTTP/1.1\r\nHost: a.b\r\n\r\n', 200],
  ] as const
  for (const [request, status] of answers) {
    const { length } = raw.received
    raw.send(request)
    await raw.until(/(<\/html>|\})\s*$/)
    assert.match(raw.received.slice(length), new RegExp(`^HTTP/1\\.1 ${status} `), request)
    raw.received = ''
  }
  raw.socket.destroy()
})

test('nothing more is done on a connection whose last answer said that it closes', async ({ server, ann }) => {
  const post = `${head(`/rooms/${ann.code}/messages`)}Authorization: Bearer ${ann.token}\r\n${FORM}Content-Length: 10\r\n\r\ntext=ghost`
  const answer = await exchange(server.url, `${head('/nothing')}Content-Length: 5\r\n\r\nabcde${post}`)
  assert.match(answer, /^HTTP\/1\.1 404 /)
  assert.is(answer.match(/HTTP\/1\.1/g)?.length, 1)
  const { messages } = (await (await ann.fetch('/messages')).json()) as { messages: unknown[] }
  assert.equal(messages, [])
})

test.run()

function head(path: string): string {
  return `POST ${path} HTTP/1.1\r\nHost: a.b\r\n`
}

/** The most memory that a server has held up to now, in MB. */
async function peak({ id }: ServerProcess): Promise<number> {
  const status = await readFile(`/proc/${id}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024
}
