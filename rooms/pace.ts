import { Buckets, type Rate, UNLIMITED } from './bucket.ts'
import type { Clock } from './clock.ts'
import { type Refusal, refuse } from './types.ts'

const POSTING = { burst: 5, perSecond: 2 }
const HOSTING = { burst: 30, perSecond: 5 }
// Of all members of a room together: a crowd must not wipe out in seconds what the others said.
const ROOM_POSTS = { burst: 200, perSecond: 40 }
const ROOM_JOINS = { burst: 300, perSecond: 10 }

/** How fast members and rooms may be. Each method takes one turn, or says why there is none. */
export class Pace {
  #posting: Buckets
  #hosting: Buckets
  #roomPosts: Buckets
  #roomJoins: Buckets

  /** @param isLimited `false` only for load tests */
  constructor(clock: Clock, isLimited: boolean) {
    const buckets = (rate: Rate) => new Buckets(isLimited ? rate : UNLIMITED, clock.elapsed)
    this.#posting = buckets(POSTING)
    this.#hosting = buckets(HOSTING)
    this.#roomPosts = buckets(ROOM_POSTS)
    this.#roomJoins = buckets(ROOM_JOINS)
  }

  /** For a member to say something in a room. */
  post(code: string, id: string): Refusal | undefined {
    const wait = this.#posting.take(id)
    if (wait > 0) return later('too-fast', wait)
    const roomWait = this.#roomPosts.take(code)
    if (roomWait === 0) return undefined
    this.#posting.giveBack(id)
    return later('room-busy', roomWait)
  }

  /** Gives a room back the turn of what was not said; who tried has had theirs. */
  unsaid(code: string): void {
    this.#roomPosts.giveBack(code)
  }

  /** For a host to do something. */
  host(id: string): Refusal | undefined {
    const wait = this.#hosting.take(id)
    return wait > 0 ? later('too-fast', wait) : undefined
  }

  /** For somebody to join a room. */
  join(code: string): Refusal | undefined {
    const wait = this.#roomJoins.take(code)
    return wait > 0 ? later('room-busy', wait) : undefined
  }

  /** Gives back the turn of somebody who did not come in. */
  stayOut(code: string): void {
    this.#roomJoins.giveBack(code)
  }
}

function later(refusal: 'too-fast' | 'room-busy', seconds: number): Refusal {
  return refuse(refusal, { retryAfter: Math.ceil(seconds) })
}
