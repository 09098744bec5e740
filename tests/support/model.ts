import * as assert from 'uvu/assert'
import { writeCursor } from '../../rooms/cursor.ts'
import { apply, type State } from '../../rooms/entries.ts'
import type { Farewell, Format } from '../../rooms/fanout.ts'
import { Rooms } from '../../rooms/rooms.ts'
import { type Bus, LocalBus } from '../../rooms/stores/bus.ts'
import { MemoryStore } from '../../rooms/stores/memory.ts'
import { StoreFailure } from '../../rooms/stores/prompt.ts'
import type { Appended } from '../../rooms/stores/store.ts'
import type { Entry, Event, Member, Message, Result, Room } from '../../rooms/types.ts'
import { Random } from '../faults/random.ts'
import { ChaosBus, ChaosStore } from './chaos.ts'
import { TestClock, turn } from './clock.ts'
import { Ear, plainFormat } from './ear.ts'

export const PEOPLE = 4
// Longer than a reading is tried, than between two looks, and than someone without a connection is here.
const LONG_MS = 25_000
const ROUNDS = 30

/** What happens in a room. */
export type Act =
  | { readonly act: 'post'; readonly who: number; readonly key: number }
  | { readonly act: 'burst'; readonly count: number }
  | { readonly act: 'connect' | 'leave' | 'remove' | 'ban' | 'mute' | 'unmute'; readonly who: number }
  | { readonly act: 'break' | 'resume' | 'stall' | 'unstall' | 'edit' | 'delete'; readonly which: number }
  | { readonly act: 'turn' | 'restart' | 'clear' | 'notice' }
  | { readonly act: 'pass'; readonly milliseconds: number }

/** What the room stands on. */
export interface Ground {
  readonly seed: number
  /** The share of the store's calls that fail; left out where it answers at once. */
  readonly failing?: number
  /** How hints travel; left out where none do. */
  readonly bus?: 'sure' | 'chaos'
  /** Processes on the one store. */
  readonly halves: number
  /** Messages that are kept. */
  readonly history: number
  /** Entries that are kept which are no message; as many as a store keeps where it is left out. */
  readonly acts?: number
  /** Bytes that each entry takes in a page, where it takes more than its words. */
  readonly entryBytes?: number
}

/** Somebody who reads, through all their connections. */
interface Reader {
  readonly member: Member
  readonly house: number
  /** What a page said before the first of them. */
  readonly state: State
  readonly start: string
  readonly ears: Ear[]
  resume: () => void
}

/** A room, and what must hold in it, whatever it stands on. */
export class Model {
  #ground: Ground
  #clock = new TestClock()
  #chance: Random
  #store!: RecordingStore
  #chaos: (ChaosStore | ChaosBus)[] = []
  #houses: Rooms[] = []
  #room!: Room
  #host!: Member
  #people: Member[] = []
  /** Who left or was removed, or is about to be. */
  #left = new Set<string>()
  #readers: Reader[] = []
  #broken: Reader[] = []
  #underWay = new Set<Promise<unknown>>()
  #errors: unknown[] = []
  #number = 0
  #isEnding = false

  private constructor(ground: Ground) {
    this.#ground = ground
    this.#chance = new Random(ground.seed)
    this.#build()
  }

  static async open(ground: Ground): Promise<Model> {
    const model = new Model(ground)
    await model.#open()
    return model
  }

  async play(one: Act): Promise<void> {
    this.#reap()
    if (one.act === 'pass') await this.#clock.pass(one.milliseconds)
    else if (one.act === 'turn') await turn()
    else if (one.act === 'restart') await this.#restart()
    else if (this.#ground.failing === undefined) await this.#do(one)
    else this.#begin(this.#do(one))
    if (this.#errors.length > 0) throw this.#errors[0]
  }

  /** Once all is quiet everyone who is connected has seen everything; and once the room has ended, that. */
  async settle(): Promise<void> {
    await this.#calm()
    await this.#bringBack()
    await this.#clock.pass(LONG_MS)
    const page = await this.#store.messages(this.#room.code, { limit: 1 })
    for (const reader of this.#readers) this.#checkReader(reader, page?.cursor as string)
    for (const reader of this.#readers) await this.#checkState(reader)
    this.#isEnding = true
    if (this.#chance.next() < 0.5) await this.#endRoom()
    else await this.#drain()
  }

  async #endRoom(): Promise<void> {
    const ears = this.#readers.map(({ ears }) => ears.at(-1) as Ear)
    this.#must(await this.#houses[0].end(this.#room.code, this.#host))
    await this.#clock.pass(LONG_MS)
    assert.equal([...new Set(ears.map(({ farewell }) => farewell))], ears.length > 0 ? ['room-gone'] : [])
  }

  /** Everyone is sent what was taken, though some come only as the servers stop, and then is told to come back. */
  async #drain(): Promise<void> {
    for (const one of this.#chaos) one.stir()
    const [house] = this.#houses
    const said: Promise<unknown>[] = []
    for (const member of this.#people) {
      this.#begin(this.#arrive(member))
      said.push(house.post(this.#room.code, member, { text: 'last words', key: '' }).catch(() => {}))
    }
    const drained = Promise.all(this.#houses.map((one) => one.drain(1000)))
    this.#begin(drained)
    await this.#clock.pass(LONG_MS)
    for (const one of this.#chaos) one.calm()
    for (let round = 0; this.#underWay.size > 0 && round < ROUNDS; round += 1) {
      for (const one of this.#chaos) await one.idle()
      await this.#clock.pass(LONG_MS)
    }
    assert.is(this.#underWay.size, 0, 'all that was begun comes to an end')
    if (this.#errors.length > 0) throw this.#errors[0]
    const ears = this.#readers.map(({ ears }) => ears.at(-1) as Ear)
    const farewells = new Set(ears.map(({ farewell }) => farewell))
    for (const farewell of farewells) assert.ok(farewell === 'restart' || farewell === 'busy', `${farewell}`)
    if (this.#ground.failing === undefined) {
      const page = await this.#store.messages(this.#room.code, { limit: 1 })
      for (const reader of this.#readers)
        if (reader.house === 0) assert.is(cursorOf(reader) || reader.start, page?.cursor, 'the last words')
    }
  }

  async #open(): Promise<void> {
    const { room, member } = this.#must(await this.#sure(() => this.#houses[0].create('', 'owner')))
    this.#room = room
    this.#host = member
    // The last one only bursts.
    for (let number = 0; number <= PEOPLE; number += 1) await this.#join(number)
  }

  #build(): void {
    const { halves, failing, bus, history, acts } = this.#ground
    for (const one of this.#chaos) one.calm()
    this.#store = new RecordingStore({ history, acts, bytes: 1_000_000, rooms: 10, clock: this.#clock })
    const shared = new LocalBus()
    this.#chaos = []
    this.#houses = Array.from({ length: halves }, () => {
      const store =
        failing === undefined ? this.#store : this.#stir(new ChaosStore(this.#store, this.#chances(failing)))
      const ways: Record<string, () => Bus> = {
        sure: () => shared,
        chaos: () => this.#stir(new ChaosBus(shared, { random: this.#chance })),
      }
      const hints = bus ? ways[bus]() : new LocalBus()
      return new Rooms({ store, bus: hints, ttl: 1e9, areRatesLimited: false, clock: this.#clock })
    })
  }

  #chances(failing: number) {
    return { random: this.#chance, failing }
  }

  get #format(): Format {
    const { entryBytes } = this.#ground
    return entryBytes === undefined ? plainFormat : { ...plainFormat, sizeOf: () => entryBytes }
  }

  #stir<T extends ChaosStore | ChaosBus>(chaos: T): T {
    this.#chaos.push(chaos)
    return chaos
  }

  async #do(one: Act): Promise<void> {
    if (one.act === 'post') await this.#post(this.#people[one.who], `key ${one.key}`)
    if (one.act === 'burst') await this.#burst(one.count)
    if (one.act === 'connect') await this.#arrive(this.#people[one.who])
    if (one.act === 'leave' || one.act === 'remove' || one.act === 'ban') await this.#leave(one.who, one.act)
    if (one.act === 'mute' || one.act === 'unmute') await this.#moderate(this.#people[one.who], one.act)
    if (one.act === 'clear') await this.#sure(() => this.#anyHouse.clear(this.#room.code, this.#host))
    if (one.act === 'notice') await this.#sure(() => this.#anyHouse.change(this.#room.code, this.#host, this.#notice))
    if (one.act === 'edit' || one.act === 'delete') await this.#revise(one.which, one.act)
    if (one.act === 'resume') {
      const broken = pick(this.#broken, one.which)
      if (broken && !this.#left.has(broken.member.id)) await this.#comeBack(broken)
    }
    const reader = 'which' in one ? pick(this.#readers, one.which) : undefined
    if (reader && one.act === 'break') this.#break(reader)
    if (reader && one.act === 'stall') {
      reader.resume()
      reader.resume = reader.ears.at(-1)?.stall() ?? (() => {})
    }
    if (reader && one.act === 'unstall') reader.resume()
  }

  async #post(member: Member, key: string): Promise<void> {
    this.#number += 1
    const text = `text ${this.#number}`
    const posted = await this.#sure(() => this.#anyHouse.post(this.#room.code, member, { text, key }))
    if (!posted.ok) return this.#mayRefuse(member, posted.refusal)
    const { message, repeated } = posted
    const kept = this.#store.record.filter((one) => one.kind === 'message' && one.member === member.id)
    assert.is(kept.filter((one) => one.kind === 'message' && one.key === key).length, 1, 'a key is used once')
    const first = this.#store.record[message.seq - 1]
    assert.is(first.kind === 'message' && first.key, key, 'the answer is what was kept')
    if (!repeated && first.kind === 'message') assert.is(first.text, text)
  }

  #mayRefuse(member: Member, refusal: string): void {
    // One who leaves while it is under way may have been refused before.
    const right = this.#left.has(member.id) ? ['no-session', 'muted'] : ['muted']
    assert.ok(right.includes(refusal), `it is refused for what it is: ${refusal}`)
  }

  async #burst(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      this.#number += 1
      const said = this.#post(this.#people[PEOPLE], `burst ${this.#number}`)
      // Some at once, and some one after the other.
      if (left % 4 === 0) await said
      else this.#begin(said)
    }
  }

  async #moderate(member: Member, change: 'mute' | 'unmute' | 'remove' | 'ban'): Promise<void> {
    await this.#sure(() => this.#anyHouse.moderate(this.#room.code, this.#host, member.id, change))
  }

  async #revise(which: number, how: 'edit' | 'delete'): Promise<void> {
    const said = this.#store.record.filter((one) => one.kind === 'message').slice(-this.#ground.history)
    const message = pick(said, which * 7)
    if (!message) return
    this.#number += 1
    const { code } = this.#room
    const [cursor, text] = [writeCursor(message), `edit ${this.#number}`]
    const author = this.#people.find(({ id }) => id === message.member) ?? this.#host
    if (how === 'edit') await this.#sure(() => this.#anyHouse.edit(code, author, cursor, text))
    else await this.#sure(() => this.#anyHouse.delete(code, this.#host, cursor))
  }

  get #notice(): { notice: string } {
    this.#number += 1
    return { notice: `notice ${this.#number}` }
  }

  async #arrive(member: Member): Promise<void> {
    if (this.#left.has(member.id)) return
    const house = this.#chance.whole(0, this.#houses.length)
    const page = await this.#store.messages(this.#room.code, { limit: this.#ground.history })
    const room = await this.#store.find(this.#room.code)
    if (!page || !room) throw new Error('the room is gone')
    const state = { room, members: new Map(), messages: page.messages }
    await this.#comeBack({ member, house, state, start: page.cursor, ears: [], resume: () => {} })
  }

  async #comeBack(reader: Reader): Promise<void> {
    const { member, house, start, ears } = reader
    const since = cursorOf(reader) || start
    const ear = new Ear(member, this.#format)
    this.#broken = this.#broken.filter((one) => one !== reader)
    ears.push(ear)
    this.#readers.push(reader)
    const rooms = this.#houses[house]
    const entered = this.#orBusy(ear, rooms.enter(this.#room.code, ear))
    // A stream waits for that, and a socket does not.
    if (this.#chance.next() < 0.5) await entered
    if (!ear.isClosed) this.#begin(this.#orBusy(ear, rooms.connect(this.#room.code, ear, since)))
  }

  async #orBusy(ear: Ear, act: Promise<void>): Promise<void> {
    try {
      await act
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error
      if (!ear.isClosed) ear.close('busy')
    }
  }

  /** Whoever was closed is disconnected with that, and may come back, if they were not told otherwise. */
  #reap(): void {
    for (const reader of [...this.#readers]) {
      const ear = reader.ears.at(-1) as Ear
      if (!ear.isClosed) continue
      const right: Farewell = this.#left.has(reader.member.id) ? 'removed' : 'busy'
      if (!this.#isEnding && ear.farewell !== 'busy') assert.is(ear.farewell, right, 'nobody is closed for nothing')
      this.#break(reader)
    }
  }

  #break(reader: Reader): void {
    reader.resume()
    const ear = reader.ears.at(-1) as Ear
    if (!ear.isClosed) ear.close('restart')
    this.#houses[reader.house].disconnect(this.#room.code, ear)
    this.#readers = this.#readers.filter((other) => other !== reader)
    this.#broken.push(reader)
  }

  async #leave(who: number, how: 'leave' | 'remove' | 'ban'): Promise<void> {
    const member = this.#people[who]
    this.#left.add(member.id)
    if (how !== 'leave') await this.#moderate(member, how)
    else await this.#sure(() => this.#anyHouse.leave(this.#room.code, member.id))
    const late = await this.#sure(() => this.#anyHouse.post(this.#room.code, member, { text: 'late', key: '' }))
    assert.is(!late.ok && late.refusal, 'no-session')
    await this.#join(who)
  }

  async #join(who: number): Promise<void> {
    this.#people[who] = await this.#sure(async () => {
      // One who was let in without an answer has the name.
      this.#number += 1
      return this.#must(await this.#anyHouse.join(this.#room.code, `person ${this.#number}`)).member
    })
  }

  /** The server forgets everything; the members have their sessions. */
  async #restart(): Promise<void> {
    await this.#calm()
    for (const reader of [...this.#readers]) this.#break(reader)
    await this.#clock.pass(1)
    const issued = { at: this.#clock.now(), start: '', elapsed: 0, isEarlier: true }
    this.#build()
    for (const member of [this.#host, ...this.#people]) {
      const { code, generation } = this.#room
      const claim = { room: code, title: '', generation, member, issued }
      assert.equal((await this.#sure(() => this.#houses[0].recognise(claim)))?.member, member)
    }
    // What they have seen is of a history that is gone.
    this.#broken = []
  }

  /** From now on nothing fails, and all that was begun is done. */
  async #calm(): Promise<void> {
    for (const one of this.#chaos) one.calm()
    for (const { resume } of this.#readers) resume()
    for (let round = 0; this.#underWay.size > 0 && round < ROUNDS; round += 1) {
      for (const one of this.#chaos) await one.idle()
      await this.#clock.pass(LONG_MS)
    }
    assert.is(this.#underWay.size, 0, 'all that was begun comes to an end')
    if (this.#errors.length > 0) throw this.#errors[0]
    await this.#clock.pass(LONG_MS)
    this.#reap()
  }

  /** Whoever was sent away only to come back does so. */
  async #bringBack(): Promise<void> {
    const away = this.#broken.filter(({ ears }) => ears.at(-1)?.farewell === 'busy')
    for (const reader of away) if (!this.#left.has(reader.member.id)) await this.#comeBack(reader)
    for (const { member } of this.#readers) assert.not.ok(this.#left.has(member.id), 'who left is closed')
    await Promise.all(this.#underWay)
  }

  #checkReader(reader: Reader, newest: string): void {
    const ear = reader.ears.at(-1) as Ear
    assert.is(ear.farewell, undefined)
    assert.is(cursorOf(reader) || reader.start, newest, 'nobody is deaf')
    const { count, members } = this.#houses[reader.house].attendance(this.#room.code)
    const named = (here: readonly Member[] = []) => here.map(({ id, name }) => [id, name])
    const told = [ear.attendance?.count, named(ear.attendance?.members)]
    assert.equal(told, [count, named(members)], 'everyone knows who is here')
    let last = Number.parseInt(reader.start, 10)
    let missed: number | undefined = 0
    for (const event of eventsOf(reader)) {
      // Of two gaps one after the other the second tells of what follows the first.
      if (event.kind === 'gap')
        missed = missed === undefined || event.missed === undefined ? undefined : missed + event.missed
      if (!('seq' in event)) continue
      assert.ok(event.seq > last, 'nothing comes twice or out of order')
      if (event.kind !== 'message') continue
      this.#checkHole(last, event.seq, missed)
      last = event.seq
      missed = 0
    }
    this.#checkHole(last, this.#store.record.length + 1, missed)
  }

  /** What is missing between two messages was told as gone, or taken back. */
  #checkHole(after: number, before: number, missed: number | undefined): void {
    const { record } = this.#store
    const hole = record.slice(after, before - 1).filter(({ kind }) => kind === 'message')
    const cleared = record.findLast(({ kind }) => kind === 'cleared')?.seq ?? 0
    const unaccounted = hole.filter(({ seq }) => seq > cleared)
    assert.is.not(missed, undefined, 'how many are gone is told')
    assert.ok(unaccounted.length <= (missed ?? 0), `${unaccounted.length} are missing, and ${missed} were told as gone`)
    assert.ok((missed ?? 0) <= hole.length, `${hole.length} are missing, and ${missed} were told as gone`)
  }

  /** What they read first, and all that came, is what they would read now. */
  async #checkState(reader: Reader): Promise<void> {
    const { code } = this.#room
    let { state } = reader
    let isRoomKnown = true
    for (const event of eventsOf(reader)) {
      if (event.kind === 'gap') {
        isRoomKnown = false
        state = { ...state, messages: [] }
      }
      if (event.kind === 'room') isRoomKnown = true
      if ('seq' in event) state = apply(state, event)
    }
    if (isRoomKnown) assert.equal(state.room, await this.#store.find(code))
    const { messages = [] } = (await this.#store.messages(code, { limit: this.#ground.history })) ?? {}
    const kept = messages.length > 0 ? state.messages.filter(({ seq }) => seq >= messages[0].seq) : state.messages
    assert.equal(kept, lastOf(messages, kept.length), 'it is what a fresh page says')
  }

  /** Does something that fails again until it is answered. */
  async #sure<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        if (!(error instanceof StoreFailure)) throw error
        await turn()
      }
    }
  }

  #begin(act: Promise<unknown>): void {
    this.#underWay.add(act)
    act.catch((error) => this.#errors.push(error)).finally(() => this.#underWay.delete(act))
  }

  #must<T>(result: Result<T>): { readonly ok: true } & T {
    if (!result.ok) throw new Error(result.refusal)
    return result
  }

  get #anyHouse(): Rooms {
    return this.#chance.pick(this.#houses)
  }
}

/** A store that knows all that was ever said and done. */
class RecordingStore extends MemoryStore {
  readonly record: Entry[] = []

  override async append(...asked: Parameters<MemoryStore['append']>): Promise<Result<Appended>> {
    const appended = await super.append(...asked)
    if (appended.ok && !appended.repeated) {
      this.record.push(appended.entry)
      assert.is(appended.entry.seq, this.record.length, 'numbers are dense')
    }
    return appended
  }
}

function eventsOf({ ears }: Reader): Event[] {
  return ears.flatMap(({ events }) => events)
}

function cursorOf({ ears }: Reader): string {
  return ears.findLast(({ cursor }) => cursor !== '')?.cursor ?? ''
}

function lastOf(messages: readonly Message[], count: number): readonly Message[] {
  return count === 0 ? [] : messages.slice(-count)
}

function pick<T>(from: readonly T[], which: number): T | undefined {
  return from[which % from.length]
}
