/** Who may come in: anyone, whoever a host lets in, or nobody new. */
export type Door = 'open' | 'knock' | 'locked'

/** What hosts can change about a room. */
export interface RoomSettings {
  readonly title: string
  /** Words that stay in view; empty where there are none. */
  readonly notice: string
  readonly door: Door
  /** What proves the password of the room, never the password itself; empty where it has none. */
  readonly password: string
  /** Seconds between two messages of one member; 0 where there is no such limit. */
  readonly slow: number
  /** Whether only hosts may speak. */
  readonly isReadOnly: boolean
}

/** What a room is like until a host changes it. */
export const UNCHANGED: Omit<RoomSettings, 'title'> = {
  notice: '',
  door: 'open',
  password: '',
  slow: 0,
  isReadOnly: false,
}

/** A place to talk. `created` is in milliseconds since 1970, like every time in this module. */
export interface Room extends RoomSettings {
  readonly code: string
  readonly created: number
  /** Random: tells a room from any other that had its code, through restarts. */
  readonly generation: string
}

/** A host may moderate; a bot speaks for a program. */
export type Role = 'host' | 'member' | 'bot'

/** A person in a room. `id` is public and random: nothing can be derived from it. */
export interface Member {
  readonly id: string
  readonly name: string
  readonly role: Role
  /** Reads, and may not speak. Left out where it is not so, as is the next. */
  readonly isMuted?: true
  /** Has knocked, and sees nothing before a host lets them in. */
  readonly isWaiting?: true
  /** Another site vouches for their name. */
  readonly isVouched?: true
}

/** Somebody for whom another site vouches. `id` is public, and the same whenever they come. */
export interface Vouched {
  readonly id: string
  readonly name: string
  /** Left out where it is as it was, or a member's. */
  readonly role?: 'member' | 'host'
}

/**
 * What every entry of a room's log has. `seq` is dense in its room, from 1; `tag` tells this history from any other.
 */
export interface Numbered {
  readonly seq: number
  readonly tag: string
  readonly at: number
}

/** What somebody said, as it is now. One that was deleted has neither text nor key. */
export interface Message extends Numbered {
  readonly kind: 'message'
  readonly key: string
  readonly member: string
  readonly name: string
  readonly text: string
  /** When it was last edited. */
  readonly edited?: number
  readonly isDeleted?: true
}

/** A message was changed, or taken back: the message as it is now. `by` is the member who did it, like everywhere here. */
export interface Revised extends Numbered {
  readonly kind: 'edited' | 'deleted'
  readonly by: string
  readonly message: Message
}

/** What a host can do with a member. */
export type MemberChange = 'admit' | 'remove' | 'ban' | 'unban' | 'mute' | 'unmute' | 'host' | 'unhost'

/** A member was changed: as they are now, or were when they were removed. */
export interface MemberChanged extends Numbered {
  readonly kind: 'member'
  readonly by: string
  /** `name` where another name was given to them, or by the site that vouches for them. */
  readonly change: MemberChange | 'name'
  readonly member: Member
  /** The name that they had before it. */
  readonly was?: string
}

/** The room was changed: as it is now. */
export interface RoomChanged extends Numbered {
  readonly kind: 'room'
  readonly by: string
  readonly room: Room
}

/** All that was said before was taken back. */
export interface Cleared extends Numbered {
  readonly kind: 'cleared'
  readonly by: string
}

/** One numbered act in a room's log. */
export type Entry = Message | Revised | MemberChanged | RoomChanged | Cleared

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

/** Messages as they are now, oldest first. */
export interface Page {
  readonly messages: readonly Message[]
  /** There are earlier ones. */
  readonly more: boolean
  /** What is gone before its first message, or before the place that was asked from. */
  readonly gap?: Gap
  /** The message before the first one, if it is still kept: a page needs it to separate days. */
  readonly previous?: Message
  /** The place before all this: to go on from it gives these messages again. */
  readonly start: string
  /** The place in the log up to which these messages are as they are now: what follows it is news to who has them. */
  readonly cursor: string
}

/** What happened after a place in the log, in order. */
export interface Stretch {
  readonly entries: readonly Entry[]
  /** More has happened after these. */
  readonly more: boolean
  /**
   * What is gone after that place: messages, or only what hosts did where `missed` is 0. What is kept after it follows
   * then (after a place of another history all of it), and the room and its members are as they are now.
   */
  readonly gap?: Gap
  /** The number of the last message that the gap counts: cut before it, the rest would be told as gone once more. */
  readonly gapEnd?: number
  /** The last message before the first entry, if it is still kept. */
  readonly previous?: Message
  /** The place that was asked from. */
  readonly start: string
  /** The place after the last of them; the newest one where no more has happened. */
  readonly cursor: string
}

/** Why something was not done. A refusal is a value; a broken promise throws. */
export interface Refusal<Code = RefusalCode> {
  readonly ok: false
  readonly refusal: Code
  readonly limit?: number
  /** A name that would be taken. */
  readonly suggestion?: string
  /** Seconds until it is worth trying again. */
  readonly retryAfter?: number
}

/** All that `rooms/` refuses for. What only HTTP knows is in `routes/guard/refusals.ts`. */
export type RefusalCode =
  | 'malformed'
  | 'no-session'
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
  | 'too-fast'
  | 'room-busy'
  | 'room-full'
  | 'room-fixed'
  | 'door-locked'
  | 'password-wrong'
  | 'password-too-long'
  | 'banned'
  | 'waiting'
  | 'muted'
  | 'read-only'
  | 'slow-mode'
  | 'not-allowed'
  | 'too-late'
  | 'last-host'
  | 'message-unknown'
  | 'member-unknown'
  | 'notice-too-long'
  | 'notice-not-allowed'
  | 'draining'

export type Result<T, Code = RefusalCode> = ({ readonly ok: true } & T) | Refusal<Code>

/** Says no. */
export function refuse<Code extends string>(
  refusal: Code,
  more: Partial<Omit<Refusal, 'ok' | 'refusal'>> = {},
): Refusal<Code> {
  return { ok: false, refusal, ...more }
}
