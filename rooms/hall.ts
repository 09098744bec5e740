import type { Clock } from './clock.ts'
import type { Counts } from './counts.ts'
import type { Connection, Farewell } from './fanout.ts'
import { LiveRoom } from './room.ts'
import type { Bus } from './stores/bus.ts'
import type { Store } from './stores/store.ts'
import type { MemberChanged, Room } from './types.ts'
import { Waiting } from './waiting.ts'

const LOOK_MS = 10_000
// A room is looked after so many times before it could expire.
const LOOKS = 4
const SHORTEST_LOOK_MS = 250
// Rooms that are looked after at once.
const LOOK_ROOMS = 64
// Milliseconds between two goodbyes, where that does not take too long.
const BETWEEN_GOODBYES_MS = 20
const GOODBYES = 50
// A store that does not answer must not hold up the end.
const SETTLE_MS = 5000
// Nor must a reader who does not read.
const CATCH_UP_MS = 1000

export interface HallOptions {
  readonly store: Store
  readonly bus: Bus
  readonly clock: Clock
  /** Milliseconds in which someone without a connection has not left. */
  readonly grace: number
  /** Milliseconds that a room is kept which nobody holds. */
  readonly ttl: number
  /** Called with what became of members, as it is read. */
  readonly changed: (entry: MemberChanged) => void
  /** Called with each room that has expired. */
  readonly expired: (room: Room) => void
  /** Called now and then, after all rooms were looked after. */
  readonly looked: () => void
  /** Called with errors that nobody waits for. */
  readonly failed: (error: unknown) => void
  readonly counts: Counts
}

/** The rooms that somebody is in, in this process: it looks after them, and has the store forget those that nobody holds. */
export class Hall {
  #options: HallOptions
  #rooms = new Map<string, LiveRoom>()
  #waiting = new Waiting()
  #isLooking = false
  #cancelLook: () => void

  constructor(options: HallOptions) {
    this.#options = options
    this.#cancelLook = this.#schedule()
  }

  /** The live room of this code, if somebody is in it. */
  find(code: string): LiveRoom | undefined {
    return this.#rooms.get(code)
  }

  /** How many rooms somebody is in, and how many are in them. */
  get size(): { rooms: number; members: number } {
    let members = 0
    for (const { presence } of this.#rooms.values()) members += presence.size
    return { rooms: this.#rooms.size, members }
  }

  /** The live room of this code, for somebody who comes. */
  open(code: string): LiveRoom {
    const found = this.#rooms.get(code)
    if (found) return found
    const gone = () => this.#close(code, live)
    const live: LiveRoom = new LiveRoom({ ...this.#options, code, waiting: this.#waiting, gone })
    this.#rooms.set(code, live)
    return live
  }

  /**
   * Sends what was said, and closes every connection, evenly over so many milliseconds at most.
   * @param appended settles once all that was taken is in the store
   */
  async drain(appended: Promise<unknown>, milliseconds: number): Promise<void> {
    this.#cancelLook()
    const late = new Promise<void>((resolve) => this.#options.clock.after(SETTLE_MS, resolve))
    await Promise.race([appended.then(() => this.#settle()), late])
    const connections = [...this.#rooms.values()].flatMap((live) => live.connections)
    await this.#spread(connections, 'restart', Math.min(milliseconds, connections.length * BETWEEN_GOODBYES_MS))
    for (const [code, live] of this.#rooms) {
      // Who came in meanwhile was not among them.
      live.close('restart')
      this.#close(code, live)
    }
  }

  async #settle(): Promise<void> {
    const busy = [...this.#rooms.values()].filter(({ connections }) => connections.length > 0)
    await Promise.all(busy.map((live) => live.settle()))
    const late = new Promise<void>((resolve) => this.#options.clock.after(CATCH_UP_MS, resolve))
    await Promise.race([Promise.all(busy.map((live) => live.caughtUp())), late])
  }

  async #spread(connections: Connection[], farewell: Farewell, milliseconds: number): Promise<void> {
    const steps = Math.min(connections.length, GOODBYES)
    for (let step = 0; step < steps; step += 1) {
      if (step > 0) await new Promise<void>((resolve) => this.#options.clock.after(milliseconds / steps, resolve))
      for (let index = step; index < connections.length; index += steps) connections[index].close(farewell)
    }
  }

  #schedule(): () => void {
    const { clock, ttl } = this.#options
    const interval = Math.min(Math.max(ttl / LOOKS, SHORTEST_LOOK_MS), LOOK_MS)
    return clock.after(interval, () => {
      this.#cancelLook = this.#schedule()
      if (this.#isLooking) return
      this.#isLooking = true
      void this.#lookAfterAll()
        .catch(this.#options.failed)
        .finally(() => {
          this.#isLooking = false
        })
    })
  }

  /** Keeps the rooms that somebody holds, and only then has the store forget what nobody has kept or holds. */
  async #lookAfterAll(): Promise<void> {
    for (const [code, live] of this.#rooms) if (live.isEmpty) this.#close(code, live)
    const { store, bus, clock, ttl, expired, looked } = this.#options
    const began = clock.elapsed()
    const failed = await this.#lookAtEach()
    // The first room was kept when this began, and must not expire for what the others took since.
    for (const room of await store.expire(ttl + clock.elapsed() - began, failed)) {
      expired(room)
      bus.hint(room.code, { about: 'room-gone' })
    }
    looked()
  }

  /** Answers the codes of the rooms that the store may have failed to keep. */
  async #lookAtEach(): Promise<ReadonlySet<string>> {
    const rooms = [...this.#rooms]
    const failed = new Set<string>()
    for (let first = 0; first < rooms.length; first += LOOK_ROOMS) {
      const looks = rooms.slice(first, first + LOOK_ROOMS).map(([code, live]) =>
        live.look().catch((error) => {
          // One speaks for all, because a store that is away fails at every room.
          if (failed.size === 0) this.#options.failed(error)
          failed.add(code)
        }),
      )
      await Promise.all(looks)
    }
    return failed
  }

  #close(code: string, live: LiveRoom): void {
    live.end()
    if (this.#rooms.get(code) === live) this.#rooms.delete(code)
  }
}
