import { createHash, createHmac } from 'node:crypto'
import { verify } from 'hono/jwt'
import type { Clock } from '../../rooms/clock.ts'
import { refuse, type Vouched } from '../../rooms/types.ts'
import type { SiteRefusal, SiteResult } from './refusals.ts'
import type { Reporter } from './report.ts'
import { seldom } from './seldom.ts'

/** Somebody whom the site around the chat knows. */
export interface Visitor {
  /** The site's own name for them, which stays the same: up to 255 characters. Nobody sees it. */
  readonly id: string
  /** What the others call them; it wins over a guest's. */
  readonly name: string
  /** `host` lets them moderate, and passes every door. Left out: a member, or what a host of the room made them. */
  readonly role?: 'member' | 'host'
}

/** A token that was right, by what was signed of it: a signature can be written in several ways. */
export type Proof = string

// A link is looked at up to this length, and no further.
const TOKEN_CHARACTERS = 4096
const ID_CHARACTERS = 255
// A token is good for as long; the clock of the site that made it may be that much before or behind.
const AHEAD_SECONDS = 10 * 60
const LEEWAY_SECONDS = 30
const KEPT_MS = (AHEAD_SECONDS + 2 * LEEWAY_SECONDS) * 1000
// Tokens that are remembered: more than anybody should come with in eleven minutes.
const USED = 100_000
const PROOF_BYTES = 16
const MEMBER_BYTES = 8

export interface TokensOptions {
  /** Any of them may have signed. */
  readonly secrets: readonly string[]
  readonly clock: Clock
  readonly report: Reporter
  /** Tokens that are remembered. */
  readonly limit?: number
}

/** The tokens by which another site vouches for its visitors: JWTs (RFC 7519), HS256 only, each good once. */
export class VisitorTokens {
  #secrets: readonly string[]
  #clock: Clock
  #limit: number
  #tell: ReturnType<typeof seldom>
  /** Those that were used, and until when they are remembered, soonest first. */
  #used = new Map<Proof, number>()

  constructor({ secrets, clock, report, limit = USED }: TokensOptions) {
    this.#secrets = secrets
    this.#clock = clock
    this.#limit = limit
    this.#tell = seldom(clock, report)
  }

  /**
   * Whom a token vouches for in a room. Refuses one that is forged, has claims missing, is for another room, too old or
   * too long before its time; times are allowed to be half a minute off.
   */
  async read(token: string, code: string): Promise<SiteResult<{ visitor: Visitor; proof: Proof }>> {
    const claims = await this.#verify(token)
    if (!claims) return this.#refuse('it is not signed by HS256 with a secret of VISITOR_SECRET, or is too long')
    const visitor = readVisitor({ ...claims, id: claims.sub })
    if (!visitor || typeof claims.room !== 'string')
      return this.#refuse('name, sub and room are to be texts, and role, if there is one, member or host')
    const now = this.#clock.now() / 1000
    const { exp, nbf = now, iat = now } = claims
    if (![exp, nbf, iat].every(Number.isFinite)) return this.#refuse('exp is to be a number of seconds')
    if ((exp as number) <= now - LEEWAY_SECONDS) return refuse('visitor-expired')
    const latest = Math.max((exp as number) - AHEAD_SECONDS, nbf as number, iat as number)
    if (latest > now + LEEWAY_SECONDS) return this.#refuse('exp is more than ten minutes ahead, or clocks differ')
    return claims.room === code ? { ok: true, visitor, proof: proofOf(token) } : refuse('visitor-elsewhere')
  }

  /** Uses a token up. Refuses one that was used before, and all where too many would have to be remembered. */
  use(proof: Proof): SiteResult<object> {
    this.#forget()
    if (this.#used.has(proof)) return refuse('visitor-used')
    if (this.#used.size >= this.#limit) return refuse('visitors-busy', { retryAfter: 60 })
    this.#used.set(proof, this.#clock.elapsed() + KEPT_MS)
    return { ok: true }
  }

  /** A token that brought nobody in can be used again. */
  giveBack(proof: Proof): void {
    this.#used.delete(proof)
  }

  #refuse(why: string): SiteRefusal {
    this.#tell(why, () => ({ event: 'visitor-unproven', why }))
    return refuse('visitor-unproven')
  }

  #forget(): void {
    const now = this.#clock.elapsed()
    for (const [proof, until] of this.#used) {
      if (until > now) return
      this.#used.delete(proof)
    }
  }

  /** What a token claims that one of the secrets signed. Times are looked at elsewhere, by a clock that can be set. */
  async #verify(token: string): Promise<Record<string, unknown> | undefined> {
    if (token.length > TOKEN_CHARACTERS) return undefined
    for (const secret of this.#secrets) {
      try {
        const claims: unknown = await verify(token, secret, { alg: 'HS256', exp: false, nbf: false, iat: false })
        return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : undefined
      } catch {
        // Whatever is wrong with a token, it proves nothing; another secret may have signed it.
      }
    }
    return undefined
  }
}

/** Reads whom somebody else's program speaks of; undefined where that is no visitor. */
export function readVisitor(given: unknown): Visitor | undefined {
  if (typeof given !== 'object' || given === null) return undefined
  const { id, name, role } = given as Record<string, unknown>
  if (typeof id !== 'string' || id === '' || id.length > ID_CHARACTERS || typeof name !== 'string') return undefined
  return role === undefined || role === 'member' || role === 'host' ? { id, name, role } : undefined
}

/**
 * A visitor as a room may know them: by an id that is the same whenever they come to it, tells nobody what the site calls
 * them, and is another in each room.
 */
export function vouchedOf(secret: string, code: string, { id, name, role }: Visitor): Vouched {
  const hash = createHmac('sha256', secret)
    .update(JSON.stringify(['visitor', code, id]))
    .digest()
  return { id: hash.subarray(0, MEMBER_BYTES).toString('hex'), name, role }
}

function proofOf(token: string): Proof {
  const hash = createHash('sha256')
    .update(token.slice(0, token.lastIndexOf('.')))
    .digest()
  return hash.subarray(0, PROOF_BYTES).toString('base64url')
}
