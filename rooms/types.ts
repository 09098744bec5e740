/** A place to talk. `created` is in milliseconds since 1970, like every time in this module. */
export interface Room {
  readonly code: string
  readonly title: string
  readonly created: number
}

/** A person in a room. `id` is public and random: nothing can be derived from it. */
export interface Member {
  readonly id: string
  readonly name: string
}

/** What is stored. `seq` is dense in its room, from 1; `tag` tells this history from any other. */
export interface Message {
  readonly kind: 'message'
  readonly seq: number
  readonly tag: string
  readonly key: string
  readonly member: string
  readonly name: string
  readonly text: string
  readonly at: number
}

/** One line of a room's log. Edits and removals will be further kinds, numbered in the same order. */
export type Entry = Message

/** What stood between a place and the entries that are still kept. `missed` is left out where nobody can know how many. */
export interface Gap {
  readonly kind: 'gap'
  readonly missed?: number
}

/** Who came and who went since the last notice. */
export interface Notice {
  readonly kind: 'notice'
  readonly joined: readonly Member[]
  readonly left: readonly Member[]
}

/** Who is here. In a large room `members` holds only the first of them. */
export interface Attendance {
  readonly kind: 'attendance'
  readonly count: number
  readonly members: readonly Member[]
  /** Only the count is told: the names stay as they were told before. */
  readonly isCountOnly?: boolean
}

/** Anything published to the connections of a room. */
export type Event = Entry | Gap | Notice | Attendance

/** A stretch of the log, oldest first. */
export interface Page {
  readonly entries: readonly Entry[]
  /** There is more in the direction that was asked for. */
  readonly more: boolean
  /** What is gone before its first entry, or before the place that was asked from. */
  readonly gap?: Gap
  /** The entry before the first one, if it is still kept: a page needs it to separate days. */
  readonly previous?: Entry
  /** The place before all this: to go on from it gives these entries again. */
  readonly start: string
  /** The cursor of the last entry of this page, or the one that was asked from. */
  readonly cursor: string
}

/** Why something was not done. A refusal is a value; a broken promise throws. */
export interface Refusal {
  readonly ok: false
  readonly refusal: RefusalCode
  readonly limit?: number
  /** A name that would be taken. */
  readonly suggestion?: string
  /** Seconds until it is worth trying again. */
  readonly retryAfter?: number
}

export type RefusalCode =
  | 'malformed'
  | 'no-session'
  | 'wrong-origin'
  | 'not-found'
  | 'wrong-method'
  | 'room-unknown'
  | 'rooms-full'
  | 'name-blank'
  | 'name-too-long'
  | 'name-not-allowed'
  | 'name-reserved'
  | 'name-taken'
  | 'title-too-long'
  | 'title-not-allowed'
  | 'text-blank'
  | 'text-too-long'
  | 'key-too-long'
  | 'body-too-large'
  | 'too-fast'
  | 'room-busy'
  | 'room-full'
  | 'too-many-rooms'
  | 'too-many-joins'
  | 'too-many-tries'
  | 'draining'
  | 'broken'

export type Result<T> = ({ readonly ok: true } & T) | Refusal

/** Says no. */
export function refuse(refusal: RefusalCode, more: Partial<Omit<Refusal, 'ok' | 'refusal'>> = {}): Refusal {
  return { ok: false, refusal, ...more }
}
