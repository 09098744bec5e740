import { readdir } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TestClock } from './support/clock.ts'
import { GatedStore } from './support/gate.ts'
import { Person } from './support/person.ts'
import { ServerProcess } from './support/process.ts'
import { Raw } from './support/raw.ts'
import { serve } from './support/server.ts'

const CROWD = 50
const WEBSOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'
const H2C = 'Connection: Upgrade\r\nUpgrade: h2c\r\n'

const test = suite('refused handshakes')

test('a handshake that is refused leaves no descriptor behind, though its client never closes its end', async () => {
  const server = await ServerProcess.start()
  const ann = await Person.create(server.url, 'ann')
  const path = `/rooms/${ann.code}/socket`
  const refused: [string, RegExp][] = [
    [`GET /nothing HTTP/1.1\r\nHost: a\r\n${WEBSOCKET}\r\n`, / 404 /],
    [`GET ${path} HTTP/1.1\r\nHost: a\r\nOrigin: http://evil.example\r\n${WEBSOCKET}\r\n`, / 403 /],
    [`GET ${path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n${WEBSOCKET}\r\n`, / 400 /],
    [`GET ${path} HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n${WEBSOCKET.replace('13', '7')}\r\n`, / 400 /],
    [`GET /health HTTP/1.1\r\nHost: a\r\n${H2C}\r\n`, / 200 /],
    [`POST /join HTTP/1.1\r\nHost: a\r\n${H2C}Content-Length: 5\r\n\r\n`, / 400 | 200 /],
    [`GET /health HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n${WEBSOCKET}\r\n`, / 404 /],
  ]
  const before = await descriptors(server)
  // Where the other protocol is not even looked at, h2c is a request like any other, whose connection stays.
  const isIgnored = !/Connection: close/.test(await answer(server, refused[4][0]))
  for (const [request, status] of refused) {
    if (isIgnored && request.includes('h2c')) continue
    const crowd = await Promise.all(Array.from({ length: CROWD }, () => ask(server, request)))
    for (const { received } of crowd) assert.match(received, status)
    assert.ok(await comesBack(server, before + 2), `${await descriptors(server)} after ${before}: ${request}`)
    for (const { socket } of crowd) socket.destroy()
  }
  await server.stop('SIGKILL')
})

test('a handshake whose look-up fails is refused with 503 and closed', async () => {
  const store = new GatedStore()
  const server = await serve({ store })
  const ann = await Person.create(server.url, 'ann')
  const failure = Object.assign(new Error('the store is away'), { code: 'EAWAY' })
  const logged: string[] = []
  const { error } = console
  console.error = (words: string) => logged.push(words)
  store.gate = Promise.reject(failure)
  store.gate.catch(() => {})
  const raw = await Raw.open(server.url)
  raw.send(handshake(ann))
  assert.match(await raw.ended, /^HTTP\/1\.1 503 [\s\S]*Connection: close/)
  console.error = error
  assert.equal(
    logged.map((line) => JSON.parse(line)).map(({ event, error, code }) => [event, error, code]),
    [['error', 'StoreFailure', 'EAWAY']],
  )
  await server.stop()
})

test('a handshake whose look-up never ends is refused with 503 after five seconds and closed', async () => {
  const clock = new TestClock()
  const store = new GatedStore()
  const server = await serve({ store, clock })
  const ann = await Person.create(server.url, 'ann')
  const open = store.shut()
  const raw = await Raw.open(server.url)
  const { asked } = store
  raw.send(handshake(ann))
  while (store.asked === asked) await new Promise((resolve) => setImmediate(resolve))
  await clock.pass(4000)
  assert.is(raw.received, '')
  await clock.pass(1000)
  assert.match(await raw.ended, /^HTTP\/1\.1 503 [\s\S]*Connection: close/)
  open()
  await clock.pass(1000)
  assert.is((await ann.fetch('')).status, 200)
  const stopped = server.stop()
  await clock.pass(3000)
  await stopped
})

test('a server that stops does not wait for handshakes that were not answered', async () => {
  const clock = new TestClock()
  const store = new GatedStore()
  const server = await serve({ store, clock })
  const ann = await Person.create(server.url, 'ann')
  store.shut()
  const raw = await Raw.open(server.url)
  const { asked } = store
  raw.send(handshake(ann))
  while (store.asked === asked) await new Promise((resolve) => setImmediate(resolve))
  const stopped = server.stop()
  assert.is(await raw.ended, '')
  await stopped
})

test.run()

function handshake({ code, token }: Person): string {
  return `GET /rooms/${code}/socket HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n${WEBSOCKET}\r\n`
}

interface Asked {
  readonly socket: Socket
  readonly received: string
}

/** Sends something and keeps its own end open after the answer has ended. */
function ask(server: ServerProcess, request: string): Promise<Asked> {
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  let received = ''
  socket.write(request)
  socket.on('data', (bytes) => {
    received += bytes
  })
  return new Promise((resolve, reject) => {
    socket.on('end', () => resolve({ socket, received })).on('error', reject)
  })
}

/** What is answered up to the end of its head. */
async function answer(server: ServerProcess, request: string): Promise<string> {
  const raw = await Raw.open(server.url)
  raw.send(request)
  await raw.until('\r\n\r\n')
  raw.socket.destroy()
  return raw.received
}

async function descriptors(server: ServerProcess): Promise<number> {
  return (await readdir(`/proc/${server.id}/fd`)).length
}

/** Whether no more than so many are open, sooner or later. */
async function comesBack(server: ServerProcess, most: number): Promise<boolean> {
  for (let look = 0; look < 500; look += 1) {
    if ((await descriptors(server)) <= most) return true
    await fetch(`${server.url}/health`)
  }
  return false
}
