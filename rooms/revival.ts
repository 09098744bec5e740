import type { Clock } from './clock.ts'
import { isGone } from './entries.ts'
import { FIXED_GENERATION } from './make.ts'
import { looks } from './name.ts'
import type { Store } from './stores/store.ts'
import { type Member, type MemberChanged, type Room, UNCHANGED } from './types.ts'

// Memory stays bounded: once so many members and rooms are remembered, nobody else comes back. In practice far fewer do.
const REMEMBERED = 100_000

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

/** What a session proves: who was let into which room, and when. */
export interface Claim {
  /** The code of the room. */
  readonly room: string
  readonly title: string
  /** Which of all rooms that had this code; empty in sessions from before they named it, and then it may be any. */
  readonly generation: string
  /** As they were when the session was made. */
  readonly member: Member
  readonly issued: Issued
}

/** The member a session speaks of, and their room. */
export interface Recognised {
  readonly room: Room
  readonly member: Member
  /** A restart had forgotten them. */
  readonly hasReturned: boolean
}

export interface RevivalOptions {
  readonly store: Pick<Store, 'isDurable' | 'find' | 'member' | 'create' | 'admit' | 'remove'>
  readonly clock: Clock
  /** Milliseconds that a room is kept untouched: whatever was before the start is over after as many. */
  readonly ttl: number
  /** Members and rooms that are remembered. */
  readonly limit?: number
  /** Whether a room holds as many people as it may. */
  readonly isCrowded: (code: string) => boolean
  /** Takes a member out of a room, as when they leave: `left` is told before the store is. */
  readonly leave: (code: string, id: string) => Promise<void>
  /** Called when a room has given way to one that was brought back. `ended` is to be told. */
  readonly gaveWay: (room: Room) => void
}

/** Somebody who came back, or was about to. */
interface Returner {
  /** As they are now. */
  member: Member
  readonly issued: Issued
  /** The question to the store that lets them in. */
  readonly asking: Promise<unknown>
  hasLeft: boolean
  /** The store has answered that they are no member any more. */
  isOut: boolean
}

/** A room that was brought back, or was about to be. */
interface Reopened {
  readonly generation: string
  /** The store has answered that there is this room. */
  wasThere: boolean
  hasEnded: boolean
  /** Who had each look last, of those who came back. */
  readonly holders: Map<string, Returner>
}

/**
 * Who comes back, to a process whose store forgets, with a session from before it started. What had been left or had
 * ended before the start cannot be known; what is after it is remembered for as long as somebody can come back. Names
 * are unique, so of two sessions with the same one the earlier member had left before the later came. Somebody is
 * remembered before the store is asked to let them in, because it may do so and fail to say it.
 */
export class Revival {
  #options: RevivalOptions
  #until: number
  #rooms = new Map<string, Reopened>()
  #returners = new Map<string, Returner>()
  /** Those whose return is under way: a page asks for several things at once, and they come back once. */
  #returning = new Map<string, Promise<Recognised | undefined>>()

  constructor(options: RevivalOptions) {
    this.#options = options
    this.#until = options.clock.elapsed() + options.ttl
  }

  /** How many members and rooms are remembered. */
  get size(): number {
    return this.#rooms.size + this.#returners.size
  }

  /**
   * The member a session speaks of, if they are still one, or come back. Rejects where the store does, and then they
   * may have come back all the same: the next time tells.
   */
  async recognise(claim: Claim): Promise<Recognised | undefined> {
    const { store, leave } = this.#options
    const [room, member] = await Promise.all([store.find(claim.room), store.member(claim.room, claim.member.id)])
    const reopened = this.#rooms.get(claim.room)
    if (reopened && room) reopened.wasThere = true
    if (this.#isOver(claim)) {
      // The store may have failed to take them out, or have let them in after that.
      if (member) await leave(claim.room, member.id)
      return undefined
    }
    if (!room || !member) return this.#mayReturn(claim) ? this.#returnOnce(claim) : undefined
    return isSame(claim.generation, room.generation) ? { room, member, hasReturned: false } : undefined
  }

  /** A member left: where a session brought them back it does not do so again. */
  left(id: string): void {
    const returner = this.#returners.get(id)
    if (returner) returner.hasLeft = true
  }

  /** A host changed a member: as such they come back, should the store forget them, or not at all if they were removed. */
  changed(entry: MemberChanged): void {
    const { member } = entry
    const returner = this.#returners.get(member.id)
    if (isGone(entry)) this.left(member.id)
    else if (returner) returner.member = member
  }

  /** A site vouches for a member anew: whatever became of them before, they are one. */
  vouched(member: Member): void {
    const returner = this.#returners.get(member.id)
    if (returner) Object.assign(returner, { member, hasLeft: false })
  }

  /** A room ended: where a session brought it back none does so again. */
  ended(code: string): void {
    const room = this.#rooms.get(code)
    if (room) end(room)
  }

  /** Forgets all once nobody can come back any more. */
  expire(): void {
    if (this.#isInTime) return
    this.#rooms.clear()
    this.#returners.clear()
  }

  get #isInTime(): boolean {
    return this.#options.clock.elapsed() < this.#until
  }

  /** Whether the member left or the room ended since the start. Another room of its code may have been made after that. */
  #isOver({ room, member, issued }: Claim): boolean {
    if (this.#returners.get(member.id)?.hasLeft) return true
    return issued.isEarlier && this.#rooms.get(room)?.hasEnded === true
  }

  /** Whether a session may bring its member back: neither is over, and nobody had their name after them. */
  #mayReturn(claim: Claim): boolean {
    const { store, limit = REMEMBERED, isCrowded } = this.#options
    if (store.isDurable || !claim.issued.isEarlier || !this.#isInTime) return false
    // Whoever had only knocked was never let in, and can knock again.
    if (claim.member.isWaiting || this.size + 2 > limit) return false
    if (this.#isOver(claim) || !isSame(this.#generation(claim), claim.generation)) return false
    if (isCrowded(claim.room)) return false
    return this.#rivals(claim).every((rival) => !isLater(rival.issued, claim.issued))
  }

  async #returnOnce(claim: Claim): Promise<Recognised | undefined> {
    const { id } = claim.member
    const underWay = this.#returning.get(id)
    if (underWay) return underWay
    const returning = this.#return(claim)
    this.#returning.set(id, returning)
    try {
      return await returning
    } finally {
      this.#returning.delete(id)
    }
  }

  async #return(claim: Claim): Promise<Recognised | undefined> {
    const before = this.#rooms.get(claim.room)
    const wasThere = before?.wasThere === true
    const room = await this.#options.store.find(claim.room)
    // What was there and is not any more has ended, though nobody may have been told.
    if (before && wasThere && !room) end(before)
    if (room && !this.#isOf(claim, room)) return undefined
    // A room that always exists is there, or is none of those that do any more.
    if (!room && claim.generation === FIXED_GENERATION) return undefined
    for (let rival = this.#earlier(claim); rival && this.#mayReturn(claim); rival = this.#earlier(claim)) {
      await this.#takeOut(claim.room, rival)
    }
    // From here to the question to the store nothing may come between, so that of two rivals one sees the other.
    if (!this.#mayReturn(claim)) return undefined
    return room ? this.#admit(claim, room) : this.#reopen(claim)
  }

  async #admit(claim: Claim, room: Room): Promise<Recognised | undefined> {
    const member = this.#returners.get(claim.member.id)?.member ?? claim.member
    const asking = this.#options.store.admit(room.code, member)
    this.#remember(claim, member, asking).wasThere = true
    return (await asking) === 'admitted' ? this.#confirm(claim, room, member) : undefined
  }

  async #reopen(claim: Claim): Promise<Recognised | undefined> {
    const { store, clock, gaveWay } = this.#options
    const { room: code, title, member } = claim
    const room = { ...UNCHANGED, code, title, generation: this.#generation(claim), created: clock.now() }
    const asking = store.create(room, member)
    const reopened = this.#remember(claim, member, asking)
    const creation = await asking
    if (creation.outcome === 'full') return undefined
    reopened.wasThere = true
    // Somebody else brought it back meanwhile.
    if (creation.outcome !== 'created') return this.#return(claim)
    if (creation.gaveWay) gaveWay(creation.gaveWay)
    if (reopened.hasEnded) await store.remove(code)
    return this.#confirm(claim, room, member)
  }

  /** They may have left, or the room have ended, before the store let them in. */
  async #confirm(claim: Claim, room: Room, member: Member): Promise<Recognised | undefined> {
    if (!this.#isOver(claim)) return { room, member, hasReturned: true }
    await this.#options.leave(room.code, member.id)
    return undefined
  }

  async #takeOut(code: string, rival: Returner): Promise<void> {
    // What the store is asked first it may do last, and then it would have both.
    await rival.asking.catch(() => {})
    await this.#options.leave(code, rival.member.id)
    rival.isOut = true
  }

  #remember(claim: Claim, member: Member, asking: Promise<unknown>): Reopened {
    const { room: code, issued } = claim
    const generation = this.#generation(claim)
    const room = this.#rooms.get(code) ?? { generation, wasThere: false, hasEnded: false, holders: new Map() }
    this.#rooms.set(code, room)
    const returner = { member, issued, asking, hasLeft: false, isOut: false }
    this.#returners.set(member.id, returner)
    for (const look of looks(member.name)) room.holders.set(look, returner)
    return room
  }

  #generation({ room, generation }: Claim): string {
    return this.#rooms.get(room)?.generation ?? generation
  }

  /** Whether a session speaks of this room. One that does not say so speaks of none that was made since the start. */
  #isOf({ generation }: Claim, room: Room): boolean {
    return generation === room.generation || (this.#rooms.has(room.code) && isSame(generation, room.generation))
  }

  /** Somebody who had the same name before this member, and is not known to be out. */
  #earlier(claim: Claim): Returner | undefined {
    return this.#rivals(claim).find(({ isOut }) => !isOut)
  }

  #rivals({ room, member: { id, name } }: Claim): Returner[] {
    const holders = this.#rooms.get(room)?.holders
    if (!holders || holders.size === 0) return []
    return looks(name)
      .flatMap((look) => holders.get(look) ?? [])
      .filter((holder) => holder.member.id !== id)
  }
}

function end(room: Reopened): void {
  room.hasEnded = true
  room.holders.clear()
}

/** Whether two generations can be those of one room. */
function isSame(one: string, other: string): boolean {
  return one === other || one === '' || other === ''
}

/** Whether one session was made after another, as far as can be known where the clock on the wall was set. */
function isLater(one: Issued, other: Issued): boolean {
  return one.start === other.start ? one.elapsed > other.elapsed : one.at > other.at
}
