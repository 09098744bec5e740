import { Buffer } from 'node:buffer'
import { type Cursor, writeCursor } from '../cursor.ts'
import { heapBytes } from '../heap.ts'
import type { Message, Page } from '../types.ts'
import { Queue } from './queue.ts'
import type { Bounds } from './store.ts'
import { Tally } from './tally.ts'
import { Window } from './window.ts'

// About what a message takes beside its text and key.
const MESSAGE_BYTES = 300

/** The messages of one room that are kept, as they are now, and how many are not. */
export class History {
  #bounds: Bounds
  #messages = new Window<Message>()
  /** When each of them was said, in milliseconds that never run backwards. */
  #times = new Queue<number>()
  #floor: Cursor
  #fallen = 0
  #tally = new Tally(0)
  #hasMessages = false
  #bytes = 0
  #heapBytes = 0
  #onFall: (message: Message) => void

  /**
   * @param start the place before all that will be said
   * @param onFall is called with each message that falls off
   */
  constructor(bounds: Bounds, start: Cursor, onFall: (message: Message) => void) {
    this.#bounds = bounds
    this.#floor = start
    this.#onFall = onFall
  }

  get size(): number {
    return this.#messages.size
  }

  get newest(): Message | undefined {
    return this.#messages.last
  }

  /** Whether anything was ever said. */
  get hasMessages(): boolean {
    return this.#hasMessages
  }

  /** The place before the oldest message that is kept. */
  get floor(): Cursor {
    return this.#floor
  }

  /** How many messages fell off since all was last taken back. */
  get fallen(): number {
    return this.#fallen
  }

  /** Bytes of memory that all of it takes, about. */
  get heapBytes(): number {
    return this.#heapBytes + this.#tally.bytes
  }

  /** Keeps a message, and lets go of the oldest ones that no longer fit. */
  add(message: Message, now: number): void {
    this.#hasMessages = true
    this.#messages.push(message)
    this.#times.push(now)
    this.#weigh(message, 1)
    this.#bound()
  }

  /** Puts a message as it is now in the place of what it was. */
  replace(before: Message, message: Message): void {
    this.#messages.replace(message)
    this.#weigh(before, -1)
    this.#weigh(message, 1)
    this.#bound()
  }

  /** This number was given to an entry that is no message. */
  skip(seq: number): void {
    this.#tally.add(seq)
  }

  /** Lets go of all messages: nothing of what was said before this place is missed. */
  clear(place: Cursor): void {
    this.#messages = new Window()
    this.#times = new Queue()
    this.#bytes = 0
    this.#heapBytes = 0
    this.#floor = place
    this.#fallen = 0
    this.#tally = new Tally(place.seq)
  }

  /** Lets go of the oldest message. */
  drop(): void {
    const oldest = this.#messages.shift() as Message
    this.#times.shift()
    this.#weigh(oldest, -1)
    this.#floor = { seq: oldest.seq, tag: oldest.tag }
    this.#fallen += 1
    this.#onFall(oldest)
  }

  find(seq: number): Message | undefined {
    return this.#messages.find(seq)
  }

  /** The last message whose number is no higher than this. */
  lastUpTo(seq: number): Message | undefined {
    return this.#messages.lastUpTo(seq)
  }

  /** When a message that is kept was said. */
  timeOf({ seq }: Message): number {
    return this.#times.at(this.#messages.upTo(seq) - 1) as number
  }

  /** The first so many messages after a number. */
  after(seq: number, limit: number): Message[] {
    const first = this.#messages.upTo(seq)
    return this.#messages.slice(first, first + limit)
  }

  /** The last so many messages up to a number. */
  page(seq: number, limit: number): Omit<Page, 'cursor'> {
    const end = this.#messages.upTo(seq)
    const messages = this.#messages.slice(Math.max(end - limit, 0), end)
    const more = end > messages.length
    const previous = more ? this.#messages.lastUpTo(messages[0].seq - 1) : undefined
    return { messages, more, previous, start: writeCursor(previous ?? this.#floor) }
  }

  /** How many messages fell off that came after a number; undefined where nobody can know. */
  missedAfter(seq: number): number | undefined {
    if (this.#fallen === 0 || seq >= this.#floor.seq) return 0
    const before = this.#tally.upTo(seq)
    return before === undefined ? undefined : this.#fallen - before
  }

  /** How many messages fell off that came before a number; undefined where nobody can know. */
  missedBefore(seq: number): number | undefined {
    return this.#fallen === 0 || seq > this.#floor.seq ? this.#fallen : this.#tally.upTo(seq - 1)
  }

  #bound(): void {
    while (this.#isOverfull) this.drop()
  }

  get #isOverfull(): boolean {
    return this.size > this.#bounds.history || (this.size > 1 && this.#bytes > this.#bounds.bytes)
  }

  #weigh({ text, key }: Message, times: 1 | -1): void {
    this.#bytes += times * Buffer.byteLength(text)
    this.#heapBytes += times * (MESSAGE_BYTES + heapBytes(text) + heapBytes(key))
  }
}
