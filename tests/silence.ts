import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { TcpProxy } from './faults/proxy.ts'
import { TestClock } from './support/clock.ts'
import type { Line } from './support/line.ts'
import { Person } from './support/person.ts'
import { serve, type TestServer } from './support/server.ts'

const HOUR = 60 * 60 * 1000

interface Context {
  clock: TestClock
  server: TestServer
  proxy: TcpProxy
}

const test = suite<Context>('silence')

test.before.each(async (context) => {
  context.clock = new TestClock()
  context.server = await serve({ clock: context.clock })
  context.proxy = await TcpProxy.open(() => context.server.port)
})
test.after.each(async ({ server, proxy, clock }) => {
  proxy.close()
  const stopped = server.stop()
  await clock.pass(3000)
  await stopped
})

test('a line that went dead is dropped after a minute, and its member is gone after the grace', async (context) => {
  const { clock, server, proxy } = context
  const ann = await Person.create(server.url, 'ann')
  const bob = await Person.join(proxy.url, ann.code, 'bob')
  const [anns, bobs] = [await ann.listen(), await bob.listen()]
  await Promise.all([anns.frame('id="since"'), bobs.frame('id="since"')])
  await clock.pass(1000)
  await anns.until(({ frames }) => counts(frames).at(-1) === 2)
  for (const link of proxy.links) link.blackhole()
  await minuteWithout(clock, anns)
  const notices = anns.frames.length
  await clock.pass(15_000)
  await alive(anns)
  assert.equal(counts(anns.frames.slice(notices)), [], 'a grace is given')
  await clock.pass(10_000)
  await anns.frame('<b><bdi>bob</bdi></b> left')
  assert.equal(counts(anns.frames).at(-1), 1)
  assert.is(anns.socket.readyState, anns.socket.OPEN)
})

test('a quiet line that answers is kept', async ({ clock, server }) => {
  const ann = await Person.create(server.url, 'ann')
  const line = await ann.listen()
  await line.frame('id="since"')
  for (let beat = 0; beat < 8; beat += 1) {
    const pinged = new Promise((resolve) => line.socket.once('ping', resolve))
    await clock.pass(25_000)
    await pinged
    // By the time that this is answered, so was the ping, and nothing else was sent.
    await ann.fetch('')
  }
  assert.is(line.socket.readyState, line.socket.OPEN)
})

for (const hours of [-1, 72]) {
  test(`beats go on with a clock on the wall that is set by ${hours} hours, and nobody is cut off`, async (context) => {
    const { clock, server } = context
    const ann = await Person.create(server.url, 'ann')
    const line = await ann.listen()
    await line.frame('id="since"')
    clock.set(hours * HOUR)
    let pings = 0
    line.socket.on('ping', () => (pings += 1))
    for (let beat = 1; beat <= 3; beat += 1) {
      await clock.pass(25_000)
      await ann.say(`message ${beat}`)
      await line.count(beat)
      assert.is(pings, beat)
    }
    assert.is(line.socket.readyState, line.socket.OPEN)
  })

  test(`a line that went dead is dropped with a clock on the wall that is set by ${hours} hours`, async (context) => {
    const { clock, server, proxy } = context
    const ann = await Person.create(server.url, 'ann')
    const bob = await Person.join(proxy.url, ann.code, 'bob')
    const [anns, bobs] = [await ann.listen(), await bob.listen()]
    await Promise.all([anns.frame('id="since"'), bobs.frame('id="since"')])
    for (const link of proxy.links) link.blackhole()
    clock.set(hours * HOUR)
    await minuteWithout(clock, anns)
    await clock.pass(25_000)
    await anns.frame('<b><bdi>bob</bdi></b> left')
  })
}

/** The dead line stays dead, and the other one answers. */
async function minuteWithout(clock: TestClock, line: Line): Promise<void> {
  for (let beat = 0; beat < 4; beat += 1) {
    await clock.pass(15_000)
    await alive(line)
  }
}

/** Says something and sees it: now the server has heard of this line. */
async function alive(line: Line): Promise<void> {
  const { length } = line.messages
  line.send({ text: `here ${length}` })
  await line.count(length + 1)
}

function counts(frames: readonly string[]): number[] {
  return [...frames.join('').matchAll(/id="count"[^>]*>(\d+)</g)].map(([, count]) => Number(count))
}

test.run()
