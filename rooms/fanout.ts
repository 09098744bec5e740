import { writeCursor } from './cursor.ts'
import type { SizeOf } from './page.ts'
import type { Entry, Event, Member } from './types.ts'

/** What one turn brought, on its way out. */
export interface Batch {
  readonly events: readonly Event[]
  /** The entry before the first one of this batch. */
  readonly previous?: Entry
  /** The newest place in the log: a reader that resumes from it has seen all this. */
  readonly cursor: string
}

/** A way of writing events. One object is one format: a batch is encoded once for all its connections. */
export interface Format {
  encode(batch: Batch): Uint8Array
  /** Bytes that an entry takes in it. */
  readonly sizeOf: SizeOf
}

/** Why a connection is closed. */
export type Farewell = 'restart' | 'removed' | 'room-gone'

// Greater than any entry's number: to a connection that is still catching up everything counts as sent.
const CATCHING_UP = Number.POSITIVE_INFINITY

// Turns that a busy room waits for at the most: a turn is far shorter than writing to everyone.
const TURNS = 8

/** One open socket or stream. */
export interface Connection {
  readonly member: Member
  readonly format: Format
  /** The number of the newest entry that this connection was sent when it caught up; kept by the fan-out. */
  seen: number
  /**
   * Sends, or cuts off a reader that cannot keep up.
   * @param cursor the place in the log after these bytes
   */
  write(bytes: Uint8Array, cursor: string): void
  /** Settles once what was written is on its way, or the connection has ended. */
  drained(): Promise<void>
  readonly isClosed: boolean
  close(farewell: Farewell): void
  /** Ends at once, for a reader that would only ever read more slowly. */
  cut(): void
}

/**
 * Hands each event of a room to every connection: what one turn of the event loop brings is one batch, encoded
 * once for each format and written once to each connection. When it is quiet nothing waits for company; after a batch
 * of several the next one is gathered from a few turns, because writing to everyone is what costs.
 */
export class Fanout {
  #groups = new Map<Format, Set<Connection>>()
  #pending: Event[] = []
  #newest: Entry | undefined
  #cursor = ''
  #isBusy = false
  #defer: (flush: () => void) => void

  /** @param defer runs a function at the end of this turn */
  constructor(defer: (flush: () => void) => void) {
    this.#defer = defer
  }

  /** The number of the newest entry that was handed out. */
  get seq(): number {
    return this.#newest?.seq ?? 0
  }

  get size(): number {
    let size = 0
    for (const group of this.#groups.values()) size += group.size
    return size
  }

  *[Symbol.iterator](): Generator<Connection> {
    for (const group of this.#groups.values()) yield* group
  }

  /** Takes an event to everyone. */
  publish(event: Event): void {
    if (this.#pending.push(event) === 1) this.#defer(() => this.#turn(0, TURNS))
  }

  /** Ends a turn: sends, or in a busy room waits for the next one, as long as turns bring more. */
  #turn(before: number, left: number): void {
    const { length } = this.#pending
    if (this.#isBusy && left > 0 && length > before) this.#defer(() => this.#turn(length, left - 1))
    else this.flush()
  }

  /** Lets a connection in. It gets nothing before `begin`. */
  add(connection: Connection): void {
    connection.seen = CATCHING_UP
    const group = this.#groups.get(connection.format)
    if (group) group.add(connection)
    else this.#groups.set(connection.format, new Set([connection]))
  }

  /**
   * From now on this connection gets what comes after what it was sent.
   * @param newest the newest entry of the log, if there is one
   * @param cursor its place
   */
  begin(connection: Connection, newest: Entry | undefined, cursor: string): void {
    connection.seen = newest?.seq ?? 0
    if (this.#cursor !== '') return
    this.#newest = newest
    this.#cursor = cursor
  }

  remove(connection: Connection): void {
    this.#groups.get(connection.format)?.delete(connection)
  }

  /** Sends what has come up to now. */
  flush(): void {
    if (this.#pending.length === 0) return
    const events = this.#pending
    this.#pending = []
    this.#isBusy = events.length > 1
    const batch = this.#batch(events)
    const first = firstSeq(events)
    for (const [format, group] of this.#groups) {
      if (group.size === 0) continue
      const bytes = format.encode(batch)
      for (const connection of group) {
        if (connection.seen >= first) this.#writeUnseen(connection, batch)
        else connection.write(bytes, batch.cursor)
      }
    }
  }

  #batch(events: Event[]): Batch {
    const previous = this.#newest
    const newest = events.findLast((event) => event.kind === 'message')
    if (newest) {
      this.#newest = newest
      this.#cursor = writeCursor(newest)
    }
    return { events, previous, cursor: this.#cursor }
  }

  /** A store may tell a newcomer of entries before it tells its followers: those are left out here. */
  #writeUnseen(connection: Connection, batch: Batch): void {
    if (connection.seen === CATCHING_UP) return
    const events = batch.events.filter((event) => event.kind !== 'message' || event.seq > connection.seen)
    if (events.length > 0) connection.write(connection.format.encode({ ...batch, events }), batch.cursor)
  }
}

function firstSeq(events: Event[]): number {
  for (const event of events) if (event.kind === 'message') return event.seq
  return CATCHING_UP
}
