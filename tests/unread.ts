import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { outsideOfRequest } from '../routes/guard/outside.ts'
import { Proxies } from '../routes/guard/proxies.ts'
import { Answer, Answers } from '../routes/wire/answers.ts'
import { TestClock, turn } from './support/clock.ts'
import { type Closing, head, knock, meet } from './support/ends.ts'
import { makeHouse } from './support/site.ts'

const test = suite<Closing>('unread')
const PART = new Uint8Array(64 * 1024)
const LONG = new Uint8Array(32 * 1024 * 1024)
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

test.before.each((context) => {
  context.closing = []
})
test.after.each(({ closing }) => {
  for (const close of closing) close()
})

test('an answer that nobody reads ends within a minute of being given', async (context) => {
  const clock = new TestClock()
  const { near, far } = await meet(
    context,
    answering(clock, (_, answer) => answer.end(LONG)),
    GET,
  )
  await clock.pass(45_000)
  assert.not.ok(far.destroyed, 'somebody may be slow')
  await clock.pass(15_000)
  assert.ok(far.destroyed)
  near.destroy()
})

for (const hours of [-1, 72]) {
  test(`an answer that nobody reads ends in a minute, not before, with a clock set by ${hours} hours`, async (context) => {
    const clock = new TestClock()
    const { near, far } = await meet(
      context,
      answering(clock, (_, answer) => answer.end(LONG)),
      GET,
    )
    await clock.pass(10_000)
    clock.set(hours * 60 * 60 * 1000)
    await clock.pass(35_000)
    assert.not.ok(far.destroyed)
    await clock.pass(15_000)
    assert.ok(far.destroyed)
    near.destroy()
  })
}

test('an answer that comes in parts, and that nobody reads, ends too', async (context) => {
  const clock = new TestClock()
  const server = answering(clock, (_, answer) => {
    const more = () => {
      while (answer.write(PART));
    }
    answer.on('drain', more)
    more()
  })
  const { far } = await meet(context, server, GET)
  await clock.pass(60_000)
  assert.ok(far.destroyed)
})

test('an answer that is read ends nothing, however many come on one connection and whatever time it takes', async (context) => {
  const clock = new TestClock()
  const { near, far } = await meet(
    context,
    answering(clock, (_, answer) => answer.end(LONG)),
    GET,
  )
  await clock.pass(30_000)
  const size = await read(near, LONG.length)
  assert.ok(size > LONG.length)
  await clock.pass(60_000)
  near.write(GET)
  await read(near, LONG.length)
  await clock.pass(60_000)
  assert.not.ok(far.destroyed)
})

test('of more unread answers than are held at once the oldest are cut off', async () => {
  const clock = new TestClock()
  const server = answering(clock, (_, answer) => answer.end(PART))
  const far: Duplex[] = []
  for (let count = 0; count < 1000; count += 1) {
    far.push(new Deaf())
    server.emit('connection', far[count])
    far[count].push(GET)
    if (count % 10 !== 9) continue
    await turn()
    const { length } = far.filter(({ destroyed }) => !destroyed)
    assert.ok(length <= 256 && length > Math.min(count, 150), `${length} of ${count} are held`)
  }
  const held = far.filter(({ destroyed }) => !destroyed)
  assert.equal(held, far.slice(-held.length), 'the newest')
  for (const one of far) one.destroy()
})

for (const proxy of ['', '10.0.0.1'])
  test(`whoever leaves many answers unread is cut off before others who only read slowly${proxy && ', behind one proxy too'}`, async () => {
    const clock = new TestClock()
    const server = answering(clock, (_, answer) => answer.end(PART), proxy ? forwarded : undefined)
    const ask = async (address: string) => {
      const one = Object.assign(new Deaf(), { remoteAddress: proxy || address })
      server.emit('connection', one)
      one.push(GET.replace(/\r\n$/, `X-Forwarded-For: ${address}\r\n\r\n`))
      await turn()
      return one
    }
    const slow = [await ask('192.0.2.1'), await ask('2001:db8::1'), await ask('192.0.2.2')]
    const hostile: Duplex[] = []
    // An address of IPv6 counts by its network.
    for (let count = 0; count < 600; count += 1) hostile.push(await ask(`2001:db8:0:1::${count.toString(16)}`))
    assert.equal(
      slow.map(({ destroyed }) => destroyed),
      [false, false, false],
    )
    assert.ok(hostile.filter(({ destroyed }) => !destroyed).length <= 256)
    for (const one of [...slow, ...hostile]) one.destroy()
  })

for (const path of ['/events', '/live'])
  test(`a stream of which nothing is taken for a minute is cut off, and nobody is there any more: ${path}`, async (context) => {
    const { clock, site, house } = makeHouse({ grace: 1000 })
    const ann = await house.open()
    const answers = new Answers(clock, getRequestListener(house.app.fetch), { failed: console.error })
    const server = createServer({ ServerResponse: Answer }, (request, answer) => answers.take(request, answer))
    const { near, far } = await meet(context, server, head(ann, path, ''))
    while (site.rooms.attendance(ann.code).count === 0) await turn()
    await fill(far)
    await clock.pass(50_000)
    assert.not.ok(far.destroyed, 'somebody may be slow')
    for (let count = 0; count < 3; count += 1) {
      await drain(near, far)
      await fill(far)
      await clock.pass(50_000)
      assert.not.ok(far.destroyed, 'something was taken')
    }
    await clock.pass(30_000)
    assert.ok(far.destroyed)
    assert.is(site.rooms.attendance(ann.code).count, 0)
  })

for (const path of ['/events?since=1.x', '/live?since=1.x'])
  test(`a stream that is behind and not read is given a page, not all that it missed: ${path}`, async () => {
    const store = new CountingStore({ history: 500, bytes: 1024 * 1024, rooms: 10 })
    const { house } = makeHouse({ store })
    const ann = await house.open()
    for (let count = 0; count < 200; count += 1) await ann.say('"'.repeat(4000))
    const { body } = await ann.ask(path)
    for (let count = 0; count < 20; count += 1) await turn()
    assert.ok(store.pages <= 3, `${store.pages} pages were read`)
    await body?.cancel()
  })

test('a refusal that nobody sees a page of reads none', async () => {
  const store = new CountingStore({ history: 500, bytes: 1024 * 1024, rooms: 10 })
  const { house } = makeHouse({ store })
  const ann = await house.open()
  await ann.json('/messages', { method: 'POST', body: new URLSearchParams({ text: '' }) })
  await ann.post('/messages', { text: '' }, { 'HX-Request': 'true' })
  assert.is(store.pages, 0)
})

test('a stream that is ended while nobody reads it is no longer kept than any other answer', async (context) => {
  const { clock, site, house } = makeHouse({ grace: 1000 })
  const ann = await house.open()
  const answers = new Answers(clock, getRequestListener(house.app.fetch), { failed: console.error })
  const server = createServer({ ServerResponse: Answer }, (request, answer) => answers.take(request, answer))
  const { far } = await meet(context, server, head(ann, '/events', ''))
  while (site.rooms.attendance(ann.code).count === 0) await turn()
  await fill(far)
  for (let count = 0; count < 4; count += 1) await ann.json('/events')
  await clock.pass(60_000)
  assert.ok(far.destroyed)
})

test('a socket of which nothing is taken for a minute is cut off, though it sends pongs', async (context) => {
  const { clock, near, far } = await knock(context)
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second += 5) {
      near.write(new Uint8Array([0x8a, 0x80, 1, 2, 3, 4]))
      while (!far.destroyed && far.bytesRead < near.bytesWritten) await turn()
      await clock.pass(5000)
    }
  }
  await fill(far)
  await pass(50)
  assert.not.ok(far.destroyed, 'somebody may be slow')
  await drain(near, far)
  await fill(far)
  await pass(50)
  assert.not.ok(far.destroyed, 'something was taken')
  // A kernel may take a last part late, and then the minute begins anew.
  for (let second = 0; second < 120 && !far.destroyed; second += 5) {
    await fill(far)
    await pass(5)
  }
  assert.ok(far.destroyed)
})

test('a socket that takes what waits is kept though it answers nothing, and no beat waits behind that', async (context) => {
  const { clock, near, far } = await knock(context)
  for (let round = 0; round < 6; round += 1) {
    await fill(far)
    const { bytesWritten } = far
    await clock.pass(25_000)
    assert.is(far.bytesWritten, bytesWritten)
    assert.not.ok(far.destroyed)
    await drain(near, far)
  }
})

test.run()

/** A store that knows how often it was asked for a part of a log. */
class CountingStore extends MemoryStore {
  pages = 0

  override messages(...asked: Parameters<MemoryStore['messages']>): ReturnType<MemoryStore['messages']> {
    this.pages += 1
    return super.messages(...asked)
  }

  override entries(...asked: Parameters<MemoryStore['entries']>): ReturnType<MemoryStore['entries']> {
    const [, { limit }] = asked
    // A room that asks whether there is anything new asks for one.
    if (limit > 1) this.pages += 1
    return super.entries(...asked)
  }
}

/** A connection whose other end takes nothing. */
class Deaf extends Duplex {
  override _read(): void {}
  override _write(): void {}
}

function answering(
  clock: TestClock,
  listener: (request: IncomingMessage, answer: Answer) => unknown,
  addressOf?: (request: IncomingMessage) => string,
): Server {
  const answers = new Answers(clock, async (request, answer) => listener(request, answer), {
    failed: console.error,
    addressOf,
  })
  return createServer({ ServerResponse: Answer }, (request, answer) => answers.take(request, answer))
}

function forwarded(request: IncomingMessage): string {
  return outsideOfRequest(request, new Proxies(['10.0.0.1'])).address
}

/** Writes until the kernel takes no more. */
async function fill(far: Socket): Promise<void> {
  for (let calm = 0; calm < 20; calm += 1) {
    if (far.writableLength === 0) {
      far.write(PART)
      calm = 0
    }
    await turn()
  }
}

/** Reads until so many bytes have come. */
async function read(near: Socket, size: number): Promise<number> {
  let length = 0
  for (;;) {
    const bytes = near.read()
    if (bytes) length += bytes.length
    else if (length >= size) return length
    else await turn()
  }
}

/** Reads until nothing waits at the other end. */
async function drain(near: Socket, far: Socket): Promise<void> {
  for (let calm = 0; calm < 20; calm += 1) {
    while (near.read()) calm = 0
    if (far.writableLength > 0) calm = 0
    await turn()
  }
}
