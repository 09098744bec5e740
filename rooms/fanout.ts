import type { SizeOf } from './page.ts'
import type { Event, Member, Message } from './types.ts'

/** What one turn brought, on its way out. */
export interface Batch {
  readonly events: readonly Event[]
  /** The message before the first one of this batch. */
  readonly previous?: Message
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
export type Farewell = 'restart' | 'removed' | 'room-gone' | 'busy'

/** The number of a connection that is not abreast of its room: the room's turns pass it by. */
const BEHIND = -1

/** One open socket or stream. */
export interface Connection {
  readonly member: Member
  readonly format: Format
  /** The number of the entry that it was last written, where it is abreast of its room; kept by the room. */
  seen: number
  /**
   * Sends, or cuts off a reader that cannot keep up.
   * @param cursor the place in the log after these bytes
   */
  write(bytes: Uint8Array, cursor: string): void
  /** Settles once what was written is on its way, or the connection has ended; undefined where that is so already. */
  drained(): Promise<void> | undefined
  readonly isClosed: boolean
  close(farewell: Farewell): void
  /** Ends at once, for a reader that would only ever read more slowly. */
  cut(): void
}

/** The connections of one room, by format: a batch is encoded once for each and written once to each connection. */
export class Fanout {
  #groups = new Map<Format, Set<Connection>>()

  get size(): number {
    let size = 0
    for (const group of this.#groups.values()) size += group.size
    return size
  }

  *[Symbol.iterator](): Generator<Connection> {
    for (const group of this.#groups.values()) yield* group
  }

  /** Lets a connection in, which is sent nothing as long as it is behind. */
  add(connection: Connection): void {
    connection.seen = BEHIND
    const group = this.#groups.get(connection.format)
    if (group) group.add(connection)
    else this.#groups.set(connection.format, new Set([connection]))
  }

  /** Takes a connection out; false where it is not in. */
  remove(connection: Connection): boolean {
    return this.#groups.get(connection.format)?.delete(connection) ?? false
  }

  /**
   * Writes a batch to every connection that was last written what is before it.
   * @param from the number of the entry before the batch
   * @param to the number of its last one
   * @returns to how many it was written
   */
  send(batch: Batch, from: number, to: number): number {
    let written = 0
    for (const [format, group] of this.#groups) {
      let bytes: Uint8Array | undefined
      for (const connection of group) {
        if (connection.seen !== from) continue
        bytes ??= format.encode(batch)
        connection.seen = to
        connection.write(bytes, batch.cursor)
        written += 1
      }
    }
    return written
  }
}
