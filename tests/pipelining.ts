import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TestClock } from './support/clock.ts'
import { GatedStore } from './support/gate.ts'
import { Person } from './support/person.ts'
import { exchange, Raw } from './support/raw.ts'
import { serve, type TestServer } from './support/server.ts'

interface Context {
  clock: TestClock
  store: GatedStore
  server: TestServer
  ann: Person
}

const test = suite<Context>('pipelining')
const HANDSHAKE = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'

test.before.each(async (context) => {
  context.clock = new TestClock()
  context.store = new GatedStore()
  context.server = await serve({ clock: context.clock, store: context.store, grace: 1000 })
  context.ann = await Person.create(context.server.url, 'ann')
})
test.after.each(async ({ server, clock }) => {
  const stopped = server.stop()
  await clock.pass(3000)
  await stopped
})

test('a wish for another protocol right behind a request stops nobody, and both are answered', async ({ server }) => {
  const wish = (name: string) => `GET /health HTTP/1.1\r\nHost:a\r\nConnection:upgrade\r\nUpgrade:${name}\r\n\r\n`
  for (const name of ['x', 'h2c']) {
    const raw = await Raw.open(server.url)
    raw.send(`GET /health HTTP/1.1\r\nHost:a\r\n\r\n${wish(name)}`)
    await raw.until(/^HTTP\/1\.1 200 [\s\S]*"ok"\}HTTP\/1\.1 200 [\s\S]*"ok"\}/)
    raw.socket.destroy()
  }
  for (const first of [
    'GET /health HTTP/1.1\r\nHost:a\r\nExpect:x\r\n\r\n',
    'GET /health HTTP/1.0\r\nConnection:keep-alive\r\n\r\n',
  ]) {
    const raw = await Raw.open(server.url)
    raw.send(first + wish('x'))
    await raw.until(/^HTTP\/1\.1 200 [\s\S]*"ok"\}HTTP\/1\.1 200 [\s\S]*"ok"\}/)
    raw.socket.destroy()
  }
  assert.match(await exchange(server.url, `GET /health HTTP/1.1\r\n\r\n${wish('x')}`), /^HTTP\/1\.1 400 /)
  const refused = await exchange(server.url, `GET /health HTTP/1.1\r\nHost:a\r\n\r\n${wish('websocket')}`)
  assert.match(refused, /^HTTP\/1\.1 200 [\s\S]*"ok"\}HTTP\/1\.1 404 /)
  assert.is((await fetch(`${server.url}/health`)).status, 200)
})

test('a handshake right behind requests is answered once they are', async ({ store, ann }) => {
  const open = store.shut()
  const raw = await Raw.open(ann.url)
  const handshake = `${head(ann, '/socket')}Connection: Upgrade\r\nUpgrade: websocket\r\n${HANDSHAKE}\r\n`
  raw.send(`${head(ann, '/messages')}\r\n${head(ann, '/messages')}\r\n${handshake}`)
  await until(store, 1)
  assert.is(store.asked, 1)
  open()
  await raw.until('101 Switching')
  assert.equal(statuses(raw.received), [200, 200, 101])
  assert.match(raw.received, /"cursor":"[^"]*"\}HTTP\/1\.1 101/)
  raw.socket.destroy()
})

test('requests behind one another are answered one at a time, in their order', async ({ store, ann }) => {
  const open = store.shut()
  const raw = await Raw.open(ann.url)
  raw.send(`${head(ann, '/messages')}\r\n${head(ann, '/nothing')}\r\n${head(ann, '/messages')}\r\n`)
  await until(store, 1)
  assert.is(store.asked, 1, 'the others have not begun')
  open()
  await raw.until(/404[\s\S]*HTTP\/1\.1 200 [\s\S]*"cursor"/)
  assert.equal(statuses(raw.received), [200, 404, 200])
  raw.socket.destroy()
})

test('a stream that waited behind an answer is not begun for a connection that is gone', async (context) => {
  const { clock, store, ann } = context
  const bob = await Person.join(ann.url, ann.code, 'bob')
  const line = await ann.listen()
  await line.frame('id="since"')
  const raw = await Raw.open(ann.url)
  // The first one ends by itself only when its reader does.
  raw.send(`${head(bob, '/events')}\r\n${head(bob, '/events')}\r\n${head(bob, '/live')}\r\n`)
  await raw.until('text/event-stream')
  const open = store.shut()
  raw.socket.destroy()
  await raw.ended
  open()
  await ann.fetch('')
  await clock.pass(10_000)
  const { members } = (await (await ann.fetch('')).json()) as { members: { name: string }[] }
  assert.equal(
    members.map(({ name }) => name),
    ['ann'],
  )
})

test('more requests than anyone has reason to send ahead end their connection', async ({ store, ann }) => {
  const open = store.shut()
  const raw = await Raw.open(ann.url)
  raw.send(`${head(ann, '/messages')}\r\n`.repeat(50))
  assert.is(await raw.ended, '')
  assert.ok(store.asked <= 1, `${store.asked} look-ups`)
  open()
  const few = await Raw.open(ann.url)
  few.send(`${head(ann, '/messages')}\r\n`.repeat(10))
  await few.until(/(HTTP\/1\.1 200 [\s\S]*){10}\}/)
  few.socket.destroy()
})

test('a request that names two hosts is refused, whatever it asks for', async ({ server, ann }) => {
  const twice = 'Host: a.b\r\nhost: c.d\r\n'
  const upgrade = (name: string) => `Connection: Upgrade\r\nUpgrade: ${name}\r\n${HANDSHAKE}`
  for (const more of ['', 'Content-Length: 0\r\n', upgrade('h2c'), upgrade('websocket')]) {
    const path = `/rooms/${ann.code}/socket`
    const answer = await exchange(
      server.url,
      `GET ${path} HTTP/1.1\r\nAuthorization: Bearer ${ann.token}\r\n${twice}${more}\r\n`,
    )
    assert.match(answer, /^HTTP\/1\.1 400 [\s\S]*Connection: close/, more)
  }
  const nowhere = `GET /rooms/${ann.code}/socket HTTP/1.1\r\nAuthorization: Bearer ${ann.token}\r\n`
  assert.match(await exchange(server.url, `${nowhere}${upgrade('websocket')}\r\n`), /^HTTP\/1\.1 400 /)
})

/** The head of a request by a member, without its last line. */
function head({ code, token }: Person, path: string): string {
  return `GET /rooms/${code}${path} HTTP/1.1\r\nHost: a.b\r\nAuthorization: Bearer ${token}\r\nAccept: application/json\r\n`
}

function statuses(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status))
}

/** Settles once so many look-ups have begun, and what came with them has had its turn. */
async function until(store: GatedStore, asked: number): Promise<void> {
  const { asked: before } = store
  while (store.asked - before < asked) await new Promise((resolve) => setImmediate(resolve))
  for (let count = 0; count < 10; count += 1) await new Promise((resolve) => setImmediate(resolve))
}

test.run()
