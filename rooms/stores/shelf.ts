import { MemoryLog } from './log.ts'
import { looks } from '../name.ts'
import { hashOf, Receipts } from './receipts.ts'
import { AWAY, type Admission, type Appended, type Bounds, type Draft } from './store.ts'
import type { Entry, Member, Message, Room } from '../types.ts'

// About what these take in memory, with all that is made of them elsewhere.
const ROOM_BYTES = 6000
const MEMBER_BYTES = 1000

interface Membership {
  readonly member: Member
  readonly looks: readonly string[]
  /** What they have said last. */
  receipts?: Receipts
}

/** One room in memory: its members, its log and who follows it. */
export class Shelf {
  readonly room: Room
  readonly log: MemoryLog
  readonly followers = new Set<(entry: Entry) => void>()
  #members = new Map<string, Membership>()
  /** The member behind each look that is taken. */
  #looks = new Map<string, string>()
  /** Members who are not here, the longest away first. */
  #away = new Set<string>()
  #receiptBytes = 0
  #used: number

  /** @param now milliseconds that never run backwards */
  constructor(room: Room, bounds: Bounds, now: number) {
    this.room = room
    this.#used = now
    this.log = new MemoryLog(bounds)
  }

  /** Bytes of memory that the room takes, about. */
  get bytes(): number {
    return ROOM_BYTES + this.#members.size * MEMBER_BYTES + this.#receiptBytes + this.log.heapBytes
  }

  /** When something was said here last, or it was made. */
  get used(): number {
    return this.#used
  }

  /** Whether nothing was ever said here and nobody is here. */
  get isUnused(): boolean {
    return this.log.newest === undefined && this.#members.size === this.#away.size
  }

  admit(member: Member): Admission {
    const own = looks(member.name)
    if (own.some((look) => (this.#looks.get(look) ?? member.id) !== member.id)) return 'name-taken'
    this.#away.delete(member.id)
    if (this.#members.has(member.id)) return 'admitted'
    this.#members.set(member.id, { member, looks: own })
    for (const look of own) this.#looks.set(look, member.id)
    return 'admitted'
  }

  /** The member of this id. Whoever is asked for was not away for long. */
  member(id: string): Member | undefined {
    if (this.#away.delete(id)) this.#away.add(id)
    return this.#members.get(id)?.member
  }

  isTaken(name: string): boolean {
    return looks(name).some((look) => this.#looks.has(look))
  }

  mark(id: string, isHere: boolean): void {
    this.#away.delete(id)
    if (isHere || !this.#members.has(id)) return
    this.#away.add(id)
    if (this.#away.size > AWAY) this.#forgetOne()
  }

  dismiss(id: string): boolean {
    const membership = this.#members.get(id)
    if (!membership) return false
    this.#members.delete(id)
    this.#away.delete(id)
    this.#receiptBytes -= membership.receipts?.bytes ?? 0
    for (const look of membership.looks) this.#looks.delete(look)
    return true
  }

  append(draft: Draft, now: number): Appended {
    const membership = this.#members.get(draft.member.id)
    if (!membership) return undefined
    const receipts = (membership.receipts ??= new Receipts())
    // A hash is a tenth of what a post costs, so it is made once.
    const hash = hashOf(draft.key)
    const receipt = receipts.find(hash)
    if (receipt) return { message: this.log.find(receipt) ?? { ...rebuild(draft), ...receipt }, repeated: true }
    const message = this.log.append(draft)
    this.#used = now
    this.#receiptBytes -= receipts.bytes
    receipts.keep(hash, message, now)
    this.#receiptBytes += receipts.bytes
    return { message, repeated: false }
  }

  /** Gives up what is oldest until the room takes no more than this: keys, messages, and then members who are away. */
  shrink(bytes: number): void {
    for (const { receipts } of this.#members.values()) {
      if (this.bytes <= bytes) return
      if (receipts) this.#shrinkReceipts(receipts)
    }
    while (this.bytes > bytes && this.log.size > 1) this.log.trim()
    while (this.bytes > bytes && this.#away.size > 0) this.#forgetOne()
  }

  #shrinkReceipts(receipts: Receipts): void {
    this.#receiptBytes -= receipts.bytes
    receipts.shrink()
    this.#receiptBytes += receipts.bytes
  }

  #forgetOne(): void {
    this.dismiss(this.#away.values().next().value as string)
  }
}

/** What the sender repeats of a message that fell off the log. */
function rebuild({ key, member, text }: Draft): Omit<Message, 'seq' | 'tag' | 'at'> {
  return { kind: 'message', key, member: member.id, name: member.name, text }
}
