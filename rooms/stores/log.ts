import { Buffer } from 'node:buffer'
import { type Cursor, writeCursor } from '../cursor.ts'
import { heapBytes } from '../heap.ts'
import type { Bounds, Draft, Query } from './store.ts'
import type { Entry, Gap, Message, Page } from '../types.ts'

// About what an entry takes beside its text and key.
const ENTRY_BYTES = 300
const TAG_BASE = 36
const HALF_TAG = 3
const TAG_SPACE = TAG_BASE ** HALF_TAG

/** A tag as the number that takes less to keep. */
export function readTag(tag: string): number {
  return Number.parseInt(tag, TAG_BASE)
}

/** The tag of that number. */
export function writeTag(tag: number): string {
  return tag.toString(TAG_BASE).padStart(HALF_TAG * 2, '0')
}

/** The log of one room in memory: a window on its newest entries. */
export class MemoryLog {
  #bounds: Bounds
  #entries = new Map<number, Entry>()
  /** The number of the newest entry. */
  #seq = 0
  #bytes = 0
  #heapBytes = 0
  /** The last entry that fell off, or the place before the first one. */
  #floor: Cursor
  /** The first half of every tag: tells this history from another of the same room. */
  readonly epoch = randomTag()

  constructor(bounds: Bounds) {
    this.#bounds = bounds
    this.#floor = { seq: 0, tag: this.epoch + randomTag() }
  }

  get newest(): Entry | undefined {
    return this.#entries.get(this.#seq)
  }

  get size(): number {
    return this.#entries.size
  }

  /** Bytes of memory that the entries take, about. */
  get heapBytes(): number {
    return this.#heapBytes
  }

  /** Numbers and keeps a message, and lets go of the oldest ones that no longer fit. */
  append({ member, key, text, at }: Draft): Message {
    const seq = this.#seq + 1
    const time = Math.max(at, this.newest?.at ?? 0)
    const tag = this.epoch + randomTag()
    const message: Message = { kind: 'message', seq, tag, key, member: member.id, name: member.name, text, at: time }
    this.#entries.set(seq, message)
    this.#seq = seq
    this.#bytes += Buffer.byteLength(text)
    this.#heapBytes += weightOf(message)
    while (this.#isOverfull) this.trim()
    return message
  }

  read(query: Query): Page {
    if (query.before) return this.#before(query.before, query.limit)
    if (query.after) return this.#after(query.after, query.limit)
    return this.#window(this.#seq, query.limit)
  }

  #after(cursor: Cursor, limit: number): Page {
    const start = writeCursor(cursor)
    if (!this.#isHere(cursor)) return { ...this.#after(this.#floor, limit), start, gap: this.#gapAfter(cursor) }
    const entries = this.#slice(cursor.seq + 1, cursor.seq + limit)
    const [last, previous] = [entries.at(-1) ?? cursor, this.#entries.get(cursor.seq)]
    return { entries, more: last.seq < this.#seq, previous, start, cursor: writeCursor(last) }
  }

  /** Never what is newer: whoever pages back puts a page above the one that they have. */
  #before(cursor: Cursor, limit: number): Page {
    if (this.find(cursor) && cursor.seq > this.#floor.seq + 1) {
      const page = this.#window(cursor.seq - 1, limit)
      return page.more ? page : { ...page, gap: this.#gapBefore(page.entries[0]) }
    }
    const place = writeCursor(cursor)
    return { entries: [], more: false, gap: this.#gapBefore(cursor), start: place, cursor: place }
  }

  #window(last: number, limit: number): Page {
    const first = Math.max(last - limit + 1, this.#floor.seq + 1)
    const entries = this.#slice(first, last)
    const previous = this.#entries.get(first - 1)
    return {
      entries,
      more: entries.length > 0 && first > this.#floor.seq + 1,
      previous,
      start: writeCursor(previous ?? this.#floor),
      cursor: writeCursor(entries.at(-1) ?? this.newest ?? this.#floor),
    }
  }

  #gapAfter(cursor: Cursor): Gap {
    const missed = this.#floor.seq - cursor.seq
    return missed > 0 && this.#isOurs(cursor) ? { kind: 'gap', missed } : { kind: 'gap' }
  }

  /** What was before a place at which nothing older is kept; undefined where nothing ever was. */
  #gapBefore(cursor: Cursor): Gap | undefined {
    const isFallen = cursor.seq <= this.#floor.seq && this.#isOurs(cursor)
    if (!isFallen && !this.#isHere(cursor)) return { kind: 'gap' }
    return cursor.seq > 1 ? { kind: 'gap', missed: cursor.seq - 1 } : undefined
  }

  /** The message that was given this number and tag, if it is still kept. */
  find({ seq, tag }: Cursor): Message | undefined {
    const entry = this.#entries.get(seq)
    return entry?.tag === tag ? entry : undefined
  }

  #isHere({ seq, tag }: Cursor): boolean {
    return (seq === this.#floor.seq ? this.#floor : this.#entries.get(seq))?.tag === tag
  }

  #isOurs({ tag }: Cursor): boolean {
    return tag.startsWith(this.epoch)
  }

  #slice(first: number, last: number): Entry[] {
    const from = Math.max(first, this.#floor.seq + 1)
    const count = Math.max(Math.min(last, this.#seq) - from + 1, 0)
    return Array.from({ length: count }, (_, index) => this.#entries.get(from + index) as Entry)
  }

  get #isOverfull(): boolean {
    const { size } = this.#entries
    return size > this.#bounds.history || (size > 1 && this.#bytes > this.#bounds.bytes)
  }

  /** Lets go of the oldest entry. */
  trim(): void {
    const oldest = this.#entries.get(this.#floor.seq + 1) as Entry
    this.#entries.delete(oldest.seq)
    this.#bytes -= Buffer.byteLength(oldest.text)
    this.#heapBytes -= weightOf(oldest)
    this.#floor = { seq: oldest.seq, tag: oldest.tag }
  }
}

function weightOf({ text, key }: Entry): number {
  return ENTRY_BYTES + heapBytes(text) + heapBytes(key)
}

function randomTag(): string {
  return Math.floor(Math.random() * TAG_SPACE)
    .toString(TAG_BASE)
    .padStart(HALF_TAG, '0')
}
