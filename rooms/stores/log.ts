import { type Cursor, writeCursor } from '../cursor.ts'
import { messageDeleted, messageEdited } from '../entries.ts'
import type { Entry, Gap, Message, Numbered, Page, Stretch } from '../types.ts'
import { type Deed, Deeds } from './deeds.ts'
import { History } from './history.ts'
import type { Bounds } from './store.ts'
import { makeHalfTag } from './tag.ts'

/** What is no message and not about one, before it has a number. */
type Change = Extract<Deed, { kind: 'member' | 'room' }>
type Numberless<T> = T extends unknown ? Omit<T, keyof Numbered> : never

/** What was said, before it has a number. */
export type Said = Pick<Message, 'member' | 'name' | 'key' | 'text' | 'at'>

/**
 * The log of one room in memory: what was said and what was done, numbered in one row. The number of what fell off, or
 * was overtaken by a later deed about the same, stays a place to go on from.
 */
export class MemoryLog {
  /** The first half of every tag: tells this history from another of the same room. */
  #epoch = makeHalfTag()
  #newest: Cursor = { seq: 0, tag: this.#makeTag() }
  #at = 0
  #history: History
  #deeds: Deeds

  constructor(bounds: Bounds) {
    this.#history = new History(bounds, this.#newest, (message) => this.#deeds.fallen(message))
    this.#deeds = new Deeds(({ seq }) => seq > this.#history.floor.seq, bounds.acts)
  }

  /** The place of the last entry. */
  get newest(): Cursor {
    return this.#newest
  }

  /** Whether anything was ever said. */
  get hasMessages(): boolean {
    return this.#history.hasMessages
  }

  /** Bytes of memory that all of it takes, about. */
  get heapBytes(): number {
    return this.#history.heapBytes + this.#deeds.heapBytes
  }

  /**
   * Numbers and keeps a message, and lets go of the oldest ones that no longer fit.
   * @param now milliseconds that never run backwards
   */
  say({ member, name, key, text, at }: Said, now: number): Message {
    const numbered = this.#number(at)
    const { seq, tag } = numbered
    const message: Message = { kind: 'message', seq, tag, key, member, name, text, at: numbered.at }
    this.#history.add(message, now)
    return message
  }

  /** Numbers and keeps an edit of a message that is kept. */
  edit(message: Message, text: string, by: string, at: number): Entry {
    const numbered = this.#number(at)
    return this.#revise('edited', numbered, by, message, messageEdited(message, text, numbered.at))
  }

  /** Numbers and keeps that a message that is kept was taken back. */
  delete(message: Message, by: string, at: number): Entry {
    return this.#revise('deleted', this.#number(at), by, message, messageDeleted(message))
  }

  /** Numbers and keeps a change of the room or of a member. */
  change(change: Numberless<Change>, at: number): Entry {
    return this.#keep({ ...change, ...this.#number(at) })
  }

  /** Numbers and keeps that all that was said is taken back, and lets go of it. */
  clear(by: string, at: number): Entry {
    const numbered = this.#number(at)
    this.#history.clear(numbered)
    this.#deeds.clear()
    return this.#keep({ kind: 'cleared', ...numbered, by })
  }

  /** The message that was given this number and tag, if it is still kept. */
  find({ seq, tag }: Cursor): Message | undefined {
    const message = this.#history.find(seq)
    return message?.tag === tag ? message : undefined
  }

  /** The last deed about something, if it is still kept. */
  about(thing: string): Entry | undefined {
    return this.#deeds.about(thing)
  }

  /** When a message that is kept was said, in milliseconds that never run backwards. */
  timeOf(message: Message): number {
    return this.#history.timeOf(message)
  }

  /** The newest messages, or those before a place; never what is newer, because whoever pages back puts them above. */
  messages({ before, limit }: { readonly before?: Cursor; readonly limit: number }): Page {
    const history = this.#history
    if (!before) return { ...history.page(this.#newest.seq, limit), cursor: writeCursor(this.#newest) }
    const isOurs = this.#isOurs(before)
    const page = history.page(isOurs ? before.seq - 1 : 0, limit)
    const last = page.messages.at(-1)
    if (last) return withGap({ ...page, cursor: writeCursor(last) }, page.more ? undefined : gapOf(history.fallen))
    const place = writeCursor(before)
    const gap = gapOf(isOurs ? history.missedBefore(before.seq) : undefined)
    return withGap({ ...page, start: place, cursor: place }, gap)
  }

  /** What happened after a place. */
  entries({ after, limit }: { readonly after?: Cursor; readonly limit: number }): Stretch {
    if (!after) {
      const place = writeCursor(this.#newest)
      return { entries: [], more: false, previous: this.#history.newest, start: place, cursor: place }
    }
    const isOurs = this.#isOurs(after)
    const seq = isOurs ? after.seq : 0
    const entries = this.#after(seq, limit)
    const last = entries.at(-1)
    const more = last !== undefined && last.seq < this.#lastKept
    const previous = this.#history.lastUpTo(entries.length > 0 ? entries[0].seq - 1 : seq)
    const cursor = writeCursor(more ? last : this.#newest)
    const stretch = { entries, more, previous, start: writeCursor(after), cursor }
    const gap: Gap | undefined = isOurs ? this.#gapAfter(seq) : { kind: 'gap' }
    return gap ? { ...stretch, gap, gapEnd: this.#history.fallen > 0 ? this.#history.floor.seq : 0 } : stretch
  }

  /** Lets go of the oldest message, or of what can be spared beside the newest; false where nothing can. */
  trim(): boolean {
    if (this.#history.size <= 1) return this.#deeds.trim()
    this.#history.drop()
    return true
  }

  /** The deed comes first, because the message may fall off for what it is now, and takes the deed with it. */
  #revise(kind: 'edited' | 'deleted', numbered: Numbered, by: string, before: Message, message: Message): Entry {
    const deed = this.#keep({ kind, ...numbered, by, message })
    this.#history.replace(before, message)
    return deed
  }

  #keep(deed: Deed): Entry {
    if (deed.kind !== 'cleared') this.#history.skip(deed.seq)
    this.#deeds.add(deed)
    return deed
  }

  #number(at: number): Numbered {
    this.#at = Math.max(at, this.#at)
    const numbered = { seq: this.#newest.seq + 1, tag: this.#makeTag(), at: this.#at }
    this.#newest = numbered
    return numbered
  }

  /**
   * The first entries after a number. Where messages are gone after it only the last deeds before those that are kept
   * come, so that one answer always leads beyond the gap.
   */
  #after(seq: number, limit: number): Entry[] {
    const floor = this.#history.fallen > 0 ? Math.max(this.#history.floor.seq, seq) : seq
    const early = floor > seq ? this.#deeds.lastBetween(seq, floor, limit - 1) : []
    const messages = this.#history.after(floor, limit - early.length)
    const deeds = this.#deeds.after(floor, limit)
    if (early.length + deeds.length === 0) return messages
    const late = [...messages, ...deeds].sort((one, other) => one.seq - other.seq)
    return [...early, ...late].slice(0, limit)
  }

  get #lastKept(): number {
    return Math.max(this.#history.newest?.seq ?? 0, this.#deeds.newest?.seq ?? 0)
  }

  /** What is gone after a number of this history; undefined where nothing is. */
  #gapAfter(seq: number): Gap | undefined {
    const missed = this.#history.missedAfter(seq)
    return missed === 0 && seq < this.#deeds.floor ? { kind: 'gap', missed } : gapOf(missed)
  }

  /** Of what is kept the whole tag must match; of what is not, the half that all of this history share is what is left. */
  #isOurs({ seq, tag }: Cursor): boolean {
    if (seq > this.#newest.seq) return false
    const { floor } = this.#history
    const kept = this.#history.find(seq) ?? this.#deeds.find(seq) ?? (seq === floor.seq ? floor : undefined)
    return kept ? kept.tag === tag : tag.startsWith(this.#epoch)
  }

  #makeTag(): string {
    return this.#epoch + makeHalfTag()
  }
}

function gapOf(missed: number | undefined): Gap | undefined {
  if (missed === 0) return undefined
  return missed === undefined ? { kind: 'gap' } : { kind: 'gap', missed }
}

function withGap<T extends object>(read: T, gap: Gap | undefined): T & { readonly gap?: Gap } {
  return gap ? { ...read, gap } : read
}
