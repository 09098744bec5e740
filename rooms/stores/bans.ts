import { looks } from '../name.ts'
import type { Member } from '../types.ts'
import { BANS } from './store.ts'

// About what one takes in memory.
const BAN_BYTES = 1000

interface Ban {
  readonly member: Member
  readonly looks: readonly string[]
  /** When it ends, in milliseconds that never run backwards. */
  readonly end: number
}

/** Who may not come back into a room, nor under a name that looks like theirs. */
export class Bans {
  /** The oldest first. */
  #bans = new Map<string, Ban>()
  /** The banned person behind each look. */
  #looks = new Map<string, string>()

  /** Bytes of memory that they take, about. */
  get bytes(): number {
    return this.#bans.size * BAN_BYTES
  }

  /** The person of this id, if they are banned. */
  find(id: string, now: number): Member | undefined {
    const ban = this.#bans.get(id)
    if (ban && ban.end > now) return ban.member
    this.lift(id)
    return undefined
  }

  /** Whether nobody may come in who looks like this. */
  holds(look: string, now: number): boolean {
    const id = this.#looks.get(look)
    return id !== undefined && this.find(id, now) !== undefined
  }

  /** Bans a member, and forgets the oldest ban where there are too many. */
  add(member: Member, end: number): void {
    const ban = { member, looks: looks(member.name), end }
    this.#bans.set(member.id, ban)
    for (const look of ban.looks) this.#looks.set(look, member.id)
    if (this.#bans.size > BANS) this.lift(this.#bans.keys().next().value as string)
  }

  /** Takes a ban back. */
  lift(id: string): void {
    const ban = this.#bans.get(id)
    if (!ban) return
    this.#bans.delete(id)
    for (const look of ban.looks) if (this.#looks.get(look) === id) this.#looks.delete(look)
  }
}
