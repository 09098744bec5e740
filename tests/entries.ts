import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readCursor } from '../rooms/cursor.ts'
import { type Act, apply, memberAfter, messageDeleted, messageEdited, roomAfter, type State } from '../rooms/entries.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import type { Member, MemberChange, Message, Page, Room, RoomSettings, Stretch, Vouched } from '../rooms/types.ts'
import { TestClock } from './support/clock.ts'
import { SEED } from './support/seed.ts'

const CODE = 'ACD-EFG-HJK'
const PEOPLE = 5
const VISITORS = 2
const CHANGES: MemberChange[] = ['admit', 'remove', 'ban', 'unban', 'mute', 'unmute', 'host', 'unhost']
const SETTINGS: Partial<RoomSettings>[] = [
  ...[{ title: 'one' }, { title: 'two' }, { notice: 'hello' }, { isReadOnly: true }, { isReadOnly: false }],
]

type Role = NonNullable<Vouched['role']>
type Step =
  | { readonly step: 'say'; readonly who: number; readonly length: number; readonly key: number }
  | { readonly step: 'edit'; readonly who: number; readonly which: number; readonly length: number }
  | { readonly step: 'delete'; readonly who: number; readonly which: number }
  | { readonly step: 'moderate'; readonly who: number; readonly whom: number; readonly change: MemberChange }
  | { readonly step: 'furnish'; readonly who: number; readonly change: Partial<RoomSettings> }
  | { readonly step: 'clear'; readonly who: number }
  | { readonly step: 'join'; readonly who: number }
  | { readonly step: 'leave'; readonly who: number }
  | {
      readonly step: 'vouch'
      readonly visitor: number
      readonly name: number
      readonly who?: number
      readonly role?: Role
    }
  | { readonly step: 'look' }
  | { readonly step: 'read'; readonly limit: number }

const test = suite('entries')

test('what an entry does to a message, a member and a room', () => {
  const message: Message = {
    ...{ kind: 'message', seq: 1, tag: 'abcdef', at: 1, key: 'k', member: 'a', name: 'ann', text: 'hello' },
  }
  const edited = messageEdited(message, 'better', 5)
  assert.equal(edited, { ...message, text: 'better', edited: 5 })
  const { edited: _, ...rest } = edited
  assert.equal(messageDeleted(edited), { ...rest, key: '', text: '', isDeleted: true })
  const muted: Member = { id: 'a', name: 'ann', role: 'member', isMuted: true }
  const both: Member = { ...muted, isWaiting: true }
  const after = (member: Member) => CHANGES.map((change) => memberAfter(member, change))
  const { isMuted, isWaiting: __, ...plain } = both
  const waiting = { ...plain, isWaiting: true }
  const gone = [undefined, undefined, undefined]
  assert.equal(after(both), [muted, ...gone, both, waiting, { ...plain, isMuted, role: 'host' }, both])
  assert.equal(memberAfter({ ...plain, role: 'host' }, 'unhost'), plain)
  assert.equal(memberAfter({ ...plain, role: 'bot' }, 'unhost'), { ...plain, role: 'bot' })
  assert.equal(roomAfter(roomOf(), { slow: 5 }), { ...roomOf(), slow: 5 })
})

test('what was read once and the entries after it are what is read anew, or it is told that something is gone', async () => {
  const who = fc.nat(PEOPLE - 1)
  // Mostly the first two, who stay hosts for the longest.
  const host = fc.oneof({ weight: 4, arbitrary: fc.nat(1) }, { weight: 1, arbitrary: who })
  const length = fc.integer({ min: 1, max: 40 })
  const which = fc.nat(7)
  const is = <Name extends string>(step: Name) => ({ step: fc.constant(step) })
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 10, arbitrary: fc.record({ ...is('say'), who, length, key: fc.nat(30) }) },
    { weight: 5, arbitrary: fc.record({ ...is('edit'), who, which, length }) },
    { weight: 3, arbitrary: fc.record({ ...is('delete'), who: host, which }) },
    {
      weight: 6,
      arbitrary: fc.record({ ...is('moderate'), who: host, whom: who, change: fc.constantFrom(...CHANGES) }),
    },
    { weight: 2, arbitrary: fc.record({ ...is('furnish'), who: host, change: fc.constantFrom(...SETTINGS) }) },
    { weight: 1, arbitrary: fc.record({ ...is('clear'), who: host }) },
    { weight: 4, arbitrary: fc.record({ ...is('join'), who }) },
    { weight: 1, arbitrary: fc.record({ ...is('leave'), who }) },
    {
      weight: 3,
      arbitrary: fc.record({
        ...is('vouch'),
        ...{ visitor: fc.nat(VISITORS - 1), name: fc.nat(PEOPLE - 1) },
        who: fc.option(who, { nil: undefined, freq: 3 }),
        role: fc.constantFrom(undefined, undefined, 'member' as const, 'host' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record(is('look')) },
    { weight: 3, arbitrary: fc.record({ ...is('read'), limit: fc.integer({ min: 1, max: 8 }) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), async (steps) => {
      const model = await Model.open()
      for (const one of steps) await model.play(one)
      await model.settle()
    }),
    { seed: SEED, numRuns: 400 },
  )
})

/** A room, and a reader of its log. */
class Model {
  #clock = new TestClock()
  #store = new MemoryStore({ history: 6, bytes: 120, rooms: 1, acts: 3, clock: this.#clock })
  /** Who is or was whom. */
  #people: Member[] = Array.from({ length: PEOPLE }, (_, number) => personOf(number, 0))
  #joins = 0
  /** Who has joined or left by themselves, and was not changed since: of them the log says nothing. */
  #unsaid = new Set<string>()
  #said: Message[] = []
  #state: State = { room: roomOf(), members: new Map(), messages: [] }
  #place = ''

  static async open(): Promise<Model> {
    const model = new Model()
    await model.#store.create(roomOf(), model.#people[0])
    for (const member of model.#people) await model.#store.admit(CODE, member)
    await model.#look()
    return model
  }

  async play(one: Step): Promise<void> {
    if (one.step === 'look') return this.#look()
    if (one.step === 'read') return void (await this.#read(one.limit))
    if (one.step === 'join') return this.#join(one.who)
    if (one.step === 'leave') return this.#leave(one.who)
    if (one.step === 'vouch') return this.#vouch(one)
    const act = this.#actOf(one)
    const appended = act && (await this.#store.append(CODE, act))
    await this.#clock.pass(1)
    if (!appended?.ok || appended.repeated) return
    const { entry } = appended
    if (entry.kind === 'message') this.#said.push(entry)
    if (entry.kind === 'cleared') this.#said = []
    if (entry.kind === 'member') this.#unsaid.delete(entry.member.id)
  }

  /** Once all is read, the reader knows what is so. */
  async settle(): Promise<void> {
    for (let count = 0; count < 1000; count += 1) if (!(await this.#read(3))) break
    const fresh = await this.#fresh()
    assert.equal(this.#state.room, fresh.room)
    assert.equal(this.#membersOf(this.#state), this.#membersOf(fresh))
    const [first] = fresh.messages
    // What fell off did so without an entry.
    const kept = first ? this.#state.messages.filter(({ seq }) => seq >= first.seq) : this.#state.messages
    assert.equal(kept, fresh.messages)
    assert.equal(kept.length, new Set(kept.map(({ seq }) => seq)).size)
  }

  /** Reads a few entries; false where nothing was new. */
  async #read(limit: number): Promise<boolean> {
    const stretch = (await this.#store.entries(CODE, { after: readCursor(this.#place), limit })) as Stretch
    assert.ok(stretch.entries.length <= limit)
    assert.is(stretch.more && stretch.entries.length === 0, false, 'whoever is behind gets on')
    const { messages } = await this.#fresh()
    const gone = this.#said.filter(({ seq }) => seq > seqOf(this.#place) && seq < (messages[0]?.seq ?? 0))
    if (stretch.gap) assert.is(stretch.gap.missed, gone.length)
    else assert.equal(gone, [])
    if (stretch.gap) await this.#forget(stretch.gap.missed)
    for (const entry of stretch.entries) this.#state = apply(this.#state, entry)
    this.#place = stretch.cursor
    return stretch.more || stretch.entries.length > 0
  }

  /** Behind a gap room and members are read anew; messages that one had stand where no message is gone. */
  async #forget(missed: number | undefined): Promise<void> {
    const { room, members } = await this.#fresh()
    this.#state = { room, members, messages: missed === 0 ? this.#state.messages : [] }
  }

  async #look(): Promise<void> {
    this.#place = ((await this.#store.messages(CODE, { limit: 100 })) as Page).cursor
    this.#state = await this.#fresh()
    this.#unsaid.clear()
  }

  async #join(who: number): Promise<void> {
    if (await this.#store.member(CODE, this.#people[who].id)) return
    this.#joins += 1
    this.#people[who] = personOf(who, this.#joins)
    this.#unsaid.add(this.#people[who].id)
    await this.#store.admit(CODE, this.#people[who])
  }

  async #leave(who: number): Promise<void> {
    const { id } = this.#people[who]
    if (await this.#store.dismiss(CODE, id)) this.#unsaid.add(id)
  }

  async #vouch({ visitor, name, who, role }: Step & { step: 'vouch' }): Promise<void> {
    const id = visitorOf(visitor)
    const wasIn = await this.#store.member(CODE, id)
    const arrival = {
      at: this.#clock.now(),
      isKnock: false,
      instead: who === undefined ? undefined : this.#people[who].id,
    }
    const vouching = await this.#store.vouch(CODE, { id, name: `person ${name}`, role }, arrival)
    await this.#clock.pass(1)
    if (vouching.outcome !== 'in') return
    if (!wasIn) this.#unsaid.add(id)
    if (vouching.replaced) this.#unsaid.add(vouching.replaced)
    for (const { member } of vouching.changed) this.#unsaid.delete(member.id)
  }

  async #fresh(): Promise<State> {
    const room = (await this.#store.find(CODE)) as Room
    const ids = [...this.#people.map(({ id }) => id), ...Array.from({ length: VISITORS }, (_, at) => visitorOf(at))]
    const all = await Promise.all(ids.map((id) => this.#store.member(CODE, id)))
    const members = new Map(all.flatMap((member) => (member ? [[member.id, member]] : [])))
    return { room, members, messages: ((await this.#store.messages(CODE, { limit: 100 })) as Page).messages }
  }

  #membersOf({ members }: State): Member[] {
    return [...members.values()].filter(({ id }) => !this.#unsaid.has(id)).toSorted((a, b) => (a.id < b.id ? -1 : 1))
  }

  #actOf(one: Exclude<Step, { step: 'look' | 'read' | 'join' | 'leave' | 'vouch' }>): Act | undefined {
    const doing = { by: this.#people[one.who].id, at: this.#clock.now() }
    const of = 'which' in one ? this.#said.at(-1 - one.which) : undefined
    if (one.step === 'say') return { ...doing, kind: 'message', key: `${one.key}`, text: textOf(one.length) }
    if (one.step === 'edit') return of && { ...doing, kind: 'edited', of, text: textOf(one.length) }
    if (one.step === 'delete') return of && { ...doing, kind: 'deleted', of }
    if (one.step === 'furnish') return { ...doing, kind: 'room', change: one.change }
    if (one.step === 'clear') return { ...doing, kind: 'cleared' }
    return { ...doing, kind: 'member', id: this.#people[one.whom].id, change: one.change, milliseconds: 20 }
  }
}

function roomOf(): Room {
  const settings = { title: '', notice: '', door: 'open', password: '', slow: 0, isReadOnly: false } as const
  return { code: CODE, created: 0, generation: 'g', ...settings }
}

/** The first two are hosts. */
function personOf(number: number, joins: number): Member {
  return { id: `${number} ${joins}`, name: `person ${number}`, role: number < 2 ? 'host' : 'member' }
}

function visitorOf(number: number): string {
  return `visitor ${number}`
}

function seqOf(place: string): number {
  return readCursor(place)?.seq ?? 0
}

function textOf(length: number): string {
  return 'x'.repeat(length)
}

test.run()
