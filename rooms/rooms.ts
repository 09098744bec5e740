import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { Buckets, type Rate, UNLIMITED } from './bucket.ts'
import { type Clock, systemClock } from './clock.ts'
import { makeCode } from './code.ts'
import { readCursor } from './cursor.ts'
import type { Connection, Farewell } from './fanout.ts'
import { LiveRoom } from './room.ts'
import { readName, suggestName } from './name.ts'
import { own } from './own.ts'
import { boundPage, PAGE_BYTES, type SizeOf } from './page.ts'
import { type Issued, Revival } from './revival.ts'
import type { Appended, Draft, Store } from './stores/store.ts'
import { isKey, readText, readTitle } from './text.ts'
import { type Attendance, type Member, type Message, type Page, type Result, type Room, refuse } from './types.ts'
import { Waiting } from './waiting.ts'

export interface RoomsOptions {
  readonly store: Store
  /** Milliseconds that an empty room is kept after its last message. */
  readonly ttl: number
  /** Whether members are kept from flooding; `false` only for load tests. */
  readonly areRatesLimited?: boolean
  /** Milliseconds in which someone without a connection has not left. */
  readonly grace?: number
  readonly clock?: Clock
  /** Rooms at once. */
  readonly limit?: number
}

/** What a session proves: who was let into which room, and when. */
export interface Claim {
  readonly room: string
  readonly title: string
  readonly member: Member
  readonly issued: Issued
}

export interface HistoryQuery {
  readonly before?: string
  readonly after?: string
  readonly limit?: number
  /** The form in which it is asked for: a page is bounded by bytes too. */
  readonly sizeOf: SizeOf
}

const POSTING = { burst: 5, perSecond: 2 }
// Of all members of a room together: a crowd must not wipe out in seconds what the others said.
const ROOM_POSTS = { burst: 200, perSecond: 40 }
const ROOM_JOINS = { burst: 300, perSecond: 10 }
// People in one room, by their connections; whoever is away does not count.
const PRESENT = 20_000
// Names in one answer: with the longest that there are it is as long as a page of the log.
const NAMED = 1000
const PAGE = 50
const LONGEST_PAGE = 200
// Milliseconds between two goodbyes, where that does not take too long.
const BETWEEN_GOODBYES_MS = 20

/** Rooms, their members and what was said: the only door to this module. */
export class Rooms {
  #options: RoomsOptions
  #store: Store
  #clock: Clock
  #grace: number
  #live = new Map<string, LiveRoom>()
  #rates: Buckets
  #roomPosts: Buckets
  #roomJoins: Buckets
  #isDraining = false
  /** Posts on their way into the store. */
  #appending = new Set<Promise<unknown>>()
  #revival: Revival
  #waiting = new Waiting()
  #cancelSweep: () => void

  constructor(options: RoomsOptions) {
    this.#options = options
    this.#store = options.store
    this.#clock = options.clock ?? systemClock
    this.#grace = options.grace ?? 20_000
    this.#revival = new Revival(this.#clock.elapsed(), options.ttl)
    const buckets = (rate: Rate) =>
      new Buckets(options.areRatesLimited === false ? UNLIMITED : rate, this.#clock.elapsed)
    this.#rates = buckets(POSTING)
    this.#roomPosts = buckets(ROOM_POSTS)
    this.#roomJoins = buckets(ROOM_JOINS)
    this.#cancelSweep = this.#scheduleSweep()
  }

  /** Opens a room with a new code for its first member. Refuses a title or name that cannot be, and too many rooms. */
  async create(title: string, name: string): Promise<Result<{ room: Room; member: Member }>> {
    const [readableTitle, readableName] = [readTitle(title), readName(name)]
    if (!readableName.ok) return readableName
    if (!readableTitle.ok) return readableTitle
    if (!(await this.#hasSpace())) return refuse('rooms-full', { retryAfter: 60 })
    const room = await this.#open(own(readableTitle.title))
    const joined = await this.join(room.code, readableName.name)
    return joined.ok ? { ...joined, room } : joined
  }

  /** The room of this code, as `readCode` gives it. */
  find(code: string): Promise<Room | undefined> {
    return this.#store.find(code)
  }

  /** Lets someone in under a name that nobody there has, or one that looks like it. */
  async join(code: string, name: string): Promise<Result<{ member: Member }>> {
    const read = readName(name)
    if (!read.ok) return read
    if (this.attendance(code).count >= PRESENT) return refuse('room-full', { retryAfter: 60 })
    const wait = this.#roomJoins.take(code)
    if (wait > 0) return refuse('room-busy', { retryAfter: Math.ceil(wait) })
    const member = { id: randomBytes(6).toString('hex'), name: own(read.name) }
    const admission = await this.#store.admit(code, member)
    if (admission !== 'admitted') this.#roomJoins.giveBack(code)
    if (admission === 'no-room') return refuse('room-unknown')
    if (admission === 'name-taken') return refuse('name-taken', { suggestion: await this.#suggest(code, read.name) })
    this.#room(code).presence.seen(member)
    return { ok: true, member }
  }

  /**
   * The member a session speaks of, if they are still one. A store that forgets takes rooms and members back
   * from the sessions that were made before it started.
   */
  async recognise(claim: Claim): Promise<Member | undefined> {
    const member = await this.#store.member(claim.room, claim.member.id)
    return member ?? (this.#store.isDurable ? undefined : this.#revive(claim))
  }

  /** A member asked for a page: they are here, though they may hold no connection. */
  seen(code: string, member: Member): void {
    this.#room(code).presence.seen(member)
  }

  /** Takes a member out: their name is free, their session void, their connections closed. */
  async leave(code: string, id: string): Promise<void> {
    this.#revival.left(id)
    await this.#store.dismiss(code, id)
    const live = this.#live.get(code)
    live?.presence.left(id)
    live?.close('removed', id)
  }

  /**
   * Says something. The same key of the same member again answers what was stored first, and stores nothing.
   * Refuses a text that is blank or too long, a member who is too fast, and those who are no members.
   */
  async post(code: string, member: Member, said: Said): Promise<Result<Posted>> {
    const read = readText(said.text)
    if (!read.ok) return read
    if (this.#isDraining) return refuse('draining', { retryAfter: 3 })
    const key = said.key || randomUUID()
    if (!isKey(key)) return refuse('key-too-long')
    const wait = this.#rates.take(member.id)
    if (wait > 0) return refuse('too-fast', { retryAfter: Math.ceil(wait) })
    const roomWait = this.#roomPosts.take(code)
    if (roomWait > 0) {
      this.#rates.giveBack(member.id)
      return refuse('room-busy', { retryAfter: Math.ceil(roomWait) })
    }
    const draft = { member, key: own(key), text: own(read.text), at: this.#clock.now() }
    const appended = await this.#append(code, draft)
    return appended ? { ok: true, ...appended } : refuse('no-session')
  }

  /** The newest page of the log. */
  async newest(code: string, sizeOf: SizeOf): Promise<Page> {
    return boundPage(await this.#store.read(code, { limit: PAGE }), PAGE_BYTES, sizeOf, 'last')
  }

  /** A page of the log: the newest, or what is before or after a cursor. Refuses a cursor that cannot be one. */
  async history(code: string, query: HistoryQuery): Promise<Result<{ page: Page }>> {
    const before = query.before ? readCursor(query.before) : undefined
    const after = query.after ? readCursor(query.after) : undefined
    if ((query.before && !before) || (query.after && !after) || (before && after)) return refuse('malformed')
    const limit = Math.min(Math.max(query.limit ?? PAGE, 1), LONGEST_PAGE)
    const page = await this.#store.read(code, { before, after, limit })
    return { ok: true, page: boundPage(page, PAGE_BYTES, query.sizeOf, after ? 'first' : 'last') }
  }

  /** Who is here. */
  attendance(code: string): Attendance {
    return this.#live.get(code)?.presence.attendance ?? { kind: 'attendance', count: 0, members: [] }
  }

  /** Who is here, for a page that has caught up: in a crowd often only the count. */
  here(code: string): Attendance {
    return this.#live.get(code)?.presence.here() ?? this.attendance(code)
  }

  /** Who is here, by name: in a crowd too, though not beyond the first thousand. */
  present(code: string): Member[] {
    return this.#live.get(code)?.presence.members(NAMED) ?? []
  }

  /** Lets a connection of a member in: from now on it is closed when they leave. It is sent nothing before `connect`. */
  enter(code: string, connection: Connection): void {
    this.#room(code).enter(connection)
  }

  /**
   * Sends a connection what follows a cursor and then everything that comes.
   * @param since a cursor; empty for only what comes
   */
  connect(code: string, connection: Connection, since: string): Promise<void> {
    return this.#room(code).connect(connection, since)
  }

  disconnect(code: string, connection: Connection): void {
    this.#live.get(code)?.disconnect(connection)
  }

  /** Takes no more posts, sends those that were taken and closes every connection, evenly over so many milliseconds at most. */
  async drain(milliseconds: number): Promise<void> {
    this.#isDraining = true
    this.#cancelSweep()
    await Promise.allSettled(this.#appending)
    for (const live of this.#live.values()) live.flush()
    const connections = [...this.#live.values()].flatMap((live) => live.connections())
    await this.#spread(connections, 'restart', Math.min(milliseconds, connections.length * BETWEEN_GOODBYES_MS))
    for (const live of this.#live.values()) live.end()
  }

  /** Lets go of the store, once nobody is left to ask for anything. */
  close(): Promise<void> {
    return this.#store.close()
  }

  async #append(code: string, draft: Draft): Promise<Appended> {
    const appending = this.#store.append(code, draft)
    this.#appending.add(appending)
    try {
      return await appending
    } finally {
      this.#appending.delete(appending)
    }
  }

  async #spread(connections: Connection[], farewell: Farewell, milliseconds: number): Promise<void> {
    const steps = Math.min(connections.length, 50)
    for (let step = 0; step < steps; step += 1) {
      if (step > 0) await new Promise<void>((resolve) => this.#clock.after(milliseconds / steps, resolve))
      for (let index = step; index < connections.length; index += steps) connections[index].close(farewell)
    }
  }

  #room(code: string): LiveRoom {
    let live = this.#live.get(code)
    if (!live) {
      const [store, clock, grace, waiting] = [this.#store, this.#clock, this.#grace, this.#waiting]
      live = new LiveRoom({ code, store, clock, grace, waiting })
      this.#live.set(code, live)
    }
    return live
  }

  async #open(title: string): Promise<Room> {
    for (;;) {
      const room = { code: makeCode(), title, created: this.#clock.now() }
      if (await this.#store.create(room)) return room
    }
  }

  /** Whether there is space for one more room; where there is not, one that was never used makes it. */
  async #hasSpace(): Promise<boolean> {
    if ((await this.#store.count()) < (this.#options.limit ?? 10_000)) return true
    const unused = await this.#store.unused()
    if (unused !== undefined) await this.#remove(unused)
    return unused !== undefined
  }

  async #suggest(code: string, name: string): Promise<string> {
    // A crowd of namesakes is not asked one by one: after the first few the number at least doubles.
    for (let number = 2; ; number += number < 5 ? 1 : randomInt(number, number * 2)) {
      const suggestion = suggestName(name, number)
      if (!(await this.#store.isTaken(code, suggestion))) return suggestion
    }
  }

  async #revive({ room: code, title, member, issued }: Claim): Promise<Member | undefined> {
    const isOpen = () => this.#revival.isOpen(code, member, issued, this.#clock.elapsed())
    if (!isOpen() || this.attendance(code).count >= PRESENT) return undefined
    if (!(await this.#store.find(code))) {
      if (!(await this.#hasSpace())) return undefined
      this.#revival.opened(code)
      await this.#store.create({ code, title, created: this.#clock.now() })
    }
    if (!this.#revival.isKnown(code)) return undefined
    for (const id of this.#revival.earlier(code, member)) await this.leave(code, id)
    // A page asks for several things at once: another of its requests may have left, or come back first.
    if (!isOpen() || (await this.#store.admit(code, member)) !== 'admitted') return undefined
    this.#revival.cameBack(code, member, issued)
    this.#room(code).presence.returned(member)
    return member
  }

  #scheduleSweep(): () => void {
    const interval = Math.min(Math.max(this.#options.ttl / 4, 250), 60_000)
    return this.#clock.after(interval, async () => {
      this.#cancelSweep = this.#scheduleSweep()
      await this.#sweep()
    })
  }

  async #sweep(): Promise<void> {
    for (const [code, live] of this.#live) if (live.isEmpty) this.#forget(code, live)
    for (const code of await this.#store.quietFor(this.#options.ttl)) {
      if (!this.#live.get(code)?.hasConnections) await this.#remove(code)
    }
    this.#revival.expire(this.#clock.elapsed())
  }

  async #remove(code: string): Promise<void> {
    const live = this.#live.get(code)
    if (live) this.#forget(code, live)
    await this.#store.remove(code)
  }

  #forget(code: string, live: LiveRoom): void {
    live.end()
    this.#live.delete(code)
  }
}

/** What was said, and whether its key had been used before. */
export interface Posted {
  readonly message: Message
  readonly repeated: boolean
}

/** What someone says, before it is looked at. */
export interface Said {
  readonly text: string
  /** The sender's own id for it; empty where they have none. */
  readonly key: string
}
