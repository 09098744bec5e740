import { createServer as createHttps } from 'node:https'
import { type AddressInfo, connect, createServer, type ServerOpts, type Socket } from 'node:net'
import process from 'node:process'
import { getRequestListener } from '@hono/node-server'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { createChat } from '../routes/chat.ts'
import { writeDirectly } from '../routes/wire/direct.ts'

const test = suite('direct')

// From Node 26 on a socket's own write is as short, and on Deno there is no such way: there the lane stands aside.
const isOpen = !('deno' in process.versions) && Number(process.versions.node.split('.')[0]) < 26
const CHANGED = 'this version of Node has another private field: look at routes/wire/direct.ts'

test('what is written directly arrives, at once and in order', async () => {
  const { near, far } = await pair()
  if (writeDirectly(near, bytes('-'), { caughtUp: unexpected }) === undefined) near.write(bytes('-'))
  assert.is(write(near, 'one ', unexpected), isOpen ? 'sent' : undefined, CHANGED)
  near.write(bytes('two '))
  assert.is(write(near, 'three', unexpected), isOpen ? 'sent' : undefined, CHANGED)
  near.end()
  assert.is(await all(far), '-one two three')
})

test('what the kernel does not take at once is queued, arrives before what follows, and is told of', async () => {
  const { near, far } = await pair()
  near.write(bytes('-'))
  const large = 'x'.repeat(8 * 1024 * 1024)
  let done = () => {}
  const taken = new Promise<void>((resolve) => {
    done = resolve
  })
  const written = write(near, large, done)
  assert.is(written, isOpen ? 'queued' : undefined, CHANGED)
  if (!written) done()
  near.end(bytes('!'))
  assert.is(await all(far), `-${large}!`)
  await taken
})

test('what waits on several sockets at once is told of for each', async () => {
  const pairs = [await pair(), await pair()]
  const large = 'x'.repeat(8 * 1024 * 1024)
  const told = pairs.map(async ({ near }) => {
    near.write(bytes('-'))
    await new Promise<void>((resolve) => {
      if (!write(near, large, resolve)) resolve()
    })
    near.end()
  })
  for (const { far } of pairs) assert.is(await all(far), `-${large}`)
  await Promise.all(told)
})

test('a line that the other end has cut is told of as failed', async () => {
  const { near, far } = await pair({ pauseOnConnect: true })
  near.write(bytes('-'))
  const cut = new Promise((resolve) => far.once('close', resolve))
  far.resetAndDestroy()
  await cut
  assert.is(writeDirectly(near, bytes('x'), { caughtUp: unexpected }), isOpen ? 'failed' : undefined, CHANGED)
  near.destroy()
})

test('one ordinary write is looked at, and none after that', async () => {
  for (let count = 0; count < 2; count += 1) {
    const { near, far } = await pair()
    writeDirectly(near, bytes('-'), { caughtUp: unexpected })
    const handle = (near as unknown as { _handle: object })._handle
    if (count > 0) assert.not(Object.hasOwn(handle, 'writeBuffer'))
    near.write(bytes('-'))
    near.destroy()
    far.destroy()
  }
})

test('a socket that has ended is not written to', async () => {
  const { near, far } = await pair()
  near.write(bytes('-'))
  near.destroy()
  assert.is(writeDirectly(near, bytes('x'), { caughtUp: unexpected }), undefined)
  far.destroy()
})

test('what is said arrives over TLS too, though a plain socket was written to directly before', async () => {
  const plain = await pair()
  plain.near.write(bytes('-'))
  write(plain.near, 'one', () => {})
  plain.near.destroy()
  const { port, token, code, stop } = await secureChat()
  const headers = { Authorization: `Bearer ${token}` }
  const socket = new WebSocket(`wss://127.0.0.1:${port}/rooms/${code}/socket`, { headers, rejectUnauthorized: false })
  let text = ''
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () => socket.send('{"since":""}'))
    socket.on('message', (part) => {
      if (text === '') for (const word of ['one', 'two', 'three']) socket.send(JSON.stringify({ text: word }))
      text += String(part)
      if (text.includes('three</p>')) resolve()
    })
  })
  assert.match(text, /one<\/p>[^]*two<\/p>[^]*three<\/p>/)
  socket.terminate()
  await stop()
})

async function pair(options: ServerOpts = {}): Promise<{ near: Socket; far: Socket }> {
  const server = createServer(options)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const far = connect((server.address() as { port: number }).port, '127.0.0.1')
  const near = await accepted
  server.close()
  return { near, far }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

async function all(socket: Socket): Promise<string> {
  let text = ''
  for await (const part of socket.setEncoding('latin1')) text += part
  return text
}

function unexpected(): void {
  throw new Error('nothing was queued')
}

// Made for this test, good for no other host, and known to everybody.
const SECURE = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCbjuQgF7NrezEH6m
PgaH+abOTJ4pNFrYHrrmrH+cjqKhRANCAARbZ2OjxpoSeoW1vvCbMO8Vbw/dLb4S
Zv1BfYFoINUiMySN0/nGuRmwDkN5twOAdo/2FpvtGDyoH7AV2GXfYwDe
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUUPYA5biP87OqYCnrZymBfaUxzWQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNTA2MTQxNFoYDzIxMjYxMTAx
MDYxNDE0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARbZ2OjxpoSeoW1vvCbMO8Vbw/dLb4SZv1BfYFoINUiMySN0/nGuRmw
DkN5twOAdo/2FpvtGDyoH7AV2GXfYwDeo1MwUTAdBgNVHQ4EFgQUw+drMjjhf2K5
RZWrFrgBHARDIsAwHwYDVR0jBBgwFoAUw+drMjjhf2K5RZWrFrgBHARDIsAwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAxktPIVwy2QT9tNUGgfFW
4khhBZ6KzWJZj0qTl5IqIYACIQDue978h9Qss0Y04azYZ/Afu2wWskclrlvcPnCG
XfgCxA==
-----END CERTIFICATE-----
`,
}

/** A chat of one room on a server that speaks TLS only. */
async function secureChat() {
  const chat = createChat({ secret: 'a secret of the tests', rateLimits: false })
  const server = createHttps(SECURE, getRequestListener(chat.app.fetch))
  server.on('upgrade', (request, socket, head) => chat.upgrade(request, socket, head) || socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const made = await chat.app.request(`https://127.0.0.1:${port}/rooms`, {
    method: 'POST',
    headers: { Accept: 'application/json' },
    body: new URLSearchParams({ name: 'ann' }),
  })
  const { room, token } = (await made.json()) as { room: { code: string }; token: string }
  const stop = async () => {
    await chat.drain()
    server.close()
  }
  return { port, token, code: room.code, stop }
}

test.run()

/** Writes as a connection does: directly, or where that cannot be done by the socket. */
function write(socket: Socket, text: string, done: () => void): string | undefined {
  const written = writeDirectly(socket, bytes(text), { caughtUp: done })
  if (!written) socket.write(bytes(text))
  return written
}
