import type { Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TestClock, turn } from './support/clock.ts'
import type { Line } from './support/line.ts'
import { Person } from './support/person.ts'
import { serve, type TestServer } from './support/server.ts'

interface Context {
  clock: TestClock
  server: TestServer
  ann: Person
  anns: Line
}

const test = suite<Context>('flooding')
const BURST = 100
const PER_SECOND = 20

test.before.each(async (context) => {
  context.clock = new TestClock()
  context.server = await serve({ clock: context.clock, areRatesLimited: true })
  context.ann = await Person.create(context.server.url, 'ann')
  context.anns = await here(context.ann)
})
test.after.each(async ({ server, clock }) => {
  const stopped = server.stop()
  await clock.pass(10_000)
  await stopped
})

const FRAMES: [string, (line: Line) => void][] = [
  ['empty objects', (line) => line.send({})],
  ['places to begin', (line) => line.send({ since: '' })],
  ['what is no JSON', (line) => line.socket.send('{')],
  ['posts without a text', (line) => line.send({ text: '' })],
  ['pings', (line) => line.socket.ping()],
  ['pongs', (line) => line.socket.pong()],
]

for (const [words, send] of FRAMES)
  test(`whoever sends too many frames is sent away, the others talk on: ${words}`, async ({ server, ann, anns }) => {
    const bob = await here(await Person.join(server.url, ann.code, 'bob'))
    for (let count = 0; count < BURST + 1; count += 1) send(bob)
    assert.is(await bob.closed, 1008)
    await ann.say('hello')
    await anns.count(1)
  })

test('whoever sends as much as a person can is not sent away', async ({ clock, anns }) => {
  for (let second = 0; second < 60; second += 1) {
    for (let count = 0; count < PER_SECOND; count += 1) anns.send({})
    await answered(anns)
    await clock.pass(1000)
  }
  assert.is(anns.socket.readyState, anns.socket.OPEN)
})

test('where rates are not limited a load test may send what it likes', async () => {
  const server = await serve()
  const line = await here(await Person.create(server.url, 'ann'))
  for (let count = 0; count < 1000; count += 1) line.send({})
  line.send({ text: 'all were read' })
  await line.count(1)
  await server.stop()
})

test('pongs to somebody who pings and reads nothing are not gathered', async () => {
  const server = await serve()
  const bob = await Person.create(server.url, 'bob')
  const line = await here(bob)
  line.socket.pause()
  // More than every buffer on the way holds: a pong carries what its ping did.
  const payload = new Uint8Array(125)
  line.socket.on('error', () => {})
  const { _socket: below } = line.socket as unknown as { _socket: Socket }
  for (let size = 0; !below.closed && size < 64 * 1024 * 1024; size += payload.length * 1000) {
    for (let count = 0; count < 1000; count += 1) line.socket.ping(payload, true, () => {})
    while (!below.closed && below.writableLength > 0) await turn()
  }
  assert.ok(below.closed)
  await server.stop()
})

test('of more than sixteen sockets one that is silent gives way, and where none is the oldest', async ({
  clock,
  server,
  ann,
  anns,
}) => {
  const lines = [anns]
  while (lines.length < 16) lines.push(await here(ann))
  await clock.pass(24_000)
  await answered(anns)
  lines.push(await here(ann))
  assert.is(await anns.closed, 1013, 'though it was heard from last')
  const [dead] = lines.splice(5, 1)
  dead.socket.pause()
  await clock.pass(12_000)
  for (const line of lines.slice(1)) await answered(line)
  lines.push(await here(ann))
  dead.socket.resume()
  assert.is(await dead.closed, 1013, 'though others are older')
  const open = lines.filter(({ socket }) => socket.readyState === socket.OPEN)
  assert.equal(open, lines.slice(1))
  await ann.say('hello')
  await Promise.all(open.map((line) => line.count(1)))
  const bob = await here(await Person.join(server.url, ann.code, 'bob'))
  await clock.pass(1000)
  assert.is(bob.socket.readyState, bob.socket.OPEN, 'each has their own')
  for (const line of open.slice(5)) line.close()
  await Promise.all(open.slice(5).map(({ closed }) => closed))
  for (let count = 0; count < 11; count += 1) lines.push(await here(ann))
  assert.is(lines[1].socket.readyState, lines[1].socket.OPEN, 'those that are closed do not count')
})

test.run()

/** A socket that has caught up. */
async function here(person: Person): Promise<Line> {
  const line = await person.listen()
  await line.frame('id="since"')
  return line
}

/** Settles once all that was sent has been read. */
async function answered(line: Line): Promise<void> {
  const { length } = line.frames
  line.socket.send('{')
  await line.until(({ frames }) => frames.slice(length).some((frame) => frame.includes('could not be read')))
}
