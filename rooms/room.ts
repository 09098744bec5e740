import { setImmediate } from 'node:timers'
import type { Clock } from './clock.ts'
import { readCursor } from './cursor.ts'
import { type Connection, Fanout, type Farewell } from './fanout.ts'
import { boundPage } from './page.ts'
import { Presence } from './presence.ts'
import type { Store } from './stores/store.ts'
import type { Event, Page } from './types.ts'
import type { Waiting } from './waiting.ts'

// Small enough that a slow reader holds little of it unsent, large enough that most breaks are one page.
const CATCH_UP_ENTRIES = 100
const CATCH_UP_BYTES = 128 * 1024

export interface LiveOptions {
  readonly code: string
  readonly store: Store
  readonly clock: Clock
  readonly grace: number
  /** Of all rooms together. */
  readonly waiting: Waiting
}

/** What a room is while someone is in it: its connections and who they belong to. */
export class LiveRoom {
  #code: string
  #store: Store
  #waiting: Waiting
  #fanout = new Fanout((flush) => void setImmediate(flush))
  #unfollow: () => void
  readonly presence: Presence

  constructor({ code, store, clock, grace, waiting }: LiveOptions) {
    this.#code = code
    this.#store = store
    this.#waiting = waiting
    this.#unfollow = store.follow(code, (entry) => this.#fanout.publish(entry))
    this.presence = new Presence({
      clock,
      grace,
      mark: (id, isHere) => void store.mark(code, id, isHere),
      tell: (attendance, notice) => {
        this.#fanout.publish(attendance)
        if (notice) this.#fanout.publish(notice)
      },
    })
  }

  /** Whether nobody is here, nor taken to be. */
  get isEmpty(): boolean {
    return this.presence.isEmpty && !this.hasConnections
  }

  get hasConnections(): boolean {
    return this.#fanout.size > 0
  }

  /** Lets a connection in: it counts as being here and ends with its member, and is sent nothing yet. */
  enter(connection: Connection): void {
    this.#fanout.add(connection)
    this.presence.connected(connection.member)
  }

  /**
   * Sends a connection all that follows its cursor, a page at a time so that a slow reader is not buried, and then
   * everything that comes. No entry slips through between the two, and none goes twice.
   * @param since a cursor; empty for only what comes
   */
  async connect(connection: Connection, since: string): Promise<void> {
    let page = this.#bound(connection, await this.#firstPage(since))
    while (!connection.isClosed) {
      this.#fanout.flush()
      const newest = page.entries.at(-1) ?? page.previous
      const isCaughtUp = !page.more && this.#fanout.seq <= (newest?.seq ?? 0)
      this.#send(connection, page, isCaughtUp)
      const waited = this.#waiting.for(connection)
      if (isCaughtUp) return this.#fanout.begin(connection, newest, page.cursor)
      await waited
      page = this.#bound(connection, await this.#nextPage(page))
    }
  }

  disconnect(connection: Connection): void {
    this.#fanout.remove(connection)
    this.presence.disconnected(connection.member)
  }

  /** Closes the connections of one member, or of all. */
  close(farewell: Farewell, id?: string): void {
    for (const connection of [...this.#fanout]) {
      if (id === undefined || connection.member.id === id) connection.close(farewell)
    }
  }

  connections(): Connection[] {
    return [...this.#fanout]
  }

  /** Sends what this turn has brought up to now. */
  flush(): void {
    this.#fanout.flush()
  }

  end(): void {
    this.#unfollow()
  }

  async #firstPage(since: string): Promise<Page> {
    if (since) return this.#store.read(this.#code, { after: readCursor(since) ?? NOWHERE, limit: CATCH_UP_ENTRIES })
    const { entries, cursor } = await this.#store.read(this.#code, { limit: 1 })
    return { entries: [], more: false, previous: entries[0], start: cursor, cursor }
  }

  #nextPage({ cursor }: Page): Promise<Page> {
    return this.#store.read(this.#code, { after: readCursor(cursor) ?? NOWHERE, limit: CATCH_UP_ENTRIES })
  }

  #bound({ format }: Connection, page: Page): Page {
    return boundPage(page, CATCH_UP_BYTES, format.sizeOf, 'first')
  }

  #send(connection: Connection, page: Page, isLast: boolean): void {
    const events: Event[] = page.gap ? [page.gap, ...page.entries] : [...page.entries]
    if (isLast) events.push(this.presence.here())
    const { previous, cursor } = page
    connection.write(connection.format.encode({ events, previous, cursor }), cursor)
  }
}

// What cannot be read is no place in this history: the answer is a gap, as for any other foreign cursor.
const NOWHERE = { seq: 0, tag: '' }
