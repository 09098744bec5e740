import type { Clock } from './clock.ts'
import type { Counts } from './counts.ts'
import { type Cursor, isSame, readCursor, writeCursor } from './cursor.ts'
import { isGone } from './entries.ts'
import { type Connection, Fanout, type Farewell } from './fanout.ts'
import { Marks } from './marks.ts'
import { boundStretch } from './page.ts'
import { persist } from './persist.ts'
import { Presence } from './presence.ts'
import type { Bus, Hint, Next } from './stores/bus.ts'
import type { Store } from './stores/store.ts'
import { Turns } from './turns.ts'
import type { Event, MemberChanged, Message, Stretch } from './types.ts'
import type { Waiting } from './waiting.ts'

// Small enough that a slow reader holds little of it unsent, large enough that most breaks are one page.
const CATCH_UP_ENTRIES = 100
const CATCH_UP_BYTES = 128 * 1024
// What one reading of a turn brings at the most.
const TURN_ENTRIES = 1000
// Members that one look asks the store about.
const LOOK_MEMBERS = 1000

export interface LiveRoomOptions {
  readonly code: string
  readonly store: Store
  readonly bus: Bus
  readonly clock: Clock
  /** Milliseconds in which someone without a connection has not left. */
  readonly grace: number
  /** Of all rooms together. */
  readonly waiting: Waiting
  /** Called once where the store has this room no longer. */
  readonly gone: () => void
  /** Called with what became of members, as it is read. */
  readonly changed: (entry: MemberChanged) => void
  /** Called with errors that nobody waits for. */
  readonly failed: (error: unknown) => void
  readonly counts: Counts
}

/** A place in the log that was reached, and what stands before it. */
interface Place {
  readonly at: Cursor
  readonly cursor: string
  readonly previous: Message | undefined
}

/**
 * One room while someone is in it. It holds one place in the log: a hint, or a look now and then, has it read what
 * follows once a turn, write that to every connection that is abreast of it, and move on. A connection that is behind
 * reads by itself, page by page, until it is at the same place.
 */
export class LiveRoom {
  readonly presence: Presence
  #options: LiveRoomOptions
  #fanout = new Fanout()
  #unlisten: () => void
  /** Unknown until a connection has come to where the log ends. */
  #place: Place | undefined
  /** What each connection that is behind waits for. */
  #catchingUp = new Set<Promise<void>>()
  /** What is no entry of the log, and goes out with the next turn. */
  #pending: Event[] = []
  #turns = new Turns((ahead) => this.#turn(ahead))
  #marks: Marks
  #lookedAt = 0
  #isGone = false
  #hasEnded = false

  constructor(options: LiveRoomOptions) {
    const { code, store, bus, clock, grace } = options
    this.#options = options
    this.#unlisten = bus.listen(code, (hint) => this.#hear(hint))
    this.#marks = new Marks((marks) => store.mark(code, marks), options.failed)
    this.presence = new Presence({
      clock,
      grace,
      mark: (id, isHere) => {
        if (!this.#hasEnded) this.#marks.set(id, isHere)
      },
      tell: (attendance, notice) => {
        // Whoever is not abreast is told who is here once they are.
        if (!this.#place) return
        this.#pending.push(attendance)
        if (notice) this.#pending.push(notice)
        this.#turns.wake()
      },
    })
  }

  /** Whether nobody is here, nor taken to be by the store. */
  get isEmpty(): boolean {
    return this.presence.isEmpty && this.#fanout.size === 0 && this.#marks.areTold
  }

  get connections(): Connection[] {
    return [...this.#fanout]
  }

  /** Lets a connection in: it counts as being here and ends with its member, and is sent nothing yet. */
  enter(connection: Connection): void {
    this.#fanout.add(connection)
    this.presence.connected(connection.member)
  }

  /** A connection has ended, or was let in by an earlier room of this code. */
  disconnect(connection: Connection): void {
    if (!this.#fanout.remove(connection)) return
    if (this.#fanout.size === 0) this.#rest()
    this.presence.disconnected(connection.member)
  }

  /**
   * Brings a connection abreast: sends it all that follows its cursor, a page at a time so that a slow reader is not
   * buried. What comes after that it gets with the room's turns. Rejects where the store fails for too long.
   * @param since a cursor; empty for only what comes
   */
  async connect(connection: Connection, since: string): Promise<void> {
    const caughtUp = this.#catchUp(connection, since)
    this.#catchingUp.add(caughtUp)
    await caughtUp.finally(() => this.#catchingUp.delete(caughtUp))
  }

  async #catchUp(connection: Connection, since: string): Promise<void> {
    let after = since ? (readCursor(since) ?? NOWHERE) : undefined
    while (!connection.isClosed) {
      const stretch = await this.#read(after, CATCH_UP_ENTRIES)
      if (!stretch) this.#end()
      if (!stretch || this.#isGone) return connection.close('room-gone')
      if (connection.isClosed) return
      const page = boundStretch(stretch, CATCH_UP_BYTES, connection.format.sizeOf)
      const last = this.#meet(page)
      if (last) return this.#join(connection, last)
      if (page.entries.length > 0 || page.gap) {
        this.#write(connection, page)
        await this.#options.waiting.for(connection)
      }
      // What is ahead of the room, or of another history, is met once the room has read it too.
      if (!page.more) await this.settle()
      after = readCursor(page.cursor)
    }
  }

  /** A member left for good: their connections are closed. */
  dismiss(id: string): void {
    this.presence.left(id)
    this.close('removed', id)
  }

  /** Closes the connections of one member, or of all. */
  close(farewell: Farewell, id?: string): void {
    for (const connection of this.connections) {
      if (id === undefined || connection.member.id === id) connection.close(farewell)
    }
  }

  /**
   * Keeps the room, and looks whether a hint was lost: for what is new in the log, for members who are none, for a room
   * that is none.
   */
  async look(): Promise<void> {
    const { store, code } = this.#options
    if (!(await store.touch(code))) return this.#end()
    this.#turns.wake()
    await this.#marks.tell()
    const ids = this.#nextLookedAt()
    if (ids.length === 0) return
    for (const id of await store.missing(code, ids)) this.dismiss(id)
  }

  /** Sends all that the log has by now, and what waits beside it. */
  settle(): Promise<void> {
    return this.#turns.settle()
  }

  /** Settles once nobody catches up any more of those who do now. */
  async caughtUp(): Promise<void> {
    await Promise.allSettled(this.#catchingUp)
  }

  /** Nobody is here any more, or is told anything. */
  end(): void {
    this.#hasEnded = true
    this.#unlisten()
    this.#turns.end()
  }

  #hear(hint: Hint): void {
    if (hint.about === 'member-gone') this.dismiss(hint.id)
    else if (hint.about === 'log' && hint.next) this.#turns.bring(hint.next, this.#place?.at)
    else this.#turns.wake()
  }

  async #turn(ahead: readonly Next[] | undefined): Promise<boolean> {
    if (this.#fanout.size === 0) return false
    try {
      return await this.#goOn(ahead)
    } catch (error) {
      this.#options.failed(error)
      this.close('busy')
      this.#rest()
      return false
    }
  }

  /** Hands out all that follows the room's place, and what waits beside the log. */
  #goOn(ahead: readonly Next[] | undefined): Promise<boolean> | boolean {
    const place = this.#place
    if (!place || !ahead?.length) return this.#readOn()
    this.#hand(stretchOf(ahead, place), place)
    return ahead.length > 1
  }

  async #readOn(): Promise<boolean> {
    for (;;) {
      const place = this.#place
      const stretch = await this.#read(place?.at, place ? TURN_ENTRIES : 1)
      if (!stretch) {
        this.#end()
        return false
      }
      // Everybody may have gone meanwhile, and somebody else have come with whom the room is at another place.
      const isStale = this.#place !== place
      if (place && !isStale) this.#hand(stretch, place)
      const isMore = (isStale || stretch.more) && this.#fanout.size > 0
      if (!isMore) return stretch.entries.length > 1
    }
  }

  /** With nobody to write to there is no place to keep. */
  #rest(): void {
    this.#place = undefined
    this.#pending = []
  }

  /** Writes to all who are abreast what follows the room's place, and moves on. */
  #hand(stretch: Stretch, from: Place): void {
    const events = eventsOf(stretch, this.#pending)
    this.#pending = []
    // An edit may be gone with its message before it was read: then only the place moves on.
    if (events.length === 0 && stretch.cursor === from.cursor) return
    this.#place = placeAfter(stretch)
    const { cursor, at } = this.#place
    const written = this.#fanout.send({ events, previous: from.previous, cursor }, from.at.seq, at.seq)
    this.#options.counts.deliveries += written * stretch.entries.length
    for (const entry of stretch.entries) if (entry.kind === 'member') this.#changed(entry)
  }

  #changed(entry: MemberChanged): void {
    this.#options.changed(entry)
    if (isGone(entry)) this.dismiss(entry.member.id)
    else this.presence.changed(entry.member)
  }

  /** The part of a page up to the room's place; undefined where it does not come that far, or that cannot be known. */
  #meet(page: Stretch): Stretch | undefined {
    if (!this.#place && !page.more) this.#place = placeAfter(page)
    if (!this.#place) return undefined
    const { at, cursor } = this.#place
    if (page.cursor === cursor && !page.more) return page
    if (page.start === cursor && !page.gap) return { ...page, entries: [], cursor }
    const index = page.entries.findIndex((entry) => isSame(entry, at))
    // Within a gap the room would tell once more what is gone.
    if (index < 0 || at.seq < (page.gapEnd ?? 0)) return undefined
    return { ...page, entries: page.entries.slice(0, index + 1), cursor }
  }

  /** Writes a connection the last of what it missed; from now on it is abreast. */
  #join(connection: Connection, last: Stretch): void {
    const place = this.#place as Place
    // Those who are here already are told first, and the newcomer not again.
    this.#flush(place)
    this.#write(connection, last, this.presence.here())
    connection.seen = place.at.seq
    // This connection may have read more than the room has, whose hint is late or was lost.
    this.#turns.wake()
    void this.#options.waiting.for(connection)
  }

  /** Sends what waits beside the log to those who are abreast. */
  #flush({ at, cursor, previous }: Place): void {
    if (this.#pending.length === 0) return
    const events = this.#pending
    this.#pending = []
    this.#fanout.send({ events, previous, cursor }, at.seq, at.seq)
  }

  #write(connection: Connection, page: Stretch, ...more: Event[]): void {
    const { previous, cursor } = page
    this.#options.counts.deliveries += page.entries.length
    connection.write(connection.format.encode({ events: eventsOf(page, more), previous, cursor }), cursor)
  }

  #read(after: Cursor | undefined, limit: number): Promise<Stretch | undefined> {
    const { store, code, clock } = this.#options
    return persist(clock, () => store.entries(code, { after, limit }))
  }

  /** The room is gone: everyone is told. */
  #end(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.close('room-gone')
    this.#turns.end()
    this.#options.gone()
  }

  /** The members behind some of the connections, others each time. */
  #nextLookedAt(): string[] {
    const ids = [...new Set(this.connections.map(({ member }) => member.id))]
    if (this.#lookedAt >= ids.length) this.#lookedAt = 0
    const some = ids.slice(this.#lookedAt, this.#lookedAt + LOOK_MEMBERS)
    this.#lookedAt += LOOK_MEMBERS
    return some
  }
}

// What cannot be read is no place in this history: the answer is a gap, as for any other foreign cursor.
const NOWHERE = { seq: 0, tag: '' }

/** What was read, and what waits beside it. */
function eventsOf({ gap, entries }: Stretch, beside: readonly Event[]): readonly Event[] {
  return gap ? [gap, ...entries, ...beside] : beside.length > 0 ? [...entries, ...beside] : entries
}

/** What hints brought, as a reading would give it. */
function stretchOf(ahead: readonly Next[], { cursor, previous }: Place): Stretch {
  const entries = ahead.map(({ message }) => message)
  const last = entries.at(-1)
  return { entries, more: false, previous, start: cursor, cursor: last ? writeCursor(last) : cursor }
}

function placeAfter({ cursor, entries, previous }: Stretch): Place {
  const last = entries.findLast((entry) => entry.kind === 'message')
  return { at: readCursor(cursor) ?? NOWHERE, cursor, previous: last ?? previous }
}
