import { createMiddleware } from 'hono/factory'
import { type Member, type Room, refuse } from '../../rooms/types.ts'
import { problemPage } from '../../templates/problem.ts'
import { roomPath } from '../../templates/room.ts'
import { answerRefusal } from './refuse.ts'
import { outsideOf } from './outside.ts'
import type { SiteRefusal } from './refusals.ts'
import { sessionCookie } from './session.ts'
import { type Ask, type Env, type Site, scopeOf, type Visit } from './site.ts'

/**
 * Finds the room of a path and the member behind its session. A code that is typed in another way leads to the
 * room's own address, because the cookie belongs to that.
 */
export function visiting(site: Site) {
  return createMiddleware<Env>(async (c, next) => {
    const typed = c.req.param('code') ?? ''
    const code = site.rooms.codeOf(typed)
    // All headers at once would be built anew as an object.
    const [authorization, cookie] = [c.req.header('authorization'), c.req.header('cookie')]
    const visit = code === undefined ? undefined : await findVisit(site, code, authorization, cookie)
    if (!visit) return answerRefusal(c, refuseCode(c, site, code))
    if (typed !== code) return c.redirect(elsewhere(c, visit.room), 308)
    c.set('visit', visit)
    await next()
  })
}

/** What cannot be a code is a mistake in typing, and does not count as a try. */
function refuseCode(c: Ask, site: Site, code: string | undefined): SiteRefusal {
  return code === undefined ? refuse('room-unknown') : countWrongCode(site, outsideOf(c, site.proxies).address)
}

/**
 * Refuses a code that leads to no room, and says so of the first ten a minute from an address.
 *
 * A right code is let in whatever was tried before it: else one who guesses shuts out all who come by the same proxy,
 * school or company. Nor does guessing pay without that: there are 23^9 codes, 1.8 million million. At a thousand tries a
 * second, which nobody overlooks, a certain room takes 57 years, and any one of the 10,000 of a full server two days.
 */
export function countWrongCode({ limits }: Site, address: string): SiteRefusal {
  const wait = limits.wrongCodes.take(address)
  return wait > 0 ? refuse('too-many-tries', { retryAfter: Math.ceil(wait) }) : refuse('room-unknown')
}

/** The room and member that a request speaks of; for a handshake too, which has headers but no route. */
export async function findVisit(
  site: Site,
  code: string,
  authorization?: string,
  cookie?: string,
): Promise<Visit | undefined> {
  for (const claim of site.sessions.all(code, authorization, cookie)) {
    const found = await site.rooms.recognise(claim)
    if (found) return found.member.name === claim.member.name ? found : { ...found, isRenamed: true }
  }
  const room = await site.rooms.find(code)
  return room && { room, member: undefined }
}

/** Gives somebody a session in the room's own cookie. Answers it, for programs. */
export function giveSession(c: Ask, site: Site, room: Room, member: Member): string {
  const token = site.sessions.seal(room, member)
  setSession(c, site, room, token)
  return token
}

/**
 * Sets the room's own cookie, or takes it back.
 * @param token empty where there is to be none
 */
export function setSession(c: Ask, site: Site, room: Room, token: string): void {
  const [path, scope] = [roomPath(c.get('place'), room), scopeOf(c, site)]
  // Browsers keep one from before the site could be framed beside the new one, and send it first.
  const isBeside = scope.includes('Partitioned') && site.sessions.find(room.code, undefined, c.req.header('cookie'))
  if (isBeside) c.header('Set-Cookie', sessionCookie(path, '', 'SameSite=Lax'), { append: true })
  c.header('Set-Cookie', sessionCookie(path, token, scope), { append: true })
}

/** Lets members through; everyone else is told where to join, or to wait. */
export const membersOnly = createMiddleware<Env>(async (c, next) => {
  const { room, member } = c.get('visit')
  if (member?.isWaiting) return answerRefusal(c, refuse('waiting'))
  if (!member) return answerRefusal(c, refuse('no-session'), (words) => problemPage(c.get('place'), words, room))
  c.set('member', member)
  await next()
})

function elsewhere(c: Ask, room: Room): string {
  const { pathname, search } = new URL(c.req.url)
  const rest = /.*\/rooms\/[^/]+(.*)/.exec(pathname)?.[1]
  return `${roomPath(c.get('place'), room)}${rest}${search}`
}
