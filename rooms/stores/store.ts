import type { Act } from '../entries.ts'
import type { Cursor } from '../cursor.ts'
import type { Entry, Member, MemberChanged, Page, Result, Room, Stretch, Vouched } from '../types.ts'

/**
 * Where rooms, members and logs are kept: the seam. `memory` is one store; a file and Redis can be others. Every method
 * may take its time and may fail; what failed may have been done all the same, as when an answer is lost on its way.
 * What every store promises, and `tests/store.ts` holds each of them to:
 *
 * - **One act.** `append` asks whether its member may do that (`rights.ts`), numbers the entry, applies it
 *   (`entries.ts`) and keeps it, as one: an entry that was answered is in the log.
 * - **Dense.** The first entry of a room is 1 and each next one is one more, whoever appends at the same time.
 * - **In order.** What a member asks `append` for first is numbered first, though that was not answered yet: a program
 *   sends one text after the other and waits for nothing.
 * - **Once.** A key that its member has used before answers the first entry again and stores nothing. A store
 *   remembers at least the last `KEYS` of each member, and unless memory is scarce those of the last `KEY_MS`, up to
 *   `MOST_KEYS`; however much others have said since.
 * - **No silent hole.** `entries` answers everything after a place of this history, and where some of it is no longer
 *   kept the rest, behind a gap that says how many messages are gone where that can be known; after a place of another
 *   history everything that is kept, behind a gap. Of what was said or done to one thing twice it may leave out the
 *   earlier: what is left brings who had a page of `messages` to what a fresh page says. `messages` before a cursor
 *   answers nothing that is newer, and where nothing older is kept it says the same of what is gone. What was cleared
 *   is no gap.
 * - **Bounded.** At most `history` messages and `bytes` of text a room, and `ACTS` entries that are neither a message
 *   nor about one that is kept; what falls off leaves nothing behind, and of what was edited, deleted or cleared no old
 *   text is kept anywhere.
 * - **Members.** Whoever is marked as here is never forgotten. Of the others a room keeps at least the `AWAY` that
 *   were here or asked for last, unless memory is scarce.
 * - **Names.** Of two people who ask for names that look alike, at the same moment even, one gets it.
 * - **Visitors.** In one act `vouch` lets a visitor in under their name, or gives it to them as a member, unless they are
 *   banned. Guests who have a name that looks like it get another, by an entry; where it is another visitor's, the one who
 *   comes gets another. Asked twice it changes nothing more.
 * - **Fixed.** A room that `establish` made neither expires nor gives way, whoever asked for it first and however often.
 * - **Touch.** `create`, `admit`, `append` and `touch` keep a room; `expire` forgets in one act what was not touched,
 *   but for the rooms that it is told to leave out, whose age stays as it is.
 */
export interface Store {
  /** Whether rooms and members outlive this process. */
  readonly isDurable: boolean
  /** Settles when the store answers. */
  check(): Promise<void>
  /**
   * Opens a room for its first member, who is here. Where there are too many rooms the one that has been unused for the
   * longest gives way: in which nothing was ever said and nobody is.
   */
  create(room: Room, first: Member): Promise<Creation>
  /** The room of this code as it is now, or this one, which nobody is in; however many rooms there are. */
  establish(room: Room): Promise<Room>
  /** The room of this code, as it is now. */
  find(code: string): Promise<Room | undefined>
  /** Keeps a room from expiring; false where there is none. */
  touch(code: string): Promise<boolean>
  /**
   * Forgets the rooms that nothing has touched for so many milliseconds, whatever the clock on the wall says; answers which.
   * @param except codes of rooms that are held all the same
   */
  expire(milliseconds: number, except?: ReadonlySet<string>): Promise<Room[]>
  /** Forgets a room and all that was in it; false where there is none. */
  remove(code: string): Promise<boolean>
  /** Lets a member in, who is here from now on unless they wait; one who is in already stays. */
  admit(code: string, member: Member): Promise<Admission>
  /** Lets somebody in for whom another site vouches, who is here from now on unless they wait. */
  vouch(code: string, visitor: Vouched, arrival: Arrival): Promise<Vouching>
  /** The member of this id as they are now, if they were let in and have not left. */
  member(code: string, id: string): Promise<Member | undefined>
  /** Those of these ids who are no members. */
  missing(code: string, ids: readonly string[]): Promise<string[]>
  /** Says of members whether they are here. */
  mark(code: string, here: ReadonlyMap<string, boolean>): Promise<void>
  /** Whether a name could not be had now; `admit` has the last word. */
  isTaken(code: string, name: string): Promise<boolean>
  /** Forgets a member who leaves: their name is free, their id is worth nothing. False where there was none. */
  dismiss(code: string, id: string): Promise<boolean>
  /** Numbers, applies and keeps what a member does; refuses what they may not. */
  append(code: string, act: Act): Promise<Result<Appended>>
  /** The newest messages as they are now, or those before a place; undefined where there is no such room. */
  messages(code: string, query: { readonly before?: Cursor; readonly limit: number }): Promise<Page | undefined>
  /** What happened after a place; undefined where there is no such room. Without a place: nothing, and the newest one. */
  entries(code: string, query: { readonly after?: Cursor; readonly limit: number }): Promise<Stretch | undefined>
  /** Lets go of everything held; nothing that was answered is lost if the store is durable. */
  close(): Promise<void>
}

/** `full` where no room can give way. One that gave way is named. */
export type Creation =
  { readonly outcome: 'created'; readonly gaveWay?: Room } | { readonly outcome: 'code-taken' | 'full' }

export type Admission = 'admitted' | 'name-taken' | 'banned' | 'no-room'

/** How a visitor comes. */
export interface Arrival {
  readonly at: number
  /** Whether they wait until a host lets them in, unless they are host or in already. */
  readonly isKnock: boolean
  /** The id of the guest who they were so far: that one leaves, and what hosts made of them is the visitor's. */
  readonly instead?: string
}

/** What came of it: the visitor as a member, who else was changed, and the guest who is none any more. */
export type Vouching =
  | {
      readonly outcome: 'in'
      readonly member: Member
      readonly changed: readonly MemberChanged[]
      readonly replaced?: string
    }
  | { readonly outcome: 'banned' | 'no-room' }

/** What was kept, and whether its key had been used before. */
export interface Appended {
  readonly entry: Entry
  readonly repeated: boolean
  /** The place before a message that was kept just now, where the store knows it without asking. */
  readonly before?: Cursor
}

export interface Bounds {
  /** Messages kept in a room. */
  readonly history: number
  /** Bytes of text kept in a room. */
  readonly bytes: number
  /** Rooms at once. */
  readonly rooms: number
  /** Entries kept in a room that are no message and about none that is kept; `ACTS` where it is left out. */
  readonly acts?: number
}

/** Entries kept in a room that are no message and about none that is kept. */
export const ACTS = 2000

/** Members kept of those who are not here, and people who are banned. */
export const AWAY = 2000
export const BANS = 1000

/** Keys remembered for each member, at the least. */
export const KEYS = 64
/** And how long any more of them are, up to so many. */
export const KEY_MS = 24 * 60 * 60 * 1000
export const MOST_KEYS = 4096
