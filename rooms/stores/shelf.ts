import type { Clock } from '../clock.ts'
import type { Cursor } from '../cursor.ts'
import { type Act, memberAfter, roomAfter } from '../entries.ts'
import { looks } from '../name.ts'
import { type Facts, whyNot } from '../rights.ts'
import {
  type Entry,
  type Member,
  type Message,
  type Refusal,
  type Result,
  type Room,
  refuse,
  type Vouched,
} from '../types.ts'
import { Bans } from './bans.ts'
import { ABOUT_ROOM, aboutMember, aboutMessage } from './deeds.ts'
import { MemoryLog } from './log.ts'
import { Members, type Membership } from './members.ts'
import { hashOf } from './receipts.ts'
import type { Admission, Appended, Arrival, Bounds, Vouching } from './store.ts'
import { letIn } from './vouching.ts'

// About what an empty room takes in memory, with all that is made of it elsewhere.
const ROOM_BYTES = 6500

type ActOf<Kind> = Extract<Act, { kind: Kind }>

/** One room in memory, and what is done to it. */
export class Shelf implements Facts {
  #room: Room
  readonly log: MemoryLog
  readonly members = new Members()
  #bans = new Bans()
  #clock: Clock
  #used: number

  constructor(room: Room, bounds: Bounds, clock: Clock) {
    this.#room = room
    this.#clock = clock
    this.#used = clock.elapsed()
    this.log = new MemoryLog(bounds)
  }

  get room(): Room {
    return this.#room
  }

  /** Bytes of memory that the room takes, about. */
  get bytes(): number {
    return ROOM_BYTES + this.members.bytes + this.#bans.bytes + this.log.heapBytes
  }

  /** When something kept the room last. */
  get used(): number {
    return this.#used
  }

  /** Whether nothing was ever said here and nobody is here. */
  get isUnused(): boolean {
    return !this.log.hasMessages && this.members.areAway
  }

  get hosts(): number {
    return this.members.hosts
  }

  member(id: string): Member | undefined {
    return this.members.get(id)?.member
  }

  banned(id: string): Member | undefined {
    return this.#bans.find(id, this.#clock.elapsed())
  }

  message(of: Cursor): Message | undefined {
    return this.log.find(of)
  }

  age(message: Message): number {
    return this.#clock.elapsed() - this.log.timeOf(message)
  }

  silence(id: string): number {
    return this.#clock.elapsed() - (this.members.get(id)?.receipts?.newest ?? Number.NEGATIVE_INFINITY)
  }

  /** Keeps the room from expiring. */
  touch(): void {
    this.#used = this.#clock.elapsed()
  }

  admit(member: Member): Admission {
    const own = looks(member.name)
    const now = this.#clock.elapsed()
    if (this.#bans.find(member.id, now) || own.some((look) => this.#bans.holds(look, now))) return 'banned'
    if (own.some((look) => this.members.isTaken(look, member.id))) return 'name-taken'
    this.members.admit(member, own)
    this.touch()
    return 'admitted'
  }

  /** Lets a visitor in, unless they themselves are banned: a guest who was banned does not ban their name. */
  vouch(visitor: Vouched, arrival: Arrival): Vouching {
    if (this.banned(visitor.id)) return { outcome: 'banned' }
    this.touch()
    return letIn(this, visitor, arrival)
  }

  /** Whether a name could not be had, but by the one who has it. */
  isTaken(name: string, id?: string): boolean {
    const now = this.#clock.elapsed()
    return looks(name).some((look) => this.members.isTaken(look, id) || this.#bans.holds(look, now))
  }

  append(act: Act): Result<Appended> {
    const done = act.kind === 'message' ? this.#say(act) : (whyNot(act, this) ?? this.#do(act))
    if ('refusal' in done) return done
    this.touch()
    return { ok: true, ...done }
  }

  /** Gives up what is oldest until the room takes no more than this: keys, entries, and then members who are away. */
  shrink(bytes: number): void {
    const isEnough = () => this.bytes <= bytes
    this.members.shrinkKeys(isEnough)
    while (!isEnough() && this.log.trim());
    while (!isEnough() && this.members.forgetOne());
  }

  /** A key that was used before is answered whatever has changed since: what it was used for was done. */
  #say(act: ActOf<'message'>): Appended | Refusal {
    const membership = this.members.get(act.by)
    if (!membership) return refuse('no-session')
    // A hash is a tenth of what a post costs, so it is made once.
    const hash = hashOf(act.key)
    const receipt = membership.receipts?.find(hash)
    const said = saidBy(membership, act)
    if (receipt) return { entry: this.log.find(receipt) ?? { kind: 'message', ...said, ...receipt }, repeated: true }
    const refusal = whyNot(act, this)
    if (refusal) return refusal
    const now = this.#clock.elapsed()
    const before = this.log.newest
    const entry = this.log.say(said, now)
    this.members.remember(membership, (receipts) => receipts.keep(hash, entry, now))
    return { entry, repeated: false, before }
  }

  /** What changes nothing is answered with the last entry about the same thing, if that is still kept. */
  #do(act: Exclude<Act, { kind: 'message' }>): Appended {
    switch (act.kind) {
      case 'edited':
      case 'deleted':
        return this.#revise(act)
      case 'member':
        return this.#change(act)
      case 'room':
        return this.#furnish(act)
      case 'cleared':
        return fresh(this.log.clear(act.by, act.at))
    }
  }

  #revise(act: ActOf<'edited'> | ActOf<'deleted'>): Appended {
    const message = this.log.find(act.of) as Message
    const isSame = act.kind === 'edited' ? act.text === message.text : message.isDeleted
    if (isSame) return { entry: this.log.about(aboutMessage(message)) ?? message, repeated: true }
    if (act.kind === 'edited') return fresh(this.log.edit(message, act.text, act.by, act.at))
    return fresh(this.log.delete(message, act.by, act.at))
  }

  #change({ by, at, id, change, milliseconds = Number.POSITIVE_INFINITY }: ActOf<'member'>): Appended {
    const before = (change === 'unban' ? this.banned(id) : this.member(id)) as Member
    const after = memberAfter(before, change)
    const last = this.log.about(aboutMember(id))
    if (last && after && isEqual(before, after)) return { entry: last, repeated: true }
    if (after) (this.members.get(id) as Membership).member = after
    else this.members.dismiss(id)
    if (change === 'ban') this.#bans.add(before, this.#clock.elapsed() + milliseconds)
    if (change === 'unban') this.#bans.lift(id)
    return fresh(this.log.change({ kind: 'member', by, change, member: after ?? before }, at))
  }

  #furnish({ by, at, change }: ActOf<'room'>): Appended {
    const room = roomAfter(this.#room, change)
    const last = this.log.about(ABOUT_ROOM)
    if (last && isEqual(room, this.#room)) return { entry: last, repeated: true }
    this.#room = room
    return fresh(this.log.change({ kind: 'room', by, room }, at))
  }
}

function fresh(entry: Entry): Appended {
  return { entry, repeated: false }
}

function saidBy({ member }: Membership, { key, text, at }: ActOf<'message'>) {
  return { key, member: member.id, name: member.name, text, at }
}

/** Whether two that have the same fields are the same in each. */
function isEqual<T extends object>(one: T, other: T): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof T>
  return [...names].every((name) => one[name] === other[name])
}
