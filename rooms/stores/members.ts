import type { Member } from '../types.ts'
import { Receipts } from './receipts.ts'
import { AWAY } from './store.ts'

// About what one takes in memory, with all that is made of them elsewhere.
const MEMBER_BYTES = 1000

export interface Membership {
  member: Member
  looks: readonly string[]
  /** What they have said last. */
  receipts?: Receipts
}

/** The members of one room, their names, and who of them is away. */
export class Members {
  #all = new Map<string, Membership>()
  /** The member behind each look that is taken. */
  #looks = new Map<string, string>()
  /** Members who are not here, the longest away first. */
  #away = new Set<string>()
  #receiptBytes = 0

  /** Bytes of memory that they take, about. */
  get bytes(): number {
    return this.#all.size * MEMBER_BYTES + this.#receiptBytes
  }

  /** Whether nobody is here. */
  get areAway(): boolean {
    return this.#all.size === this.#away.size
  }

  /** How many are hosts and not waiting. */
  get hosts(): number {
    let count = 0
    for (const { member } of this.#all.values()) if (member.role === 'host' && !member.isWaiting) count += 1
    return count
  }

  get(id: string): Membership | undefined {
    return this.#all.get(id)
  }

  /** The member of this id. Whoever is asked for was not away for long. */
  ask(id: string): Member | undefined {
    if (this.#away.delete(id)) this.#away.add(id)
    return this.#all.get(id)?.member
  }

  /** Whether another than this one has the look. */
  isTaken(look: string, id?: string): boolean {
    const owner = this.#looks.get(look)
    return owner !== undefined && owner !== id
  }

  /** The members, other than this one, who have any of these looks. */
  holders(own: readonly string[], id: string): Member[] {
    const ids = new Set(own.flatMap((look) => this.#looks.get(look) ?? []))
    return [...ids].filter((one) => one !== id).flatMap((one) => this.#all.get(one)?.member ?? [])
  }

  /** Frees the name of a member, who is to get another. */
  release(id: string): void {
    const membership = this.#all.get(id)
    if (!membership) return
    for (const look of membership.looks) this.#looks.delete(look)
    membership.looks = []
  }

  /** Lets a member in, or has one be as they are now. Their name is free. */
  put(member: Member, own: readonly string[]): void {
    const membership = this.#all.get(member.id)
    if (!membership) return this.admit(member, own)
    this.release(member.id)
    Object.assign(membership, { member, looks: own })
    for (const look of own) this.#looks.set(look, member.id)
  }

  /** Lets a member in, who is here unless they wait; one who is in already stays as they are. */
  admit(member: Member, own: readonly string[]): void {
    this.#away.delete(member.id)
    if (this.#all.has(member.id)) return
    this.#all.set(member.id, { member, looks: own })
    for (const look of own) this.#looks.set(look, member.id)
    // Else a crowd that knocks would be kept for as long as the room.
    if (member.isWaiting) this.mark(member.id, false)
  }

  mark(id: string, isHere: boolean): void {
    this.#away.delete(id)
    if (isHere || !this.#all.has(id)) return
    this.#away.add(id)
    if (this.#away.size > AWAY) this.forgetOne()
  }

  /** False where there was none. */
  dismiss(id: string): boolean {
    const membership = this.#all.get(id)
    if (!membership) return false
    this.#all.delete(id)
    this.#away.delete(id)
    this.#receiptBytes -= membership.receipts?.bytes ?? 0
    for (const look of membership.looks) this.#looks.delete(look)
    return true
  }

  /** Remembers what a member used a key for. */
  remember(membership: Membership, keep: (receipts: Receipts) => void): void {
    const receipts = (membership.receipts ??= new Receipts())
    this.#receiptBytes -= receipts.bytes
    keep(receipts)
    this.#receiptBytes += receipts.bytes
  }

  /** Forgets all but the last few keys of each until that is enough. */
  shrinkKeys(isEnough: () => boolean): void {
    for (const membership of this.#all.values()) {
      if (isEnough()) return
      if (membership.receipts) this.remember(membership, (receipts) => receipts.shrink())
    }
  }

  /** Forgets who has been away for the longest; false where nobody is away. */
  forgetOne(): boolean {
    const [oldest] = this.#away
    return oldest !== undefined && this.dismiss(oldest)
  }
}
