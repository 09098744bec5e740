import { heapBytes } from '../heap.ts'
import type { Entry, Message } from '../types.ts'
import { ACTS } from './store.ts'
import { Window } from './window.ts'

/** An entry that is no message. */
export type Deed = Exclude<Entry, Message>

// About what one takes beside the texts that it alone holds.
const DEED_BYTES = 450
const MEMBER_BYTES = 150

/** What a deed is about: a later one about the same makes it worthless. */
export function aboutMember(id: string): string {
  return `member ${id}`
}
export function aboutMessage({ seq }: Message): string {
  return `message ${seq}`
}
export const ABOUT_ROOM = 'room'
const ABOUT_ALL = 'all'

/**
 * What was done in a room, beside what was said: the last about each thing. What was done to a message that is kept
 * stays with it, and so does that all was taken back; of the others the oldest fall off where there are too many.
 */
export class Deeds {
  #limit: number
  #kept = new Window<Deed>()
  #last = new Map<string, Deed>()
  #floor = 0
  #heapBytes = 0
  #isKept: (message: Message) => boolean

  /** @param isKept whether a message is still kept */
  constructor(isKept: (message: Message) => boolean, limit = ACTS) {
    this.#isKept = isKept
    this.#limit = limit
  }

  get heapBytes(): number {
    return this.#heapBytes
  }

  /** The highest number of those that fell off. */
  get floor(): number {
    return this.#floor
  }

  get newest(): Deed | undefined {
    return this.#kept.last
  }

  find(seq: number): Deed | undefined {
    return this.#kept.find(seq)
  }

  /** The last one about something, if it is still kept. */
  about(thing: string): Deed | undefined {
    return this.#last.get(thing)
  }

  /** The first so many after a number. */
  after(seq: number, limit: number): Deed[] {
    const from = this.#kept.upTo(seq)
    return this.#kept.slice(from, from + limit)
  }

  /** The last so many of those between two numbers, the second with them. */
  lastBetween(after: number, last: number, limit: number): Deed[] {
    const to = this.#kept.upTo(last)
    return this.#kept.slice(Math.max(this.#kept.upTo(after), to - limit), to)
  }

  add(deed: Deed): void {
    const thing = thingOf(deed)
    const earlier = this.#last.get(thing)
    if (earlier) this.#drop(earlier)
    this.#kept.push(deed)
    this.#last.set(thing, deed)
    this.#heapBytes += weightOf(deed)
    this.#bound()
  }

  /** A message has fallen off: its edit goes with it, and its deletion stays for those who still show the message. */
  fallen(message: Message): void {
    const deed = this.#last.get(aboutMessage(message))
    if (deed?.kind === 'edited') this.#drop(deed)
    if (deed?.kind === 'deleted') this.#bound()
  }

  /** All messages are gone. */
  clear(): void {
    for (const deed of this.#kept.slice(0)) if (isRevision(deed)) this.#drop(deed)
  }

  /** Lets the oldest of those that may fall off do so; false where there is none. */
  trim(): boolean {
    const [oldest] = this.#loose
    if (oldest) this.#fall(oldest)
    return oldest !== undefined
  }

  #bound(): void {
    if (this.#kept.size <= this.#limit) return
    const loose = this.#loose
    for (const deed of loose.slice(0, Math.max(loose.length - this.#limit, 0))) this.#fall(deed)
  }

  get #loose(): Deed[] {
    return this.#kept.slice(0).filter((deed) => {
      return isRevision(deed) ? !this.#isKept(deed.message) : deed.kind !== 'cleared'
    })
  }

  #fall(deed: Deed): void {
    this.#drop(deed)
    this.#floor = Math.max(this.#floor, deed.seq)
  }

  #drop(deed: Deed): void {
    this.#kept.remove(deed)
    this.#last.delete(thingOf(deed))
    this.#heapBytes -= weightOf(deed)
  }
}

function isRevision(deed: Deed): deed is Deed & { readonly message: Message } {
  return deed.kind === 'edited' || deed.kind === 'deleted'
}

function thingOf(deed: Deed): string {
  if (isRevision(deed)) return aboutMessage(deed.message)
  if (deed.kind === 'member') return aboutMember(deed.member.id)
  return deed.kind === 'room' ? ABOUT_ROOM : ABOUT_ALL
}

function weightOf(deed: Deed): number {
  if (deed.kind === 'member') return DEED_BYTES + MEMBER_BYTES + heapBytes(deed.member.name) + heapBytes(deed.was ?? '')
  if (deed.kind !== 'room') return DEED_BYTES
  const { title, notice, password } = deed.room
  return DEED_BYTES + heapBytes(title) + heapBytes(notice) + heapBytes(password)
}
