import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Claim } from '../../rooms/rooms.ts'
import type { Member, Room } from '../../rooms/types.ts'

const COOKIE = 'parlour'
const PURPOSE = 'member'
const LIFETIME = 30 * 24 * 60 * 60

/**
 * Sessions: one signed value for each room somebody is in. What is signed names its purpose, room, member and time,
 * because a signature alone does not tell one cookie from another.
 */
export class Sessions {
  #secrets: string[]

  /** @param secrets the first signs, all verify */
  constructor(secrets: string[]) {
    this.#secrets = secrets
  }

  /** Makes the token of a member. */
  seal(room: Room, member: Member, now: number): string {
    const claim = JSON.stringify([PURPOSE, room.code, member.id, member.name, room.title, now])
    const value = Buffer.from(claim).toString('base64url')
    return `${value}.${sign(value, this.#secrets[0])}`
  }

  /** What a token proves; undefined where it proves nothing, or nothing any more. */
  open(token: string, now: number): Claim | undefined {
    const [value, signature, ...rest] = token.split('.')
    if (!signature || rest.length > 0 || !this.#secrets.some((secret) => isSame(signature, sign(value, secret))))
      return undefined
    const [purpose, room, id, name, title, issued] = JSON.parse(Buffer.from(value, 'base64url').toString())
    if (purpose !== PURPOSE || now > issued + LIFETIME * 1000) return undefined
    return { room, title, member: { id, name }, issued }
  }

  /**
   * What a request proves about one room.
   * @param cookies the `Cookie` header; the same name may come more than once, from paths within each other
   */
  find(code: string, authorization: string | undefined, cookies: string | undefined, now: number): Claim | undefined {
    for (const token of authorization === undefined ? tokensIn(cookies ?? '') : [bearer(authorization)]) {
      const claim = this.open(token, now)
      if (claim?.room === code) return claim
    }
    return undefined
  }
}

/** A `Set-Cookie` that a browser sends back to one room only (RFC 6265, 4.1). */
export function sessionCookie(path: string, token: string, isSecure: boolean): string {
  const age = token === '' ? 0 : LIFETIME
  return `${COOKIE}=${token}; Path=${path}; Max-Age=${age}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`
}

function tokensIn(cookies: string): string[] {
  return cookies
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie.startsWith(`${COOKIE}=`))
    .map((cookie) => cookie.slice(COOKIE.length + 1))
}

function bearer(authorization: string): string {
  return /^bearer (.+)$/i.exec(authorization)?.[1].trim() ?? ''
}

function sign(value: string, secret: string): string {
  return createHmac('sha256', secret).update(value).digest('base64url')
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
