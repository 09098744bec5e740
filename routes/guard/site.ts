import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Buckets, Rate } from '../../rooms/bucket.ts'
import type { Clock } from '../../rooms/clock.ts'
import type { Rooms } from '../../rooms/rooms.ts'
import type { Member, Room } from '../../rooms/types.ts'
import type { Place } from '../../templates/page.ts'
import { blockOf } from './address.ts'
import { cookieScope } from './frame.ts'
import type { Handovers } from './handover.ts'
import type { Mounts } from './mounts.ts'
import type { Reporter } from './report.ts'
import { bearer, type Sessions } from './session.ts'

/** What one address may do. */
export interface Limits {
  readonly newRooms: Buckets
  readonly joins: Buckets
  readonly wrongCodes: Buckets
  /** All that the members behind one address say. */
  readonly posts: Buckets
  /** Frames of one connection, of whatever kind. */
  readonly frames: Rate
}

/** What every route stands on. */
export interface Site {
  readonly mounts: Mounts
  readonly rooms: Rooms
  readonly clock: Clock
  readonly sessions: Sessions
  readonly limits: Limits
  /** Origins, beside a request's own, that may open sockets and post. */
  readonly origins: Pick<ReadonlySet<string>, 'has'>
  /** Sites that may show rooms in a frame, as a policy names them. */
  readonly frameOrigins: readonly string[]
  readonly handovers: Handovers
  /** Streams that are open, by member: the oldest of one session's gives way to a fourth. */
  readonly streams: Map<string, Set<{ giveWay(): void }>>
  readonly report: Reporter
  /** Whether the server is about to stop. */
  isDraining(): boolean
}

/** The room that a request is about, and who asks if they are a member of it. */
export interface Visit {
  readonly room: Room
  readonly member: Member | undefined
}

/** Under a server the bindings are there; a request made by a test has none. */
export interface Env {
  Bindings: Partial<HttpBindings>
  Variables: {
    /** Where the chat is mounted, for whoever asks. */
    place: Place
    /** Below `/rooms/CODE`. */
    visit: Visit
    /** Where only members are let through. */
    member: Member
  }
}
export type Ask = Context<Env>

/** Whether the answer is for a program rather than a person. */
export function wantsJson(c: Ask): boolean {
  return c.req.header('accept')?.includes('application/json') ?? false
}

/** Whether a refusal is for a program: one that brings a token reads no HTML unless it says so. */
export function wantsJsonError(c: Ask): boolean {
  const isPerson = wantsFragment(c) || c.req.header('accept')?.includes('text/html')
  return wantsJson(c) || (!isPerson && bearer(c.req.header('authorization')) !== undefined)
}

/** Whether htmx asked, and wants a fragment rather than a page. */
export function wantsFragment(c: Ask): boolean {
  return c.req.header('hx-request') === 'true'
}

/** Who asks, as far as the network tells. */
export function addressOf(c: Ask): string {
  return blockOf(c.env?.incoming?.socket?.remoteAddress)
}

/** The scheme a request came by, before a proxy that says so. A browser lets no other site send that header. */
export function schemeOf(c: Ask): string {
  return forwardedScheme(c.req.header('x-forwarded-proto')) ?? new URL(c.req.url).protocol.slice(0, -1)
}

/** What a cookie for whoever asks says of where it goes. */
export function scopeOf(c: Ask, { frameOrigins }: Site): string {
  return cookieScope(frameOrigins.length > 0, schemeOf(c), c.req.header('host') ?? '')
}

/** The first scheme that proxies on the way speak of, where it is https. */
export function forwardedScheme(header: string | string[] | undefined): 'https' | undefined {
  return String(header ?? '')
    .split(',')[0]
    .trim() === 'https'
    ? 'https'
    : undefined
}
