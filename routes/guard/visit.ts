import { createMiddleware } from 'hono/factory'
import { type Member, type Room, refuse } from '../../rooms/types.ts'
import { problemPage } from '../../templates/problem.ts'
import { roomPath } from '../../templates/room.ts'
import { answerRefusal } from './refuse.ts'
import { sessionCookie } from './session.ts'
import { type Ask, addressOf, type Env, type Site, schemeOf, type Visit } from './site.ts'

/**
 * Finds the room of a path and the member behind its session. A code that is typed in another way leads to the
 * room's own address, because the cookie belongs to that.
 */
export function visiting(site: Site) {
  return createMiddleware<Env>(async (c, next) => {
    const typed = c.req.param('code') ?? ''
    const code = site.rooms.codeOf(typed)
    const { authorization, cookie } = c.req.header()
    const visit = code === undefined ? undefined : await findVisit(site, code, authorization, cookie)
    // What cannot be a code is a mistake in typing, and does not count as a try.
    if (code !== undefined && !visit?.member) {
      const wait = mayGuess(site, addressOf(c), !visit)
      if (wait > 0) return answerRefusal(c, refuse('too-many-tries', { retryAfter: Math.ceil(wait) }))
    }
    if (!visit) return answerRefusal(c, refuse('room-unknown'))
    if (typed !== code) return c.redirect(elsewhere(c, visit.room), 308)
    c.set('visit', visit)
    await next()
  })
}

/**
 * Keeps strangers from trying codes until one fits.
 * @returns 0, or the seconds until this address may try again
 */
export function mayGuess({ limits: { wrongCodes } }: Site, address: string, isWrong: boolean): number {
  return isWrong ? wrongCodes.take(address) : wrongCodes.wait(address)
}

/** The same for a handshake, which has headers but no route. */
export async function findVisit(
  site: Site,
  code: string,
  authorization?: string,
  cookie?: string,
): Promise<Visit | undefined> {
  const claim = site.sessions.find(code, authorization, cookie)
  const found = claim && (await site.rooms.recognise(claim))
  if (found) return { ...found, isRenamed: found.member.name !== claim.member.name }
  const room = await site.rooms.find(code)
  return room && { room, member: undefined }
}

/** Gives somebody a session in the room's own cookie. Answers it, for programs. */
export function giveSession(c: Ask, { sessions }: Site, room: Room, member: Member): string {
  const token = sessions.seal(room, member)
  c.header('Set-Cookie', sessionCookie(roomPath(c.get('place'), room), token, schemeOf(c) === 'https'))
  return token
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
