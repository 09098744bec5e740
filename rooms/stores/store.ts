import type { Cursor } from '../cursor.ts'
import type { Entry, Member, Message, Page, Room } from '../types.ts'

/**
 * Where rooms, members and logs are kept: the seam. `memory` is one store; a file and Redis can be others.
 * What every store promises, and `tests/store.ts` holds each of them to:
 *
 * - **One act.** `append` numbers, keeps and publishes as one: an entry that was answered is in the log, and no
 *   follower sees an entry before those with lower numbers, twice, or not at all while it follows.
 * - **Dense.** The first entry of a room is 1 and each next one is one more, whoever appends at the same time.
 * - **Once.** A key that its member has used before answers the first entry again and stores nothing. A store
 *   remembers at least the last `KEYS` of each member, and unless memory is scarce those of the last `KEY_MS`, up to
 *   `MOST_KEYS`; however much others have said since.
 * - **No silent hole.** `read` answers everything after a cursor that is still kept and whose tag is this history's;
 *   otherwise everything that is kept, behind a gap that says how many are gone where that can be known. Before a
 *   cursor it answers nothing that is newer, and where nothing older is kept it says the same of what is gone.
 * - **Bounded.** At most `HISTORY` entries and 1 MiB of text a room; what falls off leaves nothing behind.
 * - **Members.** Whoever is marked as here is never forgotten. Of the others a room keeps at least the `AWAY` that
 *   were here or asked for last, unless memory is scarce.
 * - **Names.** Of two people who ask for names that look alike, at the same moment even, one gets it.
 */
export interface Store {
  /** Whether rooms and members outlive this process. */
  readonly isDurable: boolean
  /** Opens a room; false where the code is taken. */
  create(room: Room): Promise<boolean>
  /** The room of this code. */
  find(code: string): Promise<Room | undefined>
  /** How many rooms there are. */
  count(): Promise<number>
  /** Forgets a room and all that was in it. */
  remove(code: string): Promise<void>
  /** Rooms in which nothing was said for so long, nor were they made meanwhile, whatever the clock on the wall says. */
  quietFor(milliseconds: number): Promise<string[]>
  /** The room that has been unused for the longest: in which nothing was ever said and nobody is. */
  unused(): Promise<string | undefined>
  /** Lets a member in, who is here from now on; one who is in already stays. */
  admit(code: string, member: Member): Promise<Admission>
  /** The member of this id, if they were let in and have not left. */
  member(code: string, id: string): Promise<Member | undefined>
  /** Says whether a member is here. */
  mark(code: string, id: string, isHere: boolean): Promise<void>
  /** Whether a name could be had now; `admit` has the last word. */
  isTaken(code: string, name: string): Promise<boolean>
  /** Forgets a member: their name is free, their id is worth nothing. False where there was none. */
  dismiss(code: string, id: string): Promise<boolean>
  /** Numbers, keeps and publishes a message. */
  append(code: string, draft: Draft): Promise<Appended>
  /** A stretch of the log; the newest one where the query names no cursor. */
  read(code: string, query: Query): Promise<Page>
  /** Calls the follower with each entry from now on, in order; the answer ends that. */
  follow(code: string, follower: (entry: Entry) => void): () => void
  /** Lets go of everything held; nothing that was answered is lost if the store is durable. */
  close(): Promise<void>
}

export interface Draft {
  readonly member: Member
  readonly key: string
  readonly text: string
  /** When it was said; a store never lets time run backwards in a room. */
  readonly at: number
}

export type Admission = 'admitted' | 'name-taken' | 'no-room'

/** The message as stored, and whether its key had been used before; undefined where room or member are gone. */
export type Appended = { readonly message: Message; readonly repeated: boolean } | undefined

/** At most one of `before` and `after`. */
export interface Query {
  readonly before?: Cursor
  readonly after?: Cursor
  readonly limit: number
}

export interface Bounds {
  /** Entries kept in a room. */
  readonly history: number
  /** Bytes of text kept in a room. */
  readonly bytes: number
}

/** Members kept of those who are not here. */
export const AWAY = 2000

/** Keys remembered for each member, at the least. */
export const KEYS = 64
/** And how long any more of them are, up to so many. */
export const KEY_MS = 24 * 60 * 60 * 1000
export const MOST_KEYS = 4096
