import { Buffer } from 'node:buffer'
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../rooms/clock.ts'
import type { Claim } from '../../rooms/revival.ts'
import type { Member, Role, Room } from '../../rooms/types.ts'

const COOKIE = 'parlour'
const PURPOSE = 'member'
/** What lets a window in as the member of a frame is no session itself. */
export const HANDOVER = 'window'
const LIFETIME_SECONDS = 30 * 24 * 60 * 60
const LIFETIME_MS = LIFETIME_SECONDS * 1000
// Browsers keep no longer cookies than this (RFC 6265, 6.1).
const TOKEN_CHARACTERS = 4096
// A browser sends one for each path in which the room's lies; more are sent to cost time.
const TOKENS = 8
const ROLES: readonly unknown[] = ['member', 'host', 'bot'] satisfies Role[]
// Instead of a role: whoever has only knocked has none yet.
const WAITING = 'waiting'
// Sessions made before they named their start have six parts, and before they named generation and role eight.
const PARTS: readonly number[] = [6, 8, 10, 11]
// An eleventh part, for those for whom another site vouches.
const VOUCHED = 'vouched'

/**
 * Sessions: one signed value for each room somebody is in. What is signed names its purpose, room, member and time,
 * because a signature alone does not tell one cookie from another.
 */
export class Sessions {
  #secrets: string[]
  #clock: Clock
  #start = randomBytes(6).toString('base64url')
  #started: number

  /** @param secrets the first signs, all verify */
  constructor(secrets: string[], clock: Clock) {
    this.#secrets = secrets
    this.#clock = clock
    this.#started = clock.now() - clock.elapsed()
  }

  /** Makes the token of a member: their session, or what it is for instead. */
  seal(room: Room, member: Member, purpose = PURPOSE): string {
    const issued = [this.#clock.now(), this.#start, Math.floor(this.#clock.elapsed())]
    const role = member.isWaiting ? WAITING : member.role
    const parts = [purpose, room.code, member.id, member.name, room.title, ...issued, room.generation, role]
    const claim = JSON.stringify(member.isVouched ? [...parts, VOUCHED] : parts)
    const value = Buffer.from(claim).toString('base64url')
    return `${value}.${sign(value, this.#secrets[0])}`
  }

  /** What a token proves; undefined where it proves nothing, or nothing any more. */
  open(token: string, purpose = PURPOSE): Claim | undefined {
    const claim = this.#claimIn(token, purpose)
    return claim && this.#age(claim) <= LIFETIME_MS && this.#isSigned(token) ? claim : undefined
  }

  /**
   * What a request proves about one room.
   * @param cookies the `Cookie` header; the same name may come more than once, from paths within each other
   */
  find(code: string, authorization: string | undefined, cookies: string | undefined): Claim | undefined {
    for (const claim of this.all(code, authorization, cookies)) return claim
    return undefined
  }

  /** The same, and what else it proves: one of several sessions may be over. */
  *all(code: string, authorization: string | undefined, cookies: string | undefined): Iterable<Claim> {
    const token = bearer(authorization)
    for (const one of token === undefined ? tokensIn(cookies ?? '') : [token]) {
      // A look at what a token claims costs far less than its signature.
      const claim = this.#claimIn(one)?.room === code ? this.open(one) : undefined
      if (claim) yield claim
    }
  }

  /** Milliseconds since a session was made: the clock on the wall is only asked how long before the start that was. */
  #age({ issued: { isEarlier, at, elapsed } }: Claim): number {
    return this.#clock.elapsed() - (isEarlier ? at - this.#started : elapsed)
  }

  /** What a token says of itself, whoever signed it; undefined where that is not what a session says. */
  #claimIn(token: string, wanted = PURPOSE): Claim | undefined {
    if (token.length > TOKEN_CHARACTERS || !/^[\w-]+\.[\w-]+$/.test(token)) return undefined
    const parts = parse(Buffer.from(token.split('.')[0], 'base64url').toString())
    if (!Array.isArray(parts) || !PARTS.includes(parts.length)) return undefined
    const [purpose, room, id, name, title, at, start = '', elapsed = at] = parts as unknown[]
    const [generation = '', role = 'member', vouched] = parts.slice(8) as unknown[]
    if (purpose !== wanted || typeof room !== 'string' || typeof id !== 'string') return undefined
    if (typeof name !== 'string' || typeof title !== 'string' || typeof at !== 'number') return undefined
    if (typeof start !== 'string' || typeof elapsed !== 'number' || typeof generation !== 'string') return undefined
    if (vouched !== undefined && vouched !== VOUCHED) return undefined
    const member = memberOf(id, name, role, vouched !== undefined)
    const issued = { at, start, elapsed, isEarlier: start !== this.#start }
    return member && { room, title, generation, member, issued }
  }

  #isSigned(token: string): boolean {
    const [value, signature] = token.split('.')
    return this.#secrets.some((secret) => isSame(signature, sign(value, secret)))
  }
}

/**
 * A `Set-Cookie` that a browser sends back to one room only (RFC 6265, 4.1).
 * @param scope what it says of sites and of TLS
 */
export function sessionCookie(path: string, token: string, scope: string): string {
  const age = token === '' ? 0 : LIFETIME_SECONDS
  return `${COOKIE}=${token}; Path=${path}; Max-Age=${age}; HttpOnly; ${scope}`
}

/** The token that an `Authorization` brings; undefined where there is none, or another scheme, as a proxy's Basic. */
export function bearer(authorization: string | undefined): string | undefined {
  return /^bearer(?![^ ])(.*)$/i.exec(authorization ?? '')?.[1].trim()
}

function tokensIn(cookies: string): string[] {
  return cookies
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie.startsWith(`${COOKIE}=`))
    .slice(0, TOKENS)
    .map((cookie) => cookie.slice(COOKIE.length + 1))
}

function memberOf(id: string, name: string, role: unknown, isVouched: boolean): Member | undefined {
  const vouched = isVouched && { isVouched }
  if (role === WAITING) return { id, name, role: 'member', isWaiting: true, ...vouched }
  return isRole(role) ? { id, name, role, ...vouched } : undefined
}

function isRole(role: unknown): role is Role {
  return ROLES.includes(role)
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // Another program may sign other things with the same secret.
    return undefined
  }
}

function sign(value: string, secret: string): string {
  return createHmac('sha256', secret).update(value).digest('base64url')
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
