import { MemoryLog } from './log.ts'
import { looks } from './name.ts'
import { type Admission, type Appended, type Bounds, type Draft, KEYS, type Query, type Store } from './store.ts'
import type { Entry, Member, Message, Page, Room } from './types.ts'

// Someone who fills a room with names that never come back must not fill the memory too.
const MEMBERS = 20_000

/** Enough to say which message a key was used for. The text is not kept: the log is the only place for texts. */
type Receipt = Pick<Message, 'seq' | 'tag' | 'at'>

interface Shelf {
  readonly room: Room
  readonly log: MemoryLog
  readonly members: Map<string, Member>
  /** The member behind each look that is taken. */
  readonly looks: Map<string, string>
  /** What each member has said last, by key. */
  readonly receipts: Map<string, Map<string, Receipt>>
  readonly followers: Set<(entry: Entry) => void>
}

/** A store that keeps everything in this process and nothing after it. */
export class MemoryStore implements Store {
  readonly isDurable = false
  #bounds: Bounds
  #shelves = new Map<string, Shelf>()

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  async create(room: Room): Promise<boolean> {
    if (this.#shelves.has(room.code)) return false
    this.#shelves.set(room.code, {
      room,
      log: new MemoryLog(this.#bounds),
      members: new Map(),
      looks: new Map(),
      receipts: new Map(),
      followers: new Set(),
    })
    return true
  }

  async find(code: string): Promise<Room | undefined> {
    return this.#shelves.get(code)?.room
  }

  async count(): Promise<number> {
    return this.#shelves.size
  }

  async remove(code: string): Promise<void> {
    this.#shelves.delete(code)
  }

  async quietSince(time: number): Promise<string[]> {
    const quiet = [...this.#shelves.values()].filter(({ room, log }) => (log.newest?.at ?? room.created) < time)
    return quiet.map(({ room }) => room.code)
  }

  async admit(code: string, member: Member): Promise<Admission> {
    const shelf = this.#shelves.get(code)
    if (!shelf) return 'no-room'
    const ownLooks = looks(member.name)
    if (ownLooks.some((look) => (shelf.looks.get(look) ?? member.id) !== member.id)) return 'name-taken'
    if (shelf.members.size >= MEMBERS) forget(shelf, shelf.members.keys().next().value as string)
    shelf.members.set(member.id, member)
    for (const look of ownLooks) shelf.looks.set(look, member.id)
    return 'admitted'
  }

  async member(code: string, id: string): Promise<Member | undefined> {
    return this.#shelves.get(code)?.members.get(id)
  }

  async isTaken(code: string, name: string): Promise<boolean> {
    const shelf = this.#shelves.get(code)
    return shelf !== undefined && looks(name).some((look) => shelf.looks.has(look))
  }

  async dismiss(code: string, id: string): Promise<boolean> {
    const shelf = this.#shelves.get(code)
    return shelf !== undefined && forget(shelf, id)
  }

  async append(code: string, draft: Draft): Promise<Appended> {
    const shelf = this.#shelves.get(code)
    if (!shelf?.members.has(draft.member.id)) return undefined
    const receipt = shelf.receipts.get(draft.member.id)?.get(draft.key)
    if (receipt) return { message: shelf.log.find(receipt) ?? rebuild(receipt, draft), repeated: true }
    const message = shelf.log.append(draft)
    keepReceipt(shelf, message)
    for (const follower of shelf.followers) follower(message)
    return { message, repeated: false }
  }

  async read(code: string, query: Query): Promise<Page> {
    const shelf = this.#shelves.get(code)
    return shelf ? shelf.log.read(query) : { entries: [], more: false, gap: { kind: 'gap' }, cursor: '' }
  }

  follow(code: string, follower: (entry: Entry) => void): () => void {
    const followers = this.#shelves.get(code)?.followers
    followers?.add(follower)
    return () => followers?.delete(follower)
  }

  async close(): Promise<void> {
    this.#shelves.clear()
  }
}

function forget(shelf: Shelf, id: string): boolean {
  const member = shelf.members.get(id)
  if (!member) return false
  shelf.members.delete(id)
  shelf.receipts.delete(id)
  for (const look of looks(member.name)) shelf.looks.delete(look)
  return true
}

/** A message that fell off the log, from what the sender repeats of it. */
function rebuild({ seq, tag, at }: Receipt, { key, member, text }: Draft): Message {
  return { kind: 'message', seq, tag, key, member: member.id, name: member.name, text, at }
}

function keepReceipt(shelf: Shelf, { seq, tag, at, key, member }: Message): void {
  let receipts = shelf.receipts.get(member)
  if (!receipts) {
    receipts = new Map()
    shelf.receipts.set(member, receipts)
  }
  receipts.set(key, { seq, tag, at })
  if (receipts.size > KEYS) receipts.delete(receipts.keys().next().value as string)
}
