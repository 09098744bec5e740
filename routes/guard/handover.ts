import { randomBytes } from 'node:crypto'
import type { Clock } from '../../rooms/clock.ts'
import type { Claim } from '../../rooms/revival.ts'
import type { Member, Room } from '../../rooms/types.ts'
import { HANDOVER, type Sessions } from './session.ts'

// As long as a frame may stand open before somebody wants a window.
const HANDOVER_MS = 12 * 60 * 60 * 1000
// Until a browser has followed a redirect.
const EXPECTED_MS = 60_000
const REDEEMED = 10_000
const EXPECTED = 1000

/** Somebody who has just joined in a frame. */
interface Expected {
  readonly room: Room
  readonly member: Member
  readonly since: number
}

/**
 * Hands a member from a frame over to a window, which keeps other cookies. What does so is good once, and for twelve
 * hours; it goes in the body of a form. It is kept nowhere: to be good once, each that was made before the newest one
 * that a member used is void.
 */
export class Handovers {
  #sessions: Sessions
  #clock: Clock
  /** When that was made which a member used last. */
  #redeemed = new Map<string, number>()
  /** Before this nothing is good any more, because it is forgotten who has used it. */
  #floor = -1
  #expected = new Map<string, Expected>()

  constructor(sessions: Sessions, clock: Clock) {
    this.#sessions = sessions
    this.#clock = clock
  }

  /** Makes what lets a member of this room into a window. */
  make(room: Room, member: Member): string {
    return this.#sessions.seal(room, member, HANDOVER)
  }

  /** Who would come from a frame; undefined where that is over, or was never good for this room. */
  read(code: string, token: string): Claim | undefined {
    const claim = this.#sessions.open(token, HANDOVER)
    if (claim?.room !== code || claim.issued.isEarlier) return undefined
    const made = claim.issued.elapsed
    const last = Math.max(this.#floor, this.#redeemed.get(claim.member.id) ?? -1)
    return made <= last || this.#clock.elapsed() - made > HANDOVER_MS ? undefined : claim
  }

  /** The same, and uses it up. */
  redeem(code: string, token: string): Claim | undefined {
    const claim = this.read(code, token)
    if (!claim) return undefined
    this.#redeemed.delete(claim.member.id)
    this.#redeemed.set(claim.member.id, claim.issued.elapsed)
    if (this.#redeemed.size > REDEEMED) this.#forget()
    return claim
  }

  /** Names somebody who has just joined in a frame, until the browser comes back with their cookie, or without. */
  expect(room: Room, member: Member): string {
    const id = randomBytes(12).toString('base64url')
    this.#expected.set(id, { room, member, since: this.#clock.elapsed() })
    if (this.#expected.size > EXPECTED) this.#expected.delete(this.#expected.keys().next().value as string)
    return id
  }

  /** Somebody has come back, once: what lets them into a window; undefined where nobody was expected. */
  arrive(code: string, id: string): string | undefined {
    const expected = this.#expected.get(id)
    if (expected?.room.code !== code) return undefined
    this.#expected.delete(id)
    if (this.#clock.elapsed() - expected.since > EXPECTED_MS) return undefined
    return this.make(expected.room, expected.member)
  }

  #forget(): void {
    const [[member, made]] = this.#redeemed
    this.#redeemed.delete(member)
    this.#floor = Math.max(this.#floor, made)
  }
}
