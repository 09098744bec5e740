import { looks } from './name.ts'
import type { Member } from './types.ts'

// Memory stays bounded: once this many have come back after a restart, nobody else does. In practice far fewer do.
const MEMBERS = 100_000

/** When a session was made. */
export interface Issued {
  /** By the clock on the wall, which may have been set since. */
  readonly at: number
  /** The start of the server that made it, by a random name, and so many milliseconds after it. */
  readonly start: string
  readonly elapsed: number
  /** Whether that was an earlier start than this one. */
  readonly isEarlier: boolean
}

interface Holder {
  readonly id: string
  /** When their session was made. */
  readonly issued: Issued
}

/**
 * Who comes back, to a process whose store forgets, with a session from before it started. Names are unique, so of two
 * sessions with the same one the earlier member had left before the later came. What was left or forgotten before the
 * start cannot be known; what happens after it is remembered for as long as somebody can come back.
 */
export class Revival {
  #until: number
  #limit: number
  /** By room that was brought back, who had each look last of those who came back. */
  #holders = new Map<string, Map<string, Holder>>()
  /** Whoever came back, and whether they have left again. */
  #hasLeft = new Map<string, boolean>()

  /**
   * @param started milliseconds that never run backwards, like every time here
   * @param ttl milliseconds that an empty room is kept: whatever was before the start is over after as many
   */
  constructor(started: number, ttl: number, limit = MEMBERS) {
    this.#until = started + ttl
    this.#limit = limit
  }

  /** How many members are remembered. */
  get size(): number {
    return this.#hasLeft.size
  }

  /** Whether a session may bring its member back: they have not left since, and nobody had their name after them. */
  isOpen(room: string, member: Member, issued: Issued, now: number): boolean {
    const isInTime = issued.isEarlier && now < this.#until
    if (!isInTime || this.#hasLeft.get(member.id) || this.size >= this.#limit) return false
    return this.#rivals(room, member).every((rival) => !isLater(rival.issued, issued))
  }

  /** A room was brought back. */
  opened(room: string): void {
    if (!this.#holders.has(room)) this.#holders.set(room, new Map())
  }

  /** Whether a room was brought back, rather than made since the start. */
  isKnown(room: string): boolean {
    return this.#holders.has(room)
  }

  /** The ids of those who came back and had this name, or one that looks like it, before this member. */
  earlier(room: string, member: Member): string[] {
    return this.#rivals(room, member).map(({ id }) => id)
  }

  /** A member came back. */
  cameBack(room: string, member: Member, issued: Issued): void {
    this.#hasLeft.set(member.id, false)
    for (const look of looks(member.name)) this.#holders.get(room)?.set(look, { id: member.id, issued })
  }

  /** A member left: where their session brought them back it does not do so again. */
  left(id: string): void {
    if (this.#hasLeft.has(id)) this.#hasLeft.set(id, true)
  }

  /** Forgets all once nobody can come back any more. */
  expire(now: number): void {
    if (now < this.#until) return
    this.#holders.clear()
    this.#hasLeft.clear()
  }

  #rivals(room: string, { id, name }: Member): Holder[] {
    const holders = this.#holders.get(room)
    return looks(name)
      .flatMap((look) => holders?.get(look) ?? [])
      .filter((holder) => holder.id !== id)
  }
}

/** Whether one session was made after another, as far as can be known where the clock on the wall was set. */
function isLater(one: Issued, other: Issued): boolean {
  return one.start === other.start ? one.elapsed > other.elapsed : one.at > other.at
}
