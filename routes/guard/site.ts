import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Buckets, Rate } from '../../rooms/bucket.ts'
import type { Clock } from '../../rooms/clock.ts'
import type { Rooms } from '../../rooms/rooms.ts'
import type { Member, Room } from '../../rooms/types.ts'
import type { Nameplate } from '../../templates/home.ts'
import type { Place } from '../../templates/page.ts'
import type { Advice } from './advice.ts'
import { cookieScope } from './frame.ts'
import type { Handovers } from './handover.ts'
import type { Ledger } from './ledger.ts'
import type { Mounts } from './mounts.ts'
import { outsideOf } from './outside.ts'
import type { Proxies } from './proxies.ts'
import type { SiteCode, SiteRefusal } from './refusals.ts'
import type { Reporter } from './report.ts'
import { bearer, type Sessions } from './session.ts'
import type { Visitor, VisitorTokens } from './visitor.ts'
import type { Wiring } from './wiring.ts'

/** What one address may do. */
export interface Limits {
  readonly newRooms: Buckets
  readonly joins: Buckets
  readonly wrongCodes: Buckets
  /** Links of visitors that prove nothing: whoever sends many keeps nobody else out who joins by a form. */
  readonly wrongLinks: Buckets
  /** Wrong passwords at the door of one room. */
  readonly passwords: Buckets
  /** All that the members behind one address say. */
  readonly posts: Buckets
  /** Frames of one connection, of whatever kind. */
  readonly frames: Rate
}

/** What a connection is: a socket, a stream of events, or a page that grows. */
export type ConnectionKind = 'socket' | 'events' | 'page'

/** A stream that somebody reads. */
export interface OpenStream {
  readonly kind: ConnectionKind
  /** Bytes that its reader has not taken. */
  readonly unsentBytes: number
  giveWay(): void
}

/** How this chat knows the visitors of other sites. */
export interface Visitors {
  /** Those who come by a link. */
  readonly tokens?: VisitorTokens
  /** Those whom the site around the chat knows; never fails. */
  readonly ask?: (request: Request) => Promise<Visitor | undefined>
  /** What their ids are made with. */
  readonly key: string
}

/** What every route stands on. */
export interface Site {
  readonly mounts: Mounts
  readonly rooms: Rooms
  readonly clock: Clock
  readonly sessions: Sessions
  readonly limits: Limits
  readonly visitors: Visitors
  /** Origins, beside a request's own, that may open sockets and post. */
  readonly origins: Pick<ReadonlySet<string>, 'has'>
  /** Sites that may show rooms in a frame, as a policy names them. */
  readonly frameOrigins: readonly string[]
  readonly handovers: Handovers
  /** Streams that are open, by member: the oldest of one session's gives way to a fourth. */
  readonly streams: Map<string, Set<OpenStream>>
  /** Proxies whose word for what a request looks like from outside is taken. */
  readonly proxies: Proxies
  readonly report: Reporter
  readonly advice: Advice
  readonly ledger: Ledger
  /** Whether handshakes come from the host. */
  readonly wiring: Wiring
  /** Whether the server is about to stop. */
  isDraining(): boolean
}

/** The room that a request is about, and who asks if they are a member of it. */
export interface Visit {
  readonly room: Room
  readonly member: Member | undefined
  /** Another name was given to the member since their session was made. */
  readonly isRenamed?: boolean
}

/** Under a server the bindings are there; a request made by a test has none. */
export interface Env {
  Bindings: Partial<HttpBindings>
  Variables: {
    /** Where the chat is mounted, for whoever asks. */
    place: Place
    /** Counts why this request was refused, once. */
    refused: ((kind: SiteCode) => void) | undefined
    /** Below `/rooms/CODE`. */
    visit: Visit
    /** Why a visitor was not let in, to be said at the door. */
    doubt: SiteRefusal | undefined
    /** A visitor who stands at the door, and the token that proves it. */
    nameplate: Nameplate | undefined
    /** The token of somebody who was let in with this request. */
    sealed: string | undefined
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

/** What a cookie for whoever asks says of where it goes. */
export function scopeOf(c: Ask, { frameOrigins, proxies }: Site): string {
  const { scheme, host = '' } = outsideOf(c, proxies)
  return cookieScope(frameOrigins.length > 0, scheme, host)
}
