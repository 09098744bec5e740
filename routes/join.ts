import type { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { readCode } from '../rooms/code.ts'
import { type Member, type Room, refuse } from '../rooms/types.ts'
import { doorPage, homePage, type Refused } from '../templates/home.ts'
import { staying } from '../templates/page.ts'
import { roomPath } from '../templates/room.ts'
import { type Fields, readFields } from './guard/body.ts'
import { join } from './guard/limits.ts'
import type { SiteRefusal, SiteResult } from './guard/refusals.ts'
import { answerRefusal, isUnmet, orRefuse } from './guard/refuse.ts'
import { sessionCookie } from './guard/session.ts'
import { type Ask, addressOf, type Env, scopeOf, type Site, wantsJson } from './guard/site.ts'
import { mayGuess, visiting } from './guard/visit.ts'
import { memberJson, roomJson } from './json.ts'

/** The door of a room: by its code, or by its link. */
export function door(app: Hono<Env>, site: Site): void {
  app.post('/join', (c) => joinByCode(c, site))
  app.post('/rooms/:code/members', keepTyped, visiting(site), (c) => enter(c, site))
}

async function joinByCode(c: Ask, site: Site): Promise<Response> {
  const read = await readFields(c)
  if (!read.ok) return answerRefusal(c, read)
  const { code: typed = '', name = '' } = read.fields
  const found = await orRefuse(site, findTyped(c, site, typed))
  if (!found.ok) return refuseHome(c, 'join', read.fields, found)
  const joined = await orRefuse(site, join(site, addressOf(c), found.room.code, { name }))
  if (joined.ok) return welcome(c, site, found.room, joined.member)
  // The form for a code asks for no password, and the one at the door does.
  if (isAboutPassword(joined)) return refuseAtDoor(c, found.room, joined, read.fields)
  return refuseHome(c, 'join', read.fields, joined)
}

/** The room of a code as somebody typed it, unless they try one after the other. */
async function findTyped(c: Ask, site: Site, typed: string): Promise<SiteResult<{ room: Room }>> {
  const code = readCode(typed)
  const room = code && (await site.rooms.find(code))
  const wait = mayGuess(site, addressOf(c), !room)
  if (wait > 0) return refuse('too-many-tries', { retryAfter: Math.ceil(wait) })
  return room ? { ok: true, room } : refuse('room-unknown')
}

async function enter(c: Ask, site: Site): Promise<Response> {
  const { room } = c.get('visit')
  const read = await readFields(c)
  if (!read.ok) return answerRefusal(c, read)
  const joined = await orRefuse(site, join(site, addressOf(c), room.code, read.fields))
  if (joined.ok) return welcome(c, site, room, joined.member)
  return refuseAtDoor(c, room, joined, read.fields)
}

/** Gives back what was typed at the door of a room that the store could not find, in the form for its code. */
const keepTyped = createMiddleware<Env>(async (c, next) => {
  await next()
  const read = isUnmet(c) && (await readFields(c))
  if (!read || !read.ok) return
  const typed = { ...read.fields, code: c.req.param('code') ?? '' }
  c.res = refuseHome(c, 'join', typed, refuse('unavailable'))
})

function refuseAtDoor(c: Ask, room: Room, refusal: SiteRefusal, typed: Fields): Response {
  // Beside a password the name is all that is asked for here, so whatever else is refused is said beside that.
  const field = isAboutPassword(refusal) ? 'password' : 'name'
  return answerRefusal(c, refusal, (reason) => doorPage(c.get('place'), room, { form: 'join', field, reason, typed }))
}

function isAboutPassword({ refusal }: SiteRefusal): boolean {
  return refusal === 'password-wrong'
}

/** Lets a new member in: the session goes into the room's own cookie, and into the answer for a program. */
export function welcome(c: Ask, site: Site, room: Room, member: Member): Response {
  const token = site.sessions.seal(room, member)
  const path = roomPath(c.get('place'), room)
  c.header('Set-Cookie', sessionCookie(path, token, scopeOf(c, site)), { append: true })
  if (!wantsJson(c)) return c.redirect(arrival(c, site, room, member), 303)
  return c.json({ room: roomJson(room), member: memberJson(member), token }, 201, { Location: path })
}

/** Where a new member goes: in a frame it has to be seen first whether the browser has kept their session there. */
function arrival(c: Ask, { handovers }: Site, room: Room, member: Member): string {
  const place = c.get('place')
  const path = staying(place, roomPath(place, room))
  return place.frame ? `${path}&joined=${handovers.expect(room, member)}` : path
}

/** The first page again, with what was typed and the reason beside its field. */
export function refuseHome(c: Ask, form: Refused['form'], typed: Fields, refusal: SiteRefusal): Response {
  const field = fieldOf(refusal, form)
  return answerRefusal(c, refusal, (reason) => homePage(c.get('place'), { form, field, reason, typed }))
}

/** The field that a refusal is about. */
function fieldOf({ refusal }: SiteRefusal, form: Refused['form']): Refused['field'] {
  if (refusal.startsWith('title-')) return 'title'
  if (refusal.startsWith('name-')) return 'name'
  return form === 'join' ? 'code' : 'name'
}
