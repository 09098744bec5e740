import { type Clock, systemClock } from '../clock.ts'
import type { Cursor } from '../cursor.ts'
import type { Act } from '../entries.ts'
import { type Member, type Page, type Result, type Room, refuse, type Stretch, type Vouched } from '../types.ts'
import { waterLevel } from './budget.ts'
import { Shelf } from './shelf.ts'
import type { Admission, Appended, Arrival, Bounds, Creation, Store, Vouching } from './store.ts'

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
  /** Rooms that stay. */
  #fixed = new Set<Shelf>()
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

  async check(): Promise<void> {}

  async create(room: Room, first: Member): Promise<Creation> {
    if (this.#shelves.has(room.code)) return { outcome: 'code-taken' }
    const isFull = this.#shelves.size >= this.#bounds.rooms
    const [unused] = isFull ? this.#unused : []
    if (isFull && !unused) return { outcome: 'full' }
    if (unused) this.#remove(unused)
    this.#put(room, (shelf) => shelf.admit(first))
    return unused ? { outcome: 'created', gaveWay: unused.room } : { outcome: 'created' }
  }

  async establish(room: Room): Promise<Room> {
    const shelf = this.#shelves.get(room.code)
    if (shelf) return shelf.room
    this.#put(room, (made) => this.#fixed.add(made))
    return room
  }

  async find(code: string): Promise<Room | undefined> {
    return this.#shelves.get(code)?.room
  }

  async touch(code: string): Promise<boolean> {
    const shelf = this.#shelves.get(code)
    shelf?.touch()
    return shelf !== undefined
  }

  async expire(milliseconds: number, except?: ReadonlySet<string>): Promise<Room[]> {
    const since = this.#clock.elapsed() - milliseconds
    const expired = [...this.#shelves.values()].filter(
      (shelf) => shelf.used < since && !this.#fixed.has(shelf) && !except?.has(shelf.room.code),
    )
    for (const shelf of expired) this.#remove(shelf)
    return expired.map(({ room }) => room)
  }

  async remove(code: string): Promise<boolean> {
    const shelf = this.#shelves.get(code)
    if (shelf) this.#remove(shelf)
    return shelf !== undefined
  }

  async admit(code: string, member: Member): Promise<Admission> {
    return this.#change(code, (shelf) => shelf.admit(member)) ?? 'no-room'
  }

  async vouch(code: string, visitor: Vouched, arrival: Arrival): Promise<Vouching> {
    return this.#change(code, (shelf) => shelf.vouch(visitor, arrival)) ?? { outcome: 'no-room' }
  }

  async member(code: string, id: string): Promise<Member | undefined> {
    return this.#shelves.get(code)?.members.ask(id)
  }

  async missing(code: string, ids: readonly string[]): Promise<string[]> {
    const shelf = this.#shelves.get(code)
    return ids.filter((id) => !shelf?.member(id))
  }

  async mark(code: string, here: ReadonlyMap<string, boolean>): Promise<void> {
    this.#change(code, ({ members }) => {
      for (const [id, isHere] of here) members.mark(id, isHere)
    })
  }

  async isTaken(code: string, name: string): Promise<boolean> {
    return this.#shelves.get(code)?.isTaken(name) ?? false
  }

  async dismiss(code: string, id: string): Promise<boolean> {
    return this.#change(code, ({ members }) => members.dismiss(id)) ?? false
  }

  async append(code: string, act: Act): Promise<Result<Appended>> {
    return this.#change(code, (shelf) => shelf.append(act)) ?? refuse('room-unknown')
  }

  async messages(code: string, query: { readonly before?: Cursor; readonly limit: number }): Promise<Page | undefined> {
    return this.#shelves.get(code)?.log.messages(query)
  }

  async entries(
    code: string,
    query: { readonly after?: Cursor; readonly limit: number },
  ): Promise<Stretch | undefined> {
    return this.#shelves.get(code)?.log.entries(query)
  }

  async close(): Promise<void> {
    this.#shelves.clear()
    this.#unused.clear()
    this.#fixed.clear()
    this.#sizes.clear()
    this.#bytes = 0
  }

  #put(room: Room, begin: (shelf: Shelf) => void): void {
    const shelf = new Shelf(room, this.#bounds, this.#clock)
    begin(shelf)
    this.#shelves.set(room.code, shelf)
    this.#changed(shelf)
  }

  #remove(shelf: Shelf): void {
    this.#shelves.delete(shelf.room.code)
    this.#unused.delete(shelf)
    this.#fixed.delete(shelf)
    this.#bytes -= this.#sizes.get(shelf) ?? 0
    this.#sizes.delete(shelf)
  }

  #change<T>(code: string, act: (shelf: Shelf) => T): T | undefined {
    const shelf = this.#shelves.get(code)
    if (!shelf) return undefined
    const done = act(shelf)
    this.#changed(shelf)
    return done
  }

  #changed(shelf: Shelf): void {
    if (!shelf.isUnused || this.#fixed.has(shelf)) this.#unused.delete(shelf)
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
