import { connect, createServer, type ServerOpts, type Socket } from 'node:net'
import process from 'node:process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeDirectly } from '../routes/wire/direct.ts'

const test = suite('direct')

// From Node 26 on a socket's own write is as short, and on Deno there is no such way: there the lane stands aside.
const isOpen = !('deno' in process.versions) && Number(process.versions.node.split('.')[0]) < 26
const CHANGED = 'this version of Node has another private field: look at routes/wire/direct.ts'

test('what is written directly arrives, at once and in order', async () => {
  const { near, far } = await pair()
  if (writeDirectly(near, bytes('-'), unexpected) === undefined) near.write(bytes('-'))
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
  assert.is(writeDirectly(near, bytes('x'), unexpected), isOpen ? 'failed' : undefined, CHANGED)
  near.destroy()
})

test('a socket that has ended is not written to', async () => {
  const { near, far } = await pair()
  near.write(bytes('-'))
  near.destroy()
  assert.is(writeDirectly(near, bytes('x'), unexpected), undefined)
  far.destroy()
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

test.run()

/** Writes as a connection does: directly, or where that cannot be done by the socket. */
function write(socket: Socket, text: string, done: () => void): string | undefined {
  const written = writeDirectly(socket, bytes(text), done)
  if (!written) socket.write(bytes(text))
  return written
}
