import { waterLevel } from './budget.ts'
import { type Clock, systemClock } from '../clock.ts'
import { Shelf } from './shelf.ts'
import type { Admission, Appended, Bounds, Draft, Query, Store } from './store.ts'
import type { Entry, Member, Page, Room } from '../types.ts'

const BUDGET_BYTES = 256 * 1024 * 1024
// Trimming looks at all rooms, so each time it frees enough for a while, and waits a while where nothing could be freed.
const TRIMMED_SHARE = 0.9
const LATER_SHARE = 0.05

export interface MemoryBounds extends Bounds {
  /** Bytes of memory for all rooms together, about. */
  readonly budget?: number
  readonly clock?: Clock
}

/** A store that keeps everything in this process and nothing after it. */
export class MemoryStore implements Store {
  readonly isDurable = false
  #bounds: Bounds
  #budget: number
  #clock: Clock
  #shelves = new Map<string, Shelf>()
  /** The rooms that have been unused for the longest come first. */
  #unused = new Set<Shelf>()
  /** What each room took when it was last looked at, and all of them. */
  #sizes = new Map<Shelf, number>()
  #bytes = 0
  #trimAt: number

  constructor({ budget = BUDGET_BYTES, clock = systemClock, ...bounds }: MemoryBounds) {
    this.#bounds = bounds
    this.#budget = budget
    this.#clock = clock
    this.#trimAt = budget
  }

  /** Bytes of memory that all rooms take, about. */
  get bytes(): number {
    return this.#bytes
  }

  async create(room: Room): Promise<boolean> {
    if (this.#shelves.has(room.code)) return false
    const shelf = new Shelf(room, this.#bounds, this.#clock.elapsed())
    this.#shelves.set(room.code, shelf)
    this.#changed(shelf)
    return true
  }

  async find(code: string): Promise<Room | undefined> {
    return this.#shelves.get(code)?.room
  }

  async count(): Promise<number> {
    return this.#shelves.size
  }

  async remove(code: string): Promise<void> {
    const shelf = this.#shelves.get(code)
    if (!shelf) return
    this.#shelves.delete(code)
    this.#unused.delete(shelf)
    this.#bytes -= this.#sizes.get(shelf) ?? 0
    this.#sizes.delete(shelf)
  }

  async quietFor(milliseconds: number): Promise<string[]> {
    const since = this.#clock.elapsed() - milliseconds
    return [...this.#shelves.values()].filter(({ used }) => used < since).map(({ room }) => room.code)
  }

  async unused(): Promise<string | undefined> {
    const [oldest] = this.#unused
    return oldest?.room.code
  }

  async admit(code: string, member: Member): Promise<Admission> {
    return this.#change(code, (shelf) => shelf.admit(member)) ?? 'no-room'
  }

  async member(code: string, id: string): Promise<Member | undefined> {
    return this.#shelves.get(code)?.member(id)
  }

  async mark(code: string, id: string, isHere: boolean): Promise<void> {
    this.#change(code, (shelf) => shelf.mark(id, isHere))
  }

  async isTaken(code: string, name: string): Promise<boolean> {
    return this.#shelves.get(code)?.isTaken(name) ?? false
  }

  async dismiss(code: string, id: string): Promise<boolean> {
    return this.#change(code, (shelf) => shelf.dismiss(id)) ?? false
  }

  async append(code: string, draft: Draft): Promise<Appended> {
    return this.#change(code, (shelf) => {
      const appended = shelf.append(draft, this.#clock.elapsed())
      if (appended && !appended.repeated) for (const follower of shelf.followers) follower(appended.message)
      return appended
    })
  }

  async read(code: string, query: Query): Promise<Page> {
    const shelf = this.#shelves.get(code)
    return shelf ? shelf.log.read(query) : { entries: [], more: false, gap: { kind: 'gap' }, start: '', cursor: '' }
  }

  follow(code: string, follower: (entry: Entry) => void): () => void {
    const followers = this.#shelves.get(code)?.followers
    followers?.add(follower)
    return () => followers?.delete(follower)
  }

  async close(): Promise<void> {
    this.#shelves.clear()
    this.#unused.clear()
    this.#sizes.clear()
    this.#bytes = 0
  }

  #change<T>(code: string, act: (shelf: Shelf) => T): T | undefined {
    const shelf = this.#shelves.get(code)
    if (!shelf) return undefined
    const done = act(shelf)
    this.#changed(shelf)
    return done
  }

  #changed(shelf: Shelf): void {
    if (!shelf.isUnused) this.#unused.delete(shelf)
    else this.#unused.add(shelf)
    this.#weigh(shelf)
    if (this.#bytes > this.#trimAt) this.#trim()
  }

  #weigh(shelf: Shelf): void {
    const { bytes } = shelf
    this.#bytes += bytes - (this.#sizes.get(shelf) ?? 0)
    this.#sizes.set(shelf, bytes)
  }

  /** Takes from the largest rooms what is too much in all of them together. */
  #trim(): void {
    const level = waterLevel([...this.#sizes.values()], this.#budget * TRIMMED_SHARE)
    for (const [shelf, bytes] of this.#sizes) {
      if (bytes <= level) continue
      shelf.shrink(level)
      this.#weigh(shelf)
    }
    this.#trimAt = Math.max(this.#budget, this.#bytes + this.#budget * LATER_SHARE)
  }
}
