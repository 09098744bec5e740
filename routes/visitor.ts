import { createMiddleware } from 'hono/factory'
import { type Member, type Room, refuse, type Vouched } from '../rooms/types.ts'
import { type AtDoor, doorPage, type Nameplate } from '../templates/home.ts'
import type { Html } from '../templates/html.ts'
import { roomPath } from '../templates/room.ts'
import { outsideOf } from './guard/outside.ts'
import type { SiteRefusal, SiteResult } from './guard/refusals.ts'
import { answerRefusal, orRefuse } from './guard/refuse.ts'
import { bearer } from './guard/session.ts'
import { type Ask, type Env, type Site, wantsJson, wantsJsonError } from './guard/site.ts'
import { giveSession } from './guard/visit.ts'
import { vouchedOf } from './guard/visitor.ts'

/** Somebody for whom another site vouches, on their way in. */
export interface Coming {
  readonly visitor: Vouched
  /** What proves it, where they came by a link. */
  readonly token?: string
  /** They did not come in, so that the link is still good. */
  giveBack(): void
}

// What browsers ask for when somebody goes to a page; a picture on another site brings nobody in.
const PAGES: ReadonlySet<string | undefined> = new Set([undefined, 'document', 'iframe', 'frame', 'empty'])

/**
 * Lets in whoever comes to a room's page and is vouched for: by a link, which is used up and left out of the address, or
 * by the site around the chat, whose person the session follows. Who cannot be let in finds the door, and why.
 */
export function greeting(site: Site) {
  return createMiddleware<Env>(async (c, next) => {
    const { tokens, ask } = site.visitors
    const token = tokens && c.req.query('visitor')
    if ((token === undefined && !ask) || c.req.method === 'HEAD' || !PAGES.has(c.req.header('sec-fetch-dest')))
      return next()
    // Who was let in just now, and comes back to see whether the frame has kept that.
    if (token === undefined && c.get('place').frame && c.req.query('joined') !== undefined) return next()
    const { member } = c.get('visit')
    // A browser that fetches ahead must not use up a link; told so, it asks again when somebody goes there.
    if (isAhead(c)) return member ? next() : answerRefusal(c, refuse('unavailable', { retryAfter: 1 }))
    const coming = await whoComes(c, site, token)
    const answer = coming.ok ? coming.coming && (await letIn(c, site, coming.coming)) : turnDown(c, coming)
    return answer ?? next()
  })
}

/**
 * Who is vouched for: by a token, or else by the site around the chat. Uses the token up. Wrong ones are counted by
 * address, and neither a right one nor a join by a form is refused for them.
 */
export async function whoComes(
  c: Ask,
  site: Site,
  token: string | undefined,
  code = c.get('visit').room.code,
): Promise<SiteResult<{ coming: Coming | undefined }>> {
  const { tokens, ask, key } = site.visitors
  if (token === undefined || !tokens) {
    // A program that brings a token has said who it is.
    const isSaid = bearer(c.req.header('authorization')) !== undefined && c.get('visit')?.member
    const visitor = isSaid ? undefined : await ask?.(c.req.raw)
    return { ok: true, coming: visitor && { visitor: vouchedOf(key, code, visitor), giveBack: () => {} } }
  }
  const read = await tokens.read(token, code)
  if (!read.ok) return countWrong(c, site, read)
  const used = tokens.use(read.proof)
  if (!used.ok) return countWrong(c, site, used)
  const giveBack = () => tokens.giveBack(read.proof)
  return { ok: true, coming: { visitor: vouchedOf(key, code, read.visitor), token, giveBack } }
}

/** The door of a room. */
export function showDoor(c: Ask, site: Site, room: Room, more: Omit<AtDoor, 'isOnly'>): Html {
  const isOnly = site.rooms.fixed.length === 1 && site.rooms.fixed[0].code === room.code
  return doorPage(c.get('place'), room, { ...more, isOnly })
}

/** What the door says of somebody who is vouched for. */
export function nameplateOf({ visitor: { name }, token }: Coming): Nameplate {
  return { name, token }
}

/** Whether a room refuses somebody for the name that the site gave. */
export function isAboutName({ refusal }: SiteRefusal): boolean {
  return refusal.startsWith('name-')
}

function countWrong(c: Ask, { limits, proxies }: Site, refusal: SiteRefusal): SiteRefusal {
  if (refusal.refusal === 'visitors-busy' || c.get('visit').member) return refusal
  const wait = limits.wrongLinks.take(outsideOf(c, proxies).address)
  return wait > 0 ? refuse('too-many-joins', { retryAfter: Math.ceil(wait) }) : refusal
}

/** Has the room let somebody in, and goes on to the page, or answers. */
async function letIn(c: Ask, site: Site, coming: Coming): Promise<Response | undefined> {
  const { room, member } = c.get('visit')
  const { visitor, token } = coming
  if (token === undefined && member && isAsBefore(visitor, member)) return undefined
  if (token !== undefined && isGivingAway(c, visitor)) return askFirst(c, coming)
  const joined = await orRefuse(site, site.rooms.vouch(room.code, visitor, { instead: member?.id }))
  if (!joined.ok) {
    coming.giveBack()
    return leaveOut(c, site, coming, isAboutName(joined) ? refuse('visitor-name') : joined)
  }
  c.set('sealed', giveSession(c, site, room, joined.member))
  c.set('visit', { room, member: joined.member })
  // In a frame it has to be seen first whether the browser has kept their session there.
  const isToBeSeen = c.get('place').frame && (token !== undefined || !member)
  if (wantsJson(c) || (token === undefined && !isToBeSeen)) return undefined
  return withoutToken(c, isToBeSeen && site.handovers.expect(room, joined.member))
}

/**
 * Whether a link would take a room from its host: what a guest may do becomes the visitor's, or ends, and anybody can
 * send a host a link of their own. A program has read what it follows.
 */
function isGivingAway(c: Ask, { role }: Vouched): boolean {
  const { member } = c.get('visit')
  const isGuestHost = member?.role === 'host' && !member.isVouched
  return isGuestHost && role !== 'host' && bearer(c.req.header('authorization')) === undefined
}

/** Shows the door to a host, who says there whether they want to be the visitor. */
function askFirst(c: Ask, coming: Coming): undefined {
  coming.giveBack()
  c.set('visit', { room: c.get('visit').room, member: undefined })
  c.set('nameplate', nameplateOf(coming))
}

function isAsBefore({ id, name, role }: Vouched, member: Member): boolean {
  return id === member.id && name === member.name && (role === undefined || role === member.role)
}

/** What a link is worth that proves nothing: nothing, to those who are in the room; the door and a word, to others. */
function turnDown(c: Ask, refusal: SiteRefusal): Response | undefined {
  if (c.get('visit').member) return wantsJson(c) ? undefined : withoutToken(c)
  // There is too much going on to show a door.
  if (refusal.retryAfter !== undefined) return answerRefusal(c, refusal)
  c.set('doubt', refusal)
  return undefined
}

/** What becomes of a visitor whom the room does not let in. */
function leaveOut(c: Ask, site: Site, coming: Coming, refusal: SiteRefusal): Response | undefined {
  const { visitor, token } = coming
  const { room, member } = c.get('visit')
  const isSame = member && (!member.isVouched || member.id === visitor.id)
  // A link that is to be followed again later must stay in the address.
  const isOver = token === undefined || refusal.retryAfter === undefined
  if (isSame && isOver) return token === undefined || wantsJson(c) ? undefined : withoutToken(c)
  // The session is of another person of the same site.
  c.set('visit', { room, member: undefined })
  if (refusal.refusal === 'visitor-name') c.set('doubt', refusal)
  if (refusal.refusal === 'password-wrong') c.set('nameplate', nameplateOf(coming))
  if (c.get('doubt') || (c.get('nameplate') && !wantsJsonError(c))) return undefined
  return answerRefusal(c, refusal, (words) => showDoor(c, site, room, { words, visitor: nameplateOf(coming) }))
}

/** The same address, without what was good for once. */
function withoutToken(c: Ask, joined?: string | false): Response {
  const { searchParams } = new URL(c.req.url)
  searchParams.delete('visitor')
  if (joined) searchParams.set('joined', joined)
  const search = searchParams.size > 0 ? `?${searchParams}` : ''
  return c.redirect(roomPath(c.get('place'), c.get('visit').room) + search, 303)
}

/** Whether a browser only fetches what somebody may go to. */
function isAhead(c: Ask): boolean {
  return /prefetch|prerender|preview/.test(c.req.header('sec-purpose') ?? c.req.header('purpose') ?? '')
}
