import { randomUUID } from 'node:crypto'
import type { Wanted } from './change.ts'
import { type Clock, systemClock } from './clock.ts'
import type { Counts } from './counts.ts'
import { type Cursor, readCursor } from './cursor.ts'
import { type FixedCodes, fixedCodes, readCode } from './code.ts'
import { freeName, passDoor } from './door.ts'
import { type Act, isGone } from './entries.ts'
import type { Connection } from './fanout.ts'
import { type FixedRoom, holding } from './fixed.ts'
import { Hall } from './hall.ts'
import { type HostAct, Hosting } from './hosting.ts'
import { makeMember, makeRoom } from './make.ts'
import { readName } from './name.ts'
import { own } from './own.ts'
import { boundPage, boundStretch, PAGE_BYTES, type SizeOf } from './page.ts'
import { Pace } from './pace.ts'
import { type Claim, type Recognised, Revival } from './revival.ts'
import { type Bus, LocalBus } from './stores/bus.ts'
import { prompt, StoreFailure } from './stores/prompt.ts'
import type { Admission, Store, Vouching } from './stores/store.ts'
import { isKey, readText, readTitle } from './text.ts'
import {
  type Attendance,
  type Member,
  type MemberChange,
  type MemberChanged,
  type Message,
  type Page,
  type Result,
  type Room,
  type Stretch,
  refuse,
  type Vouched,
} from './types.ts'
import { Writing } from './writing.ts'

export interface RoomsOptions {
  readonly store: Store
  /** Rooms that always exist. */
  readonly fixed?: readonly FixedRoom[]
  /** Carries hints to other processes on the same store; without one there are no others. */
  readonly bus?: Bus
  /** Milliseconds that a room is kept after it was last used. */
  readonly ttl: number
  /** Whether members are kept from flooding; `false` only for load tests. */
  readonly areRatesLimited?: boolean
  /** Milliseconds in which someone without a connection has not left. */
  readonly grace?: number
  readonly clock?: Clock
  /** Called with errors that nobody waits for; without it they go to standard error. */
  readonly failed?: (error: unknown) => void
  /** Called with the kind of each thing that a host did. */
  readonly hosted?: (act: HostAct) => void
}

/** Which part of the log. */
export interface Query {
  /** A place in the log: for what is before it, or after it. */
  readonly cursor?: string
  readonly limit?: number
  /** The form in which it is asked for: a page is bounded by bytes too. */
  readonly sizeOf: SizeOf
}

// People in one room, by their connections; whoever is away does not count.
const PRESENT_MEMBERS = 20_000
// Names in one answer: with the longest that there are it is as long as a page of the log.
const NAMED_MEMBERS = 1000
const PAGE_ENTRIES = 50
const LONGEST_PAGE_ENTRIES = 200

/** Rooms, their members and what was said: the only way into this module. Rejects with `StoreFailure` where the store fails. */
export class Rooms {
  #store: Store
  #bus: Bus
  #clock: Clock
  #hall: Hall
  #pace: Pace
  #failed: (error: unknown) => void
  #counts: Counts = { messages: 0, deliveries: 0 }
  /** Everybody has been sent away. */
  #hasDrained = false
  #revival: Revival
  #writing: Writing
  #hosting: Hosting
  #codes: FixedCodes
  /** The rooms that always exist. */
  readonly fixed: readonly FixedRoom[]

  constructor({
    store,
    fixed = [],
    bus = new LocalBus(),
    ttl,
    areRatesLimited,
    grace = 20_000,
    clock = systemClock,
    failed = (error) => console.error(error),
    hosted = () => {},
  }: RoomsOptions) {
    this.fixed = fixed
    this.#codes = fixedCodes(fixed.map(({ code }) => code))
    this.#store = holding(prompt(store, clock), fixed, clock)
    this.#bus = bus
    this.#clock = clock
    this.#failed = failed
    const counts = this.#counts
    const expired = ({ code }: Room) => this.#revival.ended(code)
    const looked = () => this.#revival.expire()
    const changed = (entry: MemberChanged) => this.#revival.changed(entry)
    this.#hall = new Hall({ store: this.#store, bus, clock, grace, ttl, changed, expired, looked, failed, counts })
    this.#revival = new Revival({
      store: this.#store,
      clock,
      ttl,
      isCrowded: (code) => this.attendance(code).count >= PRESENT_MEMBERS,
      leave: (code, id) => this.leave(code, id),
      gaveWay: (room) => this.#ended(room),
    })
    this.#pace = new Pace(clock, areRatesLimited !== false)
    this.#writing = new Writing(this.#store, bus, clock)
    this.#hosting = new Hosting({
      store: this.#store,
      writing: this.#writing,
      pace: this.#pace,
      fixed,
      changed: (code, entry) => this.#changed(code, entry),
      ended: (room) => this.#ended(room),
      hosted,
    })
  }

  /** Whether the store answers. */
  async isWell(): Promise<boolean> {
    try {
      await this.#store.check()
      return true
    } catch (error) {
      if (error instanceof StoreFailure) return false
      throw error
    }
  }

  /** Opens a room with a new code for its first member and host. Refuses a title or name that cannot be, and too many rooms. */
  async create(title: string, name: string): Promise<Result<{ room: Room; member: Member }>> {
    const [readableTitle, readableName] = [readTitle(title), readName(name)]
    if (!readableName.ok) return readableName
    if (!readableTitle.ok) return readableTitle
    const member = makeMember(readableName.name, 'host')
    for (;;) {
      const room = makeRoom(own(readableTitle.title), this.#clock.now())
      const created = await this.#store.create(room, member)
      if (created.outcome === 'full') return refuse('rooms-full', { retryAfter: 60 })
      if (created.outcome !== 'created') continue
      if (created.gaveWay) this.#ended(created.gaveWay)
      this.#hall.open(room.code).presence.seen(member)
      return { ok: true, room, member }
    }
  }

  /** Reads a code as a person typed it; undefined where no room can have it. */
  codeOf(typed: string): string | undefined {
    return readCode(typed, this.#codes)
  }

  /** The room of this code, as `codeOf` gives it. */
  find(code: string): Promise<Room | undefined> {
    return this.#store.find(code)
  }

  /**
   * Lets someone in under a name that nobody there has, or one that looks like it. Who knocks waits until a host lets
   * them in.
   */
  async join(code: string, name: string, password = ''): Promise<Result<{ member: Member }>> {
    const read = readName(name)
    if (!read.ok) return read
    if (this.attendance(code).count >= PRESENT_MEMBERS) return refuse('room-full', { retryAfter: 60 })
    const tooFast = this.#pace.join(code)
    if (tooFast) return tooFast
    const joined = await this.#admit(code, read.name, password)
    // A wrong password counts, because it took as long to look at as a right one.
    if (!joined.ok && joined.refusal !== 'password-wrong') this.#pace.stayOut(code)
    if (joined.ok && !joined.member.isWaiting) this.#hall.open(code).presence.seen(joined.member)
    return joined
  }

  /**
   * Lets somebody in for whom another site vouches: guests give way to their name. That is no word about the door, which
   * holds for them too, unless they are host or in already.
   * @param more the room's password, and the member who they were here so far, if they were one as a guest
   */
  async vouch(code: string, visitor: Vouched, more: VouchOptions = {}): Promise<Result<{ member: Member }>> {
    const read = readName(visitor.name)
    if (!read.ok) return read
    const door = await this.#passAsVisitor(code, visitor, more)
    if (!door.ok) return door
    const arrival = { at: this.#clock.now(), isKnock: door.isKnock, instead: more.instead }
    const vouched = await this.#store.vouch(code, { ...visitor, name: own(read.name) }, arrival)
    if (vouched.outcome !== 'in') return refuse(vouched.outcome === 'banned' ? 'banned' : 'room-unknown')
    this.#arrived(code, vouched)
    return { ok: true, member: vouched.member }
  }

  /**
   * The member a session speaks of and their room, if they are still one. A store that forgets takes rooms and members
   * back from the sessions that were made before it started.
   */
  async recognise(claim: Claim): Promise<Recognised | undefined> {
    const found = await this.#revival.recognise(claim)
    if (found?.hasReturned) this.#hall.open(found.room.code).presence.returned(found.member)
    return found
  }

  /** A member asked for a page: they are here, though they may hold no connection. False where the room is gone. */
  async seen(code: string, member: Member): Promise<boolean> {
    if (!(await this.#store.touch(code))) return false
    this.#hall.open(code).presence.seen(member)
    return true
  }

  /** A member without a connection has just said something, which kept the room: they are here. */
  spoke(code: string, member: Member): void {
    this.#hall.open(code).presence.seen(member)
  }

  /** Takes a member out: their name is free, their session void, their connections closed. */
  async leave(code: string, id: string): Promise<void> {
    this.#revival.left(id)
    try {
      await this.#store.dismiss(code, id)
    } finally {
      this.#bus.hint(code, { about: 'member-gone', id })
    }
  }

  /**
   * Says something. The same key of the same member again answers what was stored first, and stores nothing.
   * Refuses a text that is blank or too long, a member who is too fast or may not speak, and those who are no members.
   */
  async post(code: string, member: Member, said: Said): Promise<Result<Posted>> {
    const read = readText(said.text)
    if (!read.ok) return read
    const key = said.key || randomUUID()
    if (!isKey(key)) return refuse('key-too-long')
    return this.#speak(code, { kind: 'message', key: own(key), text: own(read.text), ...this.#writing.by(member) })
  }

  /** Changes what a member said, while it is still fresh. */
  async edit(code: string, member: Member, cursor: string, text: string): Promise<Result<Posted>> {
    const read = readText(text)
    if (!read.ok) return read
    const of = readCursor(cursor)
    if (!of) return refuse('message-unknown')
    return this.#speak(code, { kind: 'edited', of, text: own(read.text), ...this.#writing.by(member) })
  }

  /** Takes a message back: one's own, or as a host anybody's. */
  async delete(code: string, member: Member, cursor: string): Promise<Result<Posted>> {
    const of = readCursor(cursor)
    return of ? this.#speak(code, { kind: 'deleted', of, ...this.#writing.by(member) }) : refuse('message-unknown')
  }

  /**
   * Does something with a member, as a host.
   * @param milliseconds how long a ban holds; for good where it is left out
   */
  moderate(
    code: string,
    host: Member,
    id: string,
    change: MemberChange,
    milliseconds?: number,
  ): Promise<Result<{ member: Member }>> {
    return this.#hosting.moderate(code, host, id, change, milliseconds)
  }

  /** Changes the room, as a host. Refuses words that cannot be shown, and numbers that cannot be. */
  change(code: string, host: Member, change: Partial<Wanted>): Promise<Result<{ room: Room }>> {
    return this.#hosting.change(code, host, change)
  }

  /** Takes back all that was said, as a host. */
  clear(code: string, host: Member): Promise<Result<object>> {
    return this.#hosting.clear(code, host)
  }

  /** Ends a room for good, as a host. Refuses to end one that always exists. */
  end(code: string, host: Member): Promise<Result<object>> {
    return this.#hosting.end(code, host)
  }

  /** Messages as they are now: the newest, or those before a place. Refuses a cursor that cannot be one. */
  async read(code: string, { cursor, limit, sizeOf }: Query): Promise<Result<{ page: Page }>> {
    const before = readPlace(cursor)
    if (before === null) return refuse('malformed')
    const page = await this.#store.messages(code, { before, limit: bounded(limit) })
    return page ? { ok: true, page: boundPage(page, PAGE_BYTES, sizeOf) } : refuse('room-unknown')
  }

  /** What happened after a place, in order. Refuses a cursor that cannot be one. */
  async readOn(code: string, { cursor, limit, sizeOf }: Query): Promise<Result<{ stretch: Stretch }>> {
    const after = readPlace(cursor)
    if (after === null) return refuse('malformed')
    const stretch = await this.#store.entries(code, { after, limit: bounded(limit) })
    return stretch ? { ok: true, stretch: boundStretch(stretch, PAGE_BYTES, sizeOf) } : refuse('room-unknown')
  }

  /** Who is here. */
  attendance(code: string): Attendance {
    return this.#hall.find(code)?.presence.attendance ?? { kind: 'attendance', count: 0, members: [] }
  }

  /** Who is here, for a page that has caught up: in a crowd often only the count. */
  here(code: string): Attendance {
    return this.#hall.find(code)?.presence.here() ?? this.attendance(code)
  }

  /** Who is here, by name: in a crowd too, though not beyond the first thousand. */
  present(code: string): Member[] {
    return this.#hall.find(code)?.presence.members(NAMED_MEMBERS) ?? []
  }

  /**
   * Lets a connection in, and then sees whether its member is still one: from now on it is closed when they leave.
   * It is sent nothing before `connect`.
   */
  async enter(code: string, connection: Connection): Promise<void> {
    const live = this.#hall.open(code)
    live.enter(connection)
    const { id } = connection.member
    if (!(await this.#store.member(code, id))) {
      if (await this.#store.find(code)) live.dismiss(id)
      else connection.close('room-gone')
    }
    if (this.#hasDrained) connection.close('restart')
  }

  /**
   * Sends a connection what follows a cursor and then everything that comes.
   * @param since a cursor; empty for only what comes
   */
  connect(code: string, connection: Connection, since: string): Promise<void> {
    return this.#hall.open(code).connect(connection, since)
  }

  /** What somebody who looks after this process wants to know: how much there is now, and what was done so far. */
  figures(): RoomFigures {
    return { ...this.#hall.size, ...this.#counts }
  }

  disconnect(code: string, connection: Connection): void {
    this.#hall.find(code)?.disconnect(connection)
  }

  /** Takes no more posts, sends those that were taken and closes every connection, evenly over so many milliseconds at most. */
  async drain(milliseconds: number): Promise<void> {
    await this.#hall.drain(this.#writing.stop(), milliseconds)
    this.#hasDrained = true
  }

  /** Lets go of the store, once nobody is left to ask for anything. */
  close(): Promise<void> {
    return this.#store.close()
  }

  /** Does what members do with messages, at their pace and the room's. */
  async #speak(code: string, act: Act): Promise<Result<Posted>> {
    const tooFast = this.#pace.post(code, act.by)
    if (tooFast) return tooFast
    const appended = await this.#writing.append(code, act)
    if (!appended.ok) {
      this.#pace.unsaid(code)
      return appended
    }
    const { entry, repeated } = appended
    if (entry.kind === 'message' && !repeated) this.#counts.messages += 1
    if (entry.kind === 'message') return { ok: true, message: entry, repeated }
    if (entry.kind === 'edited' || entry.kind === 'deleted') return { ok: true, message: entry.message, repeated }
    throw new TypeError('something was said, and the entry is of another kind')
  }

  /** Asks at the door, and has the store let somebody in. */
  async #admit(code: string, name: string, password: string): Promise<Result<{ member: Member }>> {
    const door = await passDoor(await this.#store.find(code), password)
    if (!door.ok) return door
    const member = { ...makeMember(name, 'member'), ...(door.isKnock && { isWaiting: true as const }) }
    const admission = await this.#letIn(code, member)
    if (admission === 'admitted') return { ok: true, member }
    if (admission === 'no-room') return refuse('room-unknown')
    if (admission === 'banned') return refuse('banned')
    const suggestion = await freeName(name, (one) => this.#store.isTaken(code, one))
    return refuse('name-taken', { suggestion })
  }

  /** Asks at the door, unless somebody is in already or could open it from within. */
  async #passAsVisitor(
    code: string,
    { id, role }: Vouched,
    { password = '', instead = '' }: VouchOptions,
  ): Promise<Result<{ isKnock: boolean }>> {
    const room = await this.#store.find(code)
    const known = await Promise.all([id, instead].map((one) => one && this.#store.member(code, one)))
    if (known.some((member) => member && !member.isWaiting)) return { ok: true, isKnock: false }
    if (this.attendance(code).count >= PRESENT_MEMBERS) return refuse('room-full', { retryAfter: 60 })
    return role === 'host' && room ? { ok: true, isKnock: false } : passDoor(room, password)
  }

  /** Tells everyone of a visitor who came in, and of what that changed for others. */
  #arrived(code: string, { member, changed, replaced }: Vouching & { outcome: 'in' }): void {
    this.#revival.vouched(member)
    for (const entry of changed) this.#revival.changed(entry)
    const { presence } = this.#hall.open(code)
    if (!member.isWaiting) presence.seen(member)
    for (const one of [member, ...changed.map((entry) => entry.member)]) presence.changed(one)
    if (changed.length > 0) this.#bus.hint(code, { about: 'log' })
    if (replaced === undefined) return
    this.#revival.left(replaced)
    this.#bus.hint(code, { about: 'member-gone', id: replaced })
  }

  /** Whoever is let in without an answer has no session, and would keep their name from themselves. */
  async #letIn(code: string, member: Member): Promise<Admission> {
    try {
      return await this.#store.admit(code, member)
    } catch (error) {
      void this.#store.dismiss(code, member.id).catch(this.#failed)
      throw error
    }
  }

  /** Tells of what a host made of a member. The log tells only those who are abreast of it. */
  #changed(code: string, entry: MemberChanged): void {
    this.#revival.changed(entry)
    if (isGone(entry)) this.#bus.hint(code, { about: 'member-gone', id: entry.member.id })
    else this.#hall.find(code)?.presence.changed(entry.member)
  }

  #ended(room: Room): void {
    this.#revival.ended(room.code)
    this.#bus.hint(room.code, { about: 'room-gone' })
  }
}

/** Rooms that somebody is in, members who are in them, and what was done since the start. */
export interface RoomFigures extends Readonly<Counts> {
  readonly rooms: number
  readonly members: number
}

/** What was said or changed: the message as it is now, and whether its key had been used before. */
export interface Posted {
  readonly message: Message
  readonly repeated: boolean
}

/** How a visitor comes to a room. */
export interface VouchOptions {
  readonly password?: string
  readonly instead?: string
}

/** What someone says, before it is looked at. */
export interface Said {
  readonly text: string
  /** The sender's own id for it; empty where they have none. */
  readonly key: string
}

/** A place that was asked for; null where it cannot be one. */
function readPlace(cursor: string | undefined): Cursor | undefined | null {
  return cursor ? (readCursor(cursor) ?? null) : undefined
}

function bounded(limit = PAGE_ENTRIES): number {
  return Math.min(Math.max(limit, 1), LONGEST_PAGE_ENTRIES)
}
