import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeCursor } from '../rooms/cursor.ts'
import { Rooms, type RoomsOptions } from '../rooms/rooms.ts'
import { type Bus, LocalBus } from '../rooms/stores/bus.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { StoreFailure } from '../rooms/stores/prompt.ts'
import type { Result } from '../rooms/types.ts'
import { Barrier } from './support/barrier.ts'
import { TestClock, turn } from './support/clock.ts'
import { Ear, plainFormat } from './support/ear.ts'

const LOOK_MS = 10_000
const HOUR_MS = 60 * 60 * 1000
const BOUNDS = { history: 500, bytes: 1_000_000, rooms: 10 }

const test = suite('pull')

test('a reading that fails is tried again, and nothing is missing', async () => {
  const { rooms, code, ann, ear, store, clock } = await listening()
  store.failing = 3
  await say(rooms, code, ann, 'one', 'two')
  await turn()
  assert.equal(ear.texts, [])
  await clock.pass(1000)
  assert.equal([ear.texts, ear.isClosed], [['one', 'two'], false])
})

test('while readings fail they are tried less and less often', async () => {
  const { rooms, code, ann, store, clock } = await listening()
  store.failing = Number.POSITIVE_INFINITY
  store.asked = 0
  await say(rooms, code, ann, 'one')
  await turn()
  const counts = []
  for (let second = 0; second < 9; second += 1) {
    counts.push(store.asked)
    await clock.pass(1000)
  }
  assert.ok(store.asked < 12, `${store.asked} readings`)
  assert.ok(counts[1] - counts[0] > counts[8] - counts[7])
})

test('who cannot be served for ten seconds is sent away to come back, and not left deaf', async () => {
  const { rooms, code, ann, ear, store, clock } = await listening()
  const late = new Ear(ann)
  store.failing = Number.POSITIVE_INFINITY
  await say(rooms, code, ann, 'one')
  await rooms.enter(code, late)
  const connected = rooms.connect(code, late, ear.cursor).catch((error) => error)
  await clock.pass(15_000)
  assert.is(ear.farewell, 'busy')
  assert.ok((await connected) instanceof StoreFailure)
  rooms.disconnect(code, ear)
  store.failing = 0
  const again = await connectedEar(rooms, code, ann, ear.cursor)
  assert.equal(again.texts, ['one'])
})

test('a store that does not answer at all has failed after five seconds', async () => {
  const { rooms, code, ann, store, clock } = await listening()
  store.isHanging = true
  const posted = rooms.post(code, ann, { text: 'hello', key: '' }).catch((error) => error)
  await clock.pass(4999)
  assert.is(await Promise.race([posted, turn().then(() => 'waiting')]), 'waiting')
  await clock.pass(1)
  assert.ok((await posted) instanceof StoreFailure)
})

test('each of several calls has its own five seconds, whether those before it were answered or not', async () => {
  for (const isFirstAnswered of [false, true]) {
    const { rooms, code, ann, store, clock } = await listening()
    const posted: Promise<unknown>[] = []
    for (const number of [1, 2, 3]) {
      store.isHanging = number > 1 || !isFirstAnswered
      posted.push(rooms.post(code, ann, { text: `${number}`, key: '' }).catch(() => 'failed'))
      await clock.pass(2000)
    }
    const waiting = turn().then(() => 'waiting')
    const states = () => Promise.all(posted.slice(1).map((one) => Promise.race([one, waiting])))
    assert.equal(await states(), ['waiting', 'waiting'])
    await clock.pass(1000)
    assert.equal(await states(), ['failed', 'waiting'])
    await clock.pass(2000)
    assert.equal(await states(), ['failed', 'failed'])
  }
})

test('whether the store answers can be asked', async () => {
  const { rooms, store, clock } = await listening()
  assert.is(await rooms.isWell(), true)
  store.isHanging = true
  const isWell = rooms.isWell()
  await clock.pass(5000)
  assert.is(await isWell, false)
  store.isThrowing = true
  assert.is(await rooms.isWell(), false)
})

test('an entry whose hint was lost is there after the next look', async () => {
  const bus = new LossyBus()
  const { rooms, code, ann, ear, clock } = await listening({ bus })
  bus.isLossy = true
  await say(rooms, code, ann, 'one')
  await turn()
  assert.equal(ear.texts, [])
  await clock.pass(LOOK_MS)
  assert.equal(ear.texts, ['one'])
})

test('who left is closed with the next look where the hint of it was lost', async () => {
  const bus = new LossyBus()
  const { rooms, code, ann, ear, clock } = await listening({ bus })
  bus.isLossy = true
  await rooms.leave(code, ann.id)
  assert.is(ear.isClosed, false)
  await clock.pass(LOOK_MS)
  assert.is(ear.farewell, 'removed')
})

test('who has left between being looked up and being let in is closed', async () => {
  const { rooms, code, ann } = await listening()
  await rooms.leave(code, ann.id)
  const late = new Ear(ann)
  await rooms.enter(code, late)
  assert.is(late.farewell, 'removed')
})

test('who has left is not counted as here again by a connection that comes too late', async () => {
  const { rooms, code, ann, clock } = await listening()
  const { member: bob } = must(await rooms.join(code, 'bob'))
  await rooms.leave(code, bob.id)
  const late = new Ear(bob)
  await rooms.enter(code, late)
  rooms.disconnect(code, late)
  await clock.pass(0)
  assert.equal([late.farewell, rooms.present(code).map(({ id }) => id)], ['removed', [ann.id]])
})

test('who is banned before they are sent anything is closed at once, and not with the next look', async () => {
  const { rooms, code, ann, ear } = await listening()
  const { member: bob } = must(await rooms.join(code, 'bob'))
  rooms.disconnect(code, ear)
  const late = new Ear(bob)
  await rooms.enter(code, late)
  must(await rooms.moderate(code, ann, bob.id, 'ban'))
  await turn()
  assert.is(late.farewell, 'removed')
})

test('who comes in while the others are sent away is sent away too, and not left deaf', async () => {
  const { rooms, code, ann, ear, clock } = await listening()
  const others = [await connectedEar(rooms, code, ann), await connectedEar(rooms, code, ann)]
  const drained = rooms.drain(3000)
  await turn()
  const late = await connectedEar(rooms, code, ann)
  await clock.pass(3000)
  await drained
  assert.equal(
    [ear, ...others, late].map(({ farewell }) => farewell),
    ['restart', 'restart', 'restart', 'restart'],
  )
})

test('who catches up or comes in while the others are sent away is sent first what was taken', async () => {
  const { rooms, code, ann, ear, store, clock } = await listening()
  const start = ear.cursor
  for (let number = 0; number < 150; number += 1) await say(rooms, code, ann, `text ${number}`)
  await turn()
  const [behind, late] = [new Ear(ann), new Ear(ann)]
  await rooms.enter(code, behind)
  const answer = store.readings.holdOne()
  void rooms.connect(code, behind, start)
  const drained = rooms.drain(3000)
  await turn()
  await rooms.enter(code, late)
  answer()
  await rooms.connect(code, late, start)
  await clock.pass(3000)
  await drained
  for (const one of [behind, late]) assert.equal([one.texts.length, one.farewell], [150, 'restart'])
})

test('a reader who takes nothing holds up the goodbyes for a second', async () => {
  const { rooms, code, ann, ear, clock } = await listening()
  const start = ear.cursor
  for (let number = 0; number < 150; number += 1) await say(rooms, code, ann, `text ${number}`)
  await turn()
  const stalled = new Ear(ann)
  stalled.stall()
  await rooms.enter(code, stalled)
  void rooms.connect(code, stalled, start)
  await turn()
  void rooms.drain(0)
  await turn()
  assert.is(ear.farewell, undefined)
  await clock.pass(1000)
  assert.equal([ear.farewell, stalled.farewell], ['restart', 'restart'])
})

test('however the store hangs everyone is told within eight seconds that the server is about to stop', async () => {
  const { rooms, code, ann, ear, store, clock } = await listening()
  const ears = [ear]
  for (let count = 0; count < 200; count += 1) ears.push(await connectedEar(rooms, code, ann))
  store.isHanging = true
  void rooms.post(code, ann, { text: 'hello', key: '' }).catch(() => {})
  void rooms.drain(3000)
  await clock.pass(8000)
  assert.is(ears.filter(({ farewell }) => farewell === 'restart').length, 201)
})

test('of those who go on together nobody is cut off who has taken all', async () => {
  const { rooms, code, ann, ear, store } = await listening()
  const answer = store.readings.holdOne()
  await say(rooms, code, ann, 'one')
  await turn()
  const crowd = Array.from({ length: 1000 }, () => new Ear(ann))
  for (const one of crowd) await rooms.enter(code, one)
  const connected = crowd.map((one) => rooms.connect(code, one, ''))
  await turn()
  answer()
  await Promise.all(connected)
  assert.equal([ear.texts, crowd.filter(({ isClosed }) => isClosed).length], [['one'], 0])
})

test('a room that is gone says so to everyone in it, to who catches up and to who comes, and does no more', async () => {
  for (const isHintLost of [false, true]) {
    const bus = new LossyBus()
    const { rooms, code, ann, ear, store, clock } = await listening({ bus })
    const [waiting, behind] = [new Ear(ann), new Ear(ann)]
    await rooms.enter(code, waiting)
    await rooms.enter(code, behind)
    await say(rooms, code, ann, 'one')
    const resume = behind.stall()
    const connected = rooms.connect(code, behind, '0.nowhere')
    await turn()
    bus.isLossy = isHintLost
    await rooms.end(code, ann)
    await turn()
    resume()
    await clock.pass(LOOK_MS)
    await connected
    assert.equal(
      [ear, waiting, behind].map(({ farewell }) => farewell),
      ['room-gone', 'room-gone', 'room-gone'],
    )
    const late = new Ear(ann)
    await rooms.enter(code, late)
    assert.is(late.farewell, 'room-gone')
    for (const one of [ear, waiting, behind, late]) rooms.disconnect(code, one)
    store.asked = 0
    await turn()
    assert.is(store.asked, 0)
  }
})

test('who comes while a reading for those who just left is still under way misses nothing', async () => {
  const { rooms, code, ann, ear, store } = await listening()
  const answer = store.readings.holdOne()
  await say(rooms, code, ann, 'one')
  await turn()
  rooms.disconnect(code, ear)
  await say(rooms, code, ann, 'two')
  const late = await connectedEar(rooms, code, ann)
  await say(rooms, code, ann, 'three')
  answer()
  await turn()
  await say(rooms, code, ann, 'four')
  await turn()
  assert.equal(late.texts, ['three', 'four'])
})

test('whoever comes after an edit that took its own message from the history is in at once', async () => {
  const clock = new TestClock()
  const store = new MemoryStore({ ...BOUNDS, bytes: 100, clock })
  const rooms = makeRooms({ store, clock })
  const { room, member } = must(await rooms.create('', 'ann'))
  const { message } = must(await rooms.post(room.code, member, { text: 'x'.repeat(40), key: '' }))
  await say(rooms, room.code, member, 'y'.repeat(40))
  const first = await connectedEar(rooms, room.code, member)
  must(await rooms.edit(room.code, member, writeCursor(message), 'z'.repeat(90)))
  await turn()
  const late = new Ear(member)
  await rooms.enter(room.code, late)
  let isIn = false
  void rooms.connect(room.code, late, '').then(() => {
    isIn = true
  })
  await turn()
  assert.ok(isIn)
  await say(rooms, room.code, member, 'hello')
  await turn()
  assert.equal([first.texts, late.texts], [['hello'], ['hello']])
})

test('a sweep that takes longer than a room is kept takes no room from those who are in it', async () => {
  const time = new TestClock()
  let late = 0
  const clock = { now: time.now, elapsed: () => time.elapsed() + late, after: time.after.bind(time) }
  const store = new MemoryStore({ ...BOUNDS, clock })
  store.touch = async (code) => {
    const isThere = await MemoryStore.prototype.touch.call(store, code)
    late += 1100
    return isThere
  }
  const rooms = makeRooms({ store, ttl: 1000, clock })
  const { room, member } = must(await rooms.create('', 'ann'))
  const ear = await connectedEar(rooms, room.code, member)
  await time.pass(5000)
  assert.equal([ear.isClosed, (await rooms.find(room.code))?.code], [false, room.code])
})

test('a store that was let go of answers nothing, and above all not that there is no such room', async () => {
  const { rooms, code } = await listening()
  await rooms.drain(0)
  await rooms.close()
  for (const asked of [rooms.find(code), rooms.read(code, { sizeOf: plainFormat.sizeOf }), rooms.join(code, 'zoe')])
    assert.ok((await asked.catch((error) => error)) instanceof StoreFailure)
  assert.is(await rooms.isWell(), false)
  assert.ok((await rooms.create('', 'max').catch((error) => error)) instanceof StoreFailure)
})

test('a connection that ends after its room was made anew takes nobody out of the new one', async () => {
  const { rooms, code, ann, ear, store, clock } = await listening()
  const room = must({ ok: true, room: await rooms.find(code) }).room
  await store.remove(code)
  await clock.pass(LOOK_MS)
  assert.is(ear.farewell, 'room-gone')
  assert.ok(room)
  await store.create(room, ann)
  const again = await connectedEar(rooms, code, ann)
  rooms.disconnect(code, ear)
  await clock.pass(60_000)
  assert.equal([again.isClosed, rooms.attendance(code).count], [false, 1])
})

test('hints that come doubled, late and for nothing bring every entry once', async () => {
  const { rooms, code, ann, ear, bus } = await listening()
  for (const text of ['one', 'two', 'three']) {
    for (let count = 0; count < 3; count += 1) bus.hint(code, { about: 'log' })
    await say(rooms, code, ann, text)
    bus.hint(code, { about: 'room-gone' })
    await turn()
    bus.hint(code, { about: 'log' })
    await turn()
  }
  assert.equal([ear.texts, ear.isClosed], [['one', 'two', 'three'], false])
})

test('a message that comes with its hint is handed out without a reading', async () => {
  const { rooms, code, ann, ear, store } = await listening({ tellsPlaces: true })
  store.asked = 0
  await say(rooms, code, ann, 'one', 'two')
  await turn()
  await say(rooms, code, ann, 'three')
  await turn()
  assert.equal([ear.texts, store.asked], [['one', 'two', 'three'], 0])
  const again = await connectedEar(rooms, code, ann, ear.cursor)
  await say(rooms, code, ann, 'four')
  await turn()
  assert.equal([again.texts, ear.texts.at(-1)], [['four'], 'four'])
})

test('what comes with its hint during a reading does not wait beside it, and is sent once', async () => {
  const { rooms, code, ann, ear, store, bus } = await listening({ tellsPlaces: true })
  const answer = store.readings.holdOne()
  bus.hint(code, { about: 'log' })
  await turn()
  await say(rooms, code, ann, 'one', 'two')
  store.asked = 0
  answer()
  await turn()
  assert.equal([ear.texts, store.asked], [['one', 'two'], 1])
  await say(rooms, code, ann, 'three')
  await turn()
  assert.equal([ear.texts, store.asked], [['one', 'two', 'three'], 1])
})

test('a message that comes with its hint after another hint was lost is read with what was said before it', async () => {
  const bus = new LossyBus()
  const { rooms, code, ann, ear } = await listening({ bus, tellsPlaces: true })
  for (const text of ['one', 'lost', 'two', 'lost', 'lost', 'three']) {
    bus.isLossy = text === 'lost'
    await say(rooms, code, ann, text)
  }
  await turn()
  assert.equal(ear.texts, ['one', 'lost', 'two', 'lost', 'lost', 'three'])
  await say(rooms, code, ann, 'four')
  await turn()
  assert.is(ear.texts.at(-1), 'four')
})

test('what is said and taken back in one turn is never sent with its text', async () => {
  const { rooms, code, ann, ear } = await listening({ tellsPlaces: true })
  const { message } = must(await rooms.post(code, ann, { text: 'a secret', key: '' }))
  must(await rooms.delete(code, ann, writeCursor(message)))
  await turn()
  assert.equal(JSON.stringify(ear.events).includes('a secret'), false)
  assert.ok(ear.events.some((event) => event.kind === 'deleted'))
})

test('a message of another history is not believed, whatever its number', async () => {
  const { rooms, code, ann, ear, bus } = await listening({ tellsPlaces: true })
  await say(rooms, code, ann, 'one')
  await turn()
  const { message } = must(await rooms.post(code, ann, { text: 'two', key: '' }))
  await turn()
  const next = { message: { ...message, seq: 3, text: 'foreign' }, before: { seq: 2, tag: 'another' } }
  bus.hint(code, { about: 'log', next })
  await turn()
  assert.equal(ear.texts, ['one', 'two'])
})

test('more in one turn than may wait in memory is read, and comes whole and in order', async () => {
  const { rooms, code, ann, ear, store } = await listening({ tellsPlaces: true, history: 3000 })
  store.asked = 0
  const texts = Array.from({ length: 2500 }, (_, index) => `${index} ${'x'.repeat(200)}`)
  await Promise.all(texts.map((text) => say(rooms, code, ann, text)))
  await turn()
  assert.equal(ear.texts, texts)
  assert.ok(store.asked > 0, 'so much does not wait in memory')
})

test('two processes on one store are one chat, with hints between them and without', async () => {
  for (const isShared of [true, false]) {
    const clock = new TestClock()
    const store = new FaultyStore({ ...BOUNDS, clock })
    const shared = new LocalBus()
    const halves = [0, 1].map(() => makeRooms({ store, clock, bus: isShared ? shared : new LocalBus() }))
    const { room, member: ann } = must(await halves[0].create('', 'ann'))
    const { member: bob } = must(await halves[1].join(room.code, 'bob'))
    const ears = [await connectedEar(halves[0], room.code, ann), await connectedEar(halves[1], room.code, bob)]
    for (let count = 0; count < 10; count += 1)
      await say(halves[count % 2], room.code, count % 2 ? bob : ann, `${count}`)
    await clock.pass(isShared ? 0 : LOOK_MS)
    const texts = Array.from({ length: 10 }, (_, index) => `${index}`)
    assert.equal(
      ears.map(({ texts }) => texts),
      [texts, texts],
    )
    await halves[0].leave(room.code, bob.id)
    await clock.pass(isShared ? 0 : LOOK_MS)
    assert.equal([ears[0].farewell, ears[1].farewell], [undefined, 'removed'])
  }
})

test('a room lives as long as any process holds it, though nothing is said', async () => {
  const clock = new TestClock()
  const store = new FaultyStore({ ...BOUNDS, clock })
  const [one, other] = [0, 1].map(() => makeRooms({ store, clock, ttl: HOUR_MS, bus: new LocalBus() }))
  const { room, member } = must(await one.create('', 'ann'))
  await connectedEar(other, room.code, member)
  await clock.pass(3 * HOUR_MS)
  assert.ok(await one.find(room.code))
})

test('who reloads a page in the moment of a sweep finds their room', async () => {
  const clock = new TestClock()
  const { rooms, code, ann, ear } = await listening({ clock, ttl: HOUR_MS })
  await clock.pass(5 * HOUR_MS)
  rooms.disconnect(code, ear)
  await clock.pass(HOUR_MS - 1)
  assert.is(await rooms.seen(code, ann), true)
  await clock.pass(LOOK_MS)
  assert.is((await rooms.read(code, { sizeOf: plainFormat.sizeOf })).ok, true)
})

test('nothing expires while the store does not say that it keeps what is held', async () => {
  const { rooms, code, store, clock } = await listening({ ttl: HOUR_MS })
  store.untouchable.add(code)
  await loggedIn(clock.pass(2 * HOUR_MS))
  store.untouchable.clear()
  await clock.pass(2 * LOOK_MS)
  assert.ok(await rooms.find(code))
})

test('a room that the store does not keep when it is told to holds up no other one that nobody is in', async () => {
  const { rooms, code, store, clock } = await listening({ ttl: HOUR_MS })
  const { room: held, member } = must(await rooms.create('', 'bob'))
  await connectedEar(rooms, held.code, member)
  const { room: left } = must(await rooms.create('', 'eve'))
  store.untouchable.add(code)
  const logged = await loggedIn(clock.pass(2 * HOUR_MS))
  assert.ok(logged.length > 0 && logged.every((words) => words instanceof StoreFailure))
  const found = await Promise.all([code, held.code, left.code].map((one) => rooms.find(one)))
  assert.equal(
    found.map((room) => room?.code),
    [code, held.code, undefined],
  )
})

/** A store that fails, or does not answer, when it is told to; and counts what it is asked to read. */
class FaultyStore extends MemoryStore {
  /** Readings that are to fail. */
  failing = 0
  isHanging = false
  isThrowing = false
  /** Rooms that it fails to keep. */
  readonly untouchable = new Set<string>()
  /** Whether it says what a message came after: else a room has to read. */
  tellsPlaces = false
  asked = 0
  readonly readings = new Barrier()

  override async entries(...asked: Parameters<MemoryStore['entries']>) {
    this.asked += 1
    this.failing -= 1
    if (this.failing >= 0) throw new Error('told to fail')
    await this.readings.pass()
    await this.#hang()
    return super.entries(...asked)
  }

  override async append(...asked: Parameters<MemoryStore['append']>) {
    await this.#hang()
    const appended = await super.append(...asked)
    return this.tellsPlaces || !appended.ok ? appended : { ...appended, before: undefined }
  }

  override check(): Promise<void> {
    if (this.isThrowing) throw new Error('told to fail, at once')
    return this.#hang()
  }

  override async touch(code: string) {
    if (this.untouchable.has(code)) throw new Error('told to fail')
    return super.touch(code)
  }

  async #hang(): Promise<void> {
    if (this.isHanging) await new Promise(() => {})
  }
}

class LossyBus extends LocalBus {
  isLossy = false

  override hint(...hint: Parameters<Bus['hint']>): void {
    if (!this.isLossy) super.hint(...hint)
  }
}

function makeRooms(options: Partial<RoomsOptions> & Pick<RoomsOptions, 'store' | 'clock'>): Rooms {
  return new Rooms({ ttl: 24 * HOUR_MS, areRatesLimited: false, ...options })
}

async function listening({ bus = new LocalBus(), clock = new TestClock(), ttl, tellsPlaces, history }: Options = {}) {
  const store = new FaultyStore({ ...BOUNDS, ...(history && { history }), clock })
  store.tellsPlaces = tellsPlaces ?? false
  const rooms = makeRooms({ store, bus, clock, ...(ttl && { ttl }) })
  const { room, member: ann } = must(await rooms.create('', 'ann'))
  const ear = await connectedEar(rooms, room.code, ann)
  await turn()
  return { rooms, code: room.code, ann, ear, store, bus, clock }
}

interface Options {
  readonly bus?: LocalBus
  readonly clock?: TestClock
  readonly ttl?: number
  readonly tellsPlaces?: boolean
  readonly history?: number
}

async function connectedEar(rooms: Rooms, code: string, member: ConstructorParameters<typeof Ear>[0], since = '') {
  const ear = new Ear(member)
  await rooms.enter(code, ear)
  await rooms.connect(code, ear, since)
  return ear
}

async function say(rooms: Rooms, code: string, member: Ear['member'], ...texts: string[]): Promise<void> {
  for (const text of texts) must(await rooms.post(code, member, { text, key: '' }))
}

/** What is said on standard error until something is done. */
async function loggedIn(done: Promise<unknown>): Promise<unknown[]> {
  const { error } = console
  const logged: unknown[] = []
  console.error = (words: unknown) => logged.push(words)
  await done.finally(() => {
    console.error = error
  })
  return logged
}

function must<T>(result: Result<T>): { readonly ok: true } & T {
  if (!result.ok) throw new Error(result.refusal)
  return result
}

test.run()
