import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Claim, type Issued, type Recognised, Revival, type RevivalOptions } from '../rooms/revival.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import type { Admission, Creation, Store } from '../rooms/stores/store.ts'
import { type Member, type MemberChange, type Room, UNCHANGED } from '../rooms/types.ts'
import { Random } from './faults/random.ts'
import { ChaosStore, Wanted } from './support/chaos.ts'
import { TestClock, turn } from './support/clock.ts'
import { SEED } from './support/seed.ts'

const HOUR = 60 * 60 * 1000
const TTL = 24 * HOUR
const ROOM: Room = { ...UNCHANGED, code: 'ACD-EFG-HJK', title: 'Friday', created: 0, generation: 'g1' }
const OTHER: Room = { ...ROOM, code: 'MNP-QRT-WXY', generation: 'g7' }
const ANN: Member = { id: 'a11', name: 'ann', role: 'host' }
const BOB: Member = { id: 'b0b', name: 'bob', role: 'member' }
const ZOE: Member = { id: '20e', name: 'zoe', role: 'bot' }

const test = suite('revival')

test('a page that asks for several things at once brings back its room and its member, once', async () => {
  const { revival, store } = start()
  const again = await Promise.all([1, 2, 3].map(() => revival.recognise(claim(ANN))))
  for (const one of again) assert.equal([one?.member, one?.hasReturned], [ANN, true])
  const room = await store.find(ROOM.code)
  assert.equal([room?.title, room?.generation, room?.door], [ROOM.title, ROOM.generation, 'open'])
  assert.equal(store.asked, ['create'])
  assert.is((await revival.recognise(claim(ANN)))?.hasReturned, false)
})

test('a crowd of one room comes back at the same moment, each as who they were', async () => {
  const { revival, store } = start()
  const crowd = Array.from({ length: 200 }, (_, index): Member => ({ ...BOB, id: `${index}`, name: `bob ${index}` }))
  const back = await Promise.all(crowd.map((member) => revival.recognise(claim(member))))
  assert.equal(
    back.map((one) => one?.member),
    crowd,
  )
  assert.equal(
    await store.missing(
      ROOM.code,
      crowd.map(({ id }) => id),
    ),
    [],
  )
})

test('a host comes back as host, and nobody else as one', async () => {
  const { revival, store } = start()
  for (const member of [BOB, ANN, ZOE]) {
    assert.equal((await revival.recognise(claim(member)))?.member, member)
    assert.is((await store.member(ROOM.code, member.id))?.role, member.role)
  }
})

test('who has only knocked does not come back, because nobody had let them in', async () => {
  const { revival, store } = start()
  assert.is(await revival.recognise(claim({ ...BOB, isWaiting: true })), undefined)
  assert.is(await store.find(ROOM.code), undefined)
})

test('who left does not come back', async () => {
  const { revival, leave } = start()
  await revival.recognise(claim(ANN))
  await revival.recognise(claim(BOB))
  await leave(ROOM.code, BOB.id)
  assert.is(await revival.recognise(claim(BOB)), undefined)
  assert.equal((await revival.recognise(claim(ANN)))?.member, ANN)
})

test('who left while the store was letting them in once more does not come back', async () => {
  const { revival, store, leave } = start()
  await revival.recognise(claim(ANN))
  await revival.recognise(claim(BOB))
  await store.dismiss(ROOM.code, BOB.id)
  const goOn = store.hold('admit')
  const late = revival.recognise(claim(BOB))
  await turn()
  await leave(ROOM.code, BOB.id)
  goOn()
  assert.is(await late, undefined)
  assert.is(await store.member(ROOM.code, BOB.id), undefined)
})

test('who left is no member though the store failed to take them out, and it is asked again', async () => {
  const { revival, store, leave } = start()
  await revival.recognise(claim(BOB))
  store.failing.add('dismiss')
  await leave(ROOM.code, BOB.id).catch(() => {})
  store.failing.clear()
  assert.ok(await store.member(ROOM.code, BOB.id))
  assert.is(await revival.recognise(claim(BOB)), undefined)
  assert.is(await store.member(ROOM.code, BOB.id), undefined)
})

test('who was removed or banned does not come back, and who was unbanned may only come anew', async () => {
  for (const change of ['remove', 'ban'] as const) {
    const { revival, store } = start()
    await revival.recognise(claim(BOB))
    await store.dismiss(ROOM.code, BOB.id)
    for (const one of [change, 'unban'] as const) {
      revival.changed(changed(one, BOB))
      assert.is(await revival.recognise(claim(BOB)), undefined, one)
    }
  }
})

test('whom the store forgot comes back as they were last, not as when their session was made', async () => {
  const { revival, store } = start()
  await revival.recognise(claim(ANN))
  const now: Member = { ...ANN, role: 'member', isMuted: true }
  revival.changed(changed('unhost', now))
  await store.dismiss(ROOM.code, ANN.id)
  assert.equal((await revival.recognise(claim(ANN)))?.member, now)
  assert.equal(await store.member(ROOM.code, ANN.id), now)
})

test('a room that expired after the start is not brought back by an old session', async () => {
  const { revival, store } = start()
  await revival.recognise(claim(ANN))
  await store.remove(ROOM.code)
  revival.ended(ROOM.code)
  for (const member of [ANN, BOB]) assert.is(await revival.recognise(claim(member)), undefined)
  assert.is(await store.find(ROOM.code), undefined)
})

test('a room that is not there any more has ended, though nobody was told', async () => {
  const { revival, store } = start()
  await revival.recognise(claim(ANN))
  await store.remove(ROOM.code)
  for (const member of [BOB, ANN]) assert.is(await revival.recognise(claim(member)), undefined)
  assert.is(await store.find(ROOM.code), undefined)
})

test('a room that may have come back, and has ended, does not come back again', async () => {
  const { revival, store } = start()
  store.failingAfter.add('create')
  await rejects(revival.recognise(claim(ANN)))
  store.failingAfter.clear()
  await revival.recognise(claim(ANN))
  await store.remove(ROOM.code)
  assert.is(await revival.recognise(claim(BOB)), undefined)
})

test('a room that could not come back is no room of another generation', async () => {
  const { revival, store } = start({ rooms: 1 })
  await store.create(OTHER, ZOE)
  await revival.recognise(claim(ANN))
  await store.remove(OTHER.code)
  assert.is(await revival.recognise(claim(BOB, { generation: 'g0' })), undefined)
  assert.is((await revival.recognise(claim(BOB)))?.room.generation, ROOM.generation)
})

test('a room that ended while somebody was bringing it back is not there', async () => {
  const { revival, store } = start()
  const goOn = store.hold('create')
  const [anns, bobs] = [claim(ANN), claim(BOB)].map((one) => revival.recognise(one))
  await turn()
  revival.ended(ROOM.code)
  goOn()
  assert.equal(await Promise.all([anns, bobs]), [undefined, undefined])
  assert.is(await store.find(ROOM.code), undefined)
})

test('a room that was made since the start with the code of one that ended has its own members', async () => {
  const { revival, store } = start()
  await revival.recognise(claim(ANN))
  await store.remove(ROOM.code)
  revival.ended(ROOM.code)
  const next = { ...ROOM, generation: 'g2' }
  await store.create(next, BOB)
  assert.is(await revival.recognise(claim(ANN)), undefined)
  const bobs = claim(BOB, { generation: 'g2', issued: issued(1, { isEarlier: false }) })
  assert.equal((await revival.recognise(bobs))?.room, next)
})

test('a session of an earlier room of the same code brings nobody back, and makes nobody a member', async () => {
  const { revival, store } = start()
  await store.create({ ...ROOM, generation: 'g2' }, BOB)
  for (const member of [ANN, BOB]) assert.is(await revival.recognise(claim(member)), undefined)
  assert.equal(await store.missing(ROOM.code, [ANN.id, BOB.id]), [ANN.id])
  assert.equal((await revival.recognise(claim(BOB, { generation: 'g2' })))?.member, BOB)
  assert.equal((await revival.recognise(claim(ZOE, { generation: 'g2' })))?.member, ZOE)
})

test('a session that names no generation brings its room back, and into one that came back, and into no new one', async () => {
  const { revival } = start()
  for (const [index, generation] of ['', 'g1', ''].entries()) {
    const member = { ...BOB, id: `${index}`, name: `bob ${index}` }
    assert.ok(await revival.recognise(claim(member, { generation })))
  }
  const other = start()
  await other.store.create(ROOM, BOB)
  assert.is(await other.revival.recognise(claim(ANN, { generation: '' })), undefined)
  assert.equal((await other.revival.recognise(claim(BOB, { generation: '' })))?.member, BOB)
})

test('a name taken since is taken', async () => {
  const { revival, store } = start()
  await revival.recognise(claim(BOB))
  await store.admit(ROOM.code, { ...ANN, id: 'new', name: 'Аnn' })
  assert.is(await revival.recognise(claim(ANN)), undefined)
  assert.equal(await store.missing(ROOM.code, [BOB.id, 'new', ANN.id]), [ANN.id])
})

test('of two sessions with names that look alike the later one is right, in whatever order they come', async () => {
  const second: Member = { ...ANN, id: 'a22', name: 'Аnn' }
  const [earlier, later] = [claim(ANN, { issued: issued(1) }), claim(second, { issued: issued(2) })]
  for (const order of [
    [earlier, later],
    [later, earlier],
  ]) {
    for (const isAtOnce of [true, false]) {
      const { revival, store, left } = start()
      const recognise = (one: Claim) => revival.recognise(one)
      if (isAtOnce) await Promise.all(order.map(recognise))
      else for (const one of order) await recognise(one)
      assert.equal([(await recognise(later))?.member, await recognise(earlier)], [second, undefined])
      assert.equal(await store.missing(ROOM.code, [ANN.id, second.id]), [ANN.id])
      if (order[0] === earlier) assert.equal(left.slice(0, 1), [ANN.id], 'whoever had come back is told')
    }
  }
})

test('of two sessions the later one is right though the store is still letting the earlier one in', async () => {
  const { revival, store } = start()
  await revival.recognise(claim(BOB))
  const goOn = store.hold('admit')
  const second: Member = { ...ANN, id: 'a22' }
  const sessions = [claim(ANN, { issued: issued(1) }), claim(second, { issued: issued(2) })]
  const back = sessions.map((one) => revival.recognise(one))
  await turn()
  goOn()
  assert.equal((await back[1])?.member, second)
  assert.equal(await store.missing(ROOM.code, [ANN.id, BOB.id, second.id]), [ANN.id])
})

test('of two sessions the later one is right though the store failed to take the earlier out at first', async () => {
  const { revival, store } = start()
  const second: Member = { ...ANN, id: 'a22' }
  await revival.recognise(claim(ANN, { issued: issued(1) }))
  store.failing.add('dismiss')
  await rejects(revival.recognise(claim(second, { issued: issued(2) })))
  store.failing.clear()
  assert.equal((await revival.recognise(claim(second, { issued: issued(2) })))?.member, second)
  assert.equal(await store.missing(ROOM.code, [ANN.id, second.id]), [ANN.id])
})

test('who is let in by a store that fails to say it is a member the next time', async () => {
  for (const act of ['create', 'admit'] as const) {
    const { revival, store } = start()
    if (act === 'admit') await revival.recognise(claim(BOB))
    store.failingAfter.add(act)
    await rejects(revival.recognise(claim(ANN)))
    store.failingAfter.clear()
    assert.equal((await revival.recognise(claim(ANN)))?.member, ANN)
  }
})

test('who may have been let in and then left does not come back', async () => {
  const { revival, store, leave } = start()
  store.failingAfter.add('create')
  await rejects(revival.recognise(claim(ANN)))
  store.failingAfter.clear()
  await leave(ROOM.code, ANN.id)
  assert.is(await revival.recognise(claim(ANN)), undefined)
  assert.is((await revival.recognise(claim(BOB))) === undefined, false, 'the room is there all the same')
})

test('nobody comes back where a room is crowded, or where there is no space for one', async () => {
  const { revival } = start({ isCrowded: () => true })
  assert.is(await revival.recognise(claim(ANN)), undefined)
  const { revival: other, store } = start({ rooms: 1 })
  await store.create(OTHER, ZOE)
  assert.is(await other.recognise(claim(ANN)), undefined)
  await store.remove(OTHER.code)
  assert.equal((await other.recognise(claim(ANN)))?.member, ANN)
})

test('the room that gave way to one that came back is told of, and does not come back itself', async () => {
  const { revival, store, gone } = start({ rooms: 1 })
  await revival.recognise(claim(ANN))
  await store.mark(ROOM.code, new Map([[ANN.id, false]]))
  const bobs = claim(BOB, { room: OTHER.code, generation: OTHER.generation })
  assert.equal((await revival.recognise(bobs))?.member, BOB)
  assert.equal(
    gone.map(({ code }) => code),
    [ROOM.code],
  )
  assert.is(await revival.recognise(claim(ZOE)), undefined)
})

test('nobody comes back with a session made since the start, nor once a room from before it is over', async () => {
  const { clock, revival } = start()
  const made = claim(ANN, { issued: issued(1, { isEarlier: false }) })
  assert.is(await revival.recognise(made), undefined)
  await clock.pass(TTL - 1)
  assert.ok(await revival.recognise(claim(ANN)))
  await clock.pass(1)
  assert.is(await revival.recognise(claim(BOB)), undefined)
  assert.ok(await revival.recognise(claim(ANN)), 'who is here stays')
})

test('nobody comes back to a store that forgets nothing', async () => {
  const store = new DurableStore(makeStore(), { random: new Random(SEED) })
  store.calm()
  const { revival } = start({ store })
  assert.is(await revival.recognise(claim(ANN)), undefined)
  await store.create(ROOM, BOB)
  assert.is(await revival.recognise(claim(ANN)), undefined)
  assert.equal((await revival.recognise(claim(BOB)))?.member, BOB)
})

test('beyond the bound nobody comes back any more, and who left still does not', async () => {
  const { clock, revival, leave } = start({ limit: 4 })
  for (const member of [ANN, BOB]) await revival.recognise(claim(member))
  await leave(ROOM.code, ANN.id)
  const others = Array.from({ length: 20 }, (_, index): Member => ({ ...ZOE, id: `${index}`, name: `zoe ${index}` }))
  await Promise.all(others.map((member) => revival.recognise(claim(member, { room: member.id }))))
  assert.is(revival.size, 3)
  for (const member of [ANN, ZOE]) assert.is(await revival.recognise(claim(member)), undefined)
  assert.ok(await revival.recognise(claim(BOB)), 'who is here stays')
  revival.expire()
  assert.is(revival.size, 3)
  await clock.pass(TTL)
  revival.expire()
  assert.is(revival.size, 0)
})

test('over a store that is slow, fails and answers out of order nobody is raised who is dead', async () => {
  for (let seed = SEED; seed < SEED + 300; seed += 1) {
    try {
      await play(new Random(seed))
    } catch (error) {
      throw new Error(`with SEED=${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
})

test.run()

/** A store that takes its time, or fails, where a test wants it. */
class TrickyStore extends MemoryStore {
  /** How often it was asked each thing. */
  readonly asked: string[] = []
  /** What fails before it is done, and after it. */
  readonly failing = new Set<string>()
  readonly failingAfter = new Set<string>()
  #gates = new Map<string, Promise<void>>()

  /** From now on this waits until the answer is called. */
  hold(act: string): () => void {
    let open = () => {}
    this.#gates.set(
      act,
      new Promise<void>((resolve) => {
        open = resolve
      }),
    )
    return open
  }

  override create(room: Room, first: Member): Promise<Creation> {
    return this.#do('create', () => super.create(room, first))
  }

  override admit(code: string, member: Member): Promise<Admission> {
    return this.#do('admit', () => super.admit(code, member))
  }

  override dismiss(code: string, id: string): Promise<boolean> {
    return this.#do('dismiss', () => super.dismiss(code, id))
  }

  async #do<T>(name: string, act: () => Promise<T>): Promise<T> {
    this.asked.push(name)
    await this.#gates.get(name)
    if (this.failing.has(name)) throw new Wanted(name)
    const done = await act()
    if (this.failingAfter.has(name)) throw new Wanted(name)
    return done
  }
}

/** A store that says of itself that it forgets nothing. */
class DurableStore extends ChaosStore {
  override get isDurable(): boolean {
    return true
  }
}

/** Pages of five people, of whom three had one name after each other, ask, leave and come again at the same moments. */
async function play(random: Random): Promise<void> {
  const chaos = new ChaosStore(makeStore(), { random, failing: 0.2 })
  const { revival, leave } = start({ store: chaos })
  const people = [0, 1, 2, 3, 4].map((id): Member => ({ ...ANN, id: `${id}`, name: id < 3 ? 'ann' : `bob ${id}` }))
  const claims = people.map((member, index) => claim(member, { issued: issued(index) }))
  const over = new Set<string>()
  const hasComeBack = new Set<string>()
  const ask = async (one: Claim) => {
    const wasOver = over.has(one.member.id)
    const back = await revival.recognise(one)
    assert.not(back && wasOver, `${one.member.id} was over`)
    if (back) hasComeBack.add(one.member.id)
    return back
  }
  for (let step = 0; step < 30; step += 1) {
    const one = random.pick(claims)
    if (random.next() < 0.8) void ask(one).catch(wanted)
    else if (hasComeBack.has(one.member.id)) {
      over.add(one.member.id)
      void leave(ROOM.code, one.member.id).catch(wanted)
    }
    if (random.next() < 0.3) await turn()
  }
  await chaos.idle()
  chaos.calm()
  const back = []
  for (const one of claims) back.push(await ask(one))
  for (const one of claims) back.push(await ask(one))
  const ids = new Set(back.slice(claims.length).flatMap((one) => one?.member.id ?? []))
  for (const id of ['3', '4']) assert.is(ids.has(id), !over.has(id), `${id} is here unless they left`)
  assert.is(ids.has('2'), !over.has('2'), 'the last who had the name has it')
  assert.not(ids.has('0') || ids.has('1'), 'nobody else has it')
}

function wanted(error: unknown): void {
  if (!(error instanceof Wanted)) throw error
}

async function rejects(act: Promise<Recognised | undefined>): Promise<void> {
  const answer = await act.then(
    () => 'answered',
    (error: unknown) => error,
  )
  assert.instance(answer, Wanted)
}

/** A start of the server, with an empty store and what `Rooms` does for those who come back. */
function start({ store: given, rooms, ...options }: Partial<RevivalOptions> & { store?: Store; rooms?: number } = {}) {
  const clock = new TestClock()
  const tricky = makeStore(rooms)
  const store = given ?? tricky
  const left: string[] = []
  const gone: Room[] = []
  const leave = async (code: string, id: string) => {
    left.push(id)
    revival.left(id)
    await store.dismiss(code, id)
  }
  const gaveWay = (room: Room) => {
    revival.ended(room.code)
    gone.push(room)
  }
  const revival = new Revival({ store, clock, ttl: TTL, isCrowded: () => false, leave, gaveWay, ...options })
  return { clock, store: tricky, revival, leave, left, gone }
}

function makeStore(rooms = 10): TrickyStore {
  return new TrickyStore({ history: 10, bytes: 1000, rooms })
}

function claim(member: Member, more: Partial<Claim> = {}): Claim {
  return { room: ROOM.code, title: ROOM.title, generation: ROOM.generation, member, issued: issued(1), ...more }
}

function issued(at: number, more: Partial<Issued> = {}): Issued {
  return { at, elapsed: at, start: 'earlier', isEarlier: true, ...more }
}

function changed(change: MemberChange, member: Member) {
  return { kind: 'member', seq: 1, tag: 'x', at: 0, by: ANN.id, change, member } as const
}
