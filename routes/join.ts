import type { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Member, Room } from '../rooms/types.ts'
import { homePage, type Refused } from '../templates/home.ts'
import { staying } from '../templates/page.ts'
import { roomPath } from '../templates/room.ts'
import { type Fields, readFields } from './guard/body.ts'
import { join } from './guard/limits.ts'
import { outsideOf } from './guard/outside.ts'
import { isAboutPassword, type SiteRefusal, type SiteResult } from './guard/refusals.ts'
import { answerRefusal, isUnmet, orRefuse, refusalOf } from './guard/refuse.ts'
import { type Ask, type Env, type Site, wantsJson } from './guard/site.ts'
import { countWrongCode, giveSession, visiting } from './guard/visit.ts'
import { memberJson, roomJson } from './json.ts'
import { type Coming, isAboutName, nameplateOf, showDoor, whoComes } from './visitor.ts'

/** The door of a room: by its code, or by its link. */
export function door(app: Hono<Env>, site: Site): void {
  app.post('/join', (c) => joinByCode(c, site))
  app.post('/rooms/:code/members', keepTyped(site), visiting(site), (c) => enter(c, site))
}

async function joinByCode(c: Ask, site: Site): Promise<Response> {
  const read = await readFields(c)
  if (!read.ok) return answerRefusal(c, read)
  const { code: typed = '', name = '' } = read.fields
  const found = await orRefuse(site, findTyped(c, site, typed))
  if (!found.ok) return refuseHome(c, 'join', read.fields, found)
  const { room } = found
  const came = await orRefuse(site, whoComes(c, site, undefined, room.code))
  const joined = came.ok ? await joinAs(c, site, room.code, { name }, came.coming) : came
  if (joined.ok) return welcome(c, site, room, joined.member)
  // The form for a code asks for no password, and the one at the door does.
  const coming = came.ok ? came.coming : undefined
  if (isAboutPassword(joined)) return refuseAtDoor(c, site, room, joined, read.fields, coming)
  return refuseHome(c, 'join', read.fields, joined)
}

/** The room of a code as somebody typed it. */
async function findTyped(c: Ask, site: Site, typed: string): Promise<SiteResult<{ room: Room }>> {
  const code = site.rooms.codeOf(typed)
  const room = code && (await site.rooms.find(code))
  return room ? { ok: true, room } : countWrongCode(site, outsideOf(c, site.proxies).address)
}

async function enter(c: Ask, site: Site): Promise<Response> {
  const { room } = c.get('visit')
  const read = await readFields(c)
  if (!read.ok) return answerRefusal(c, read)
  const came = await whoComes(c, site, read.fields.visitor)
  if (!came.ok) return answerRefusal(c, came, (words) => showDoor(c, site, room, { words }))
  const joined = await joinAs(c, site, room.code, read.fields, came.coming)
  if (joined.ok) return welcome(c, site, room, joined.member)
  return refuseAtDoor(c, site, room, joined, read.fields, came.coming)
}

/** Lets somebody in as the visitor for whom another site vouches, or else as a guest under the name that they typed. */
async function joinAs(
  c: Ask,
  site: Site,
  code: string,
  fields: Fields,
  coming: Coming | undefined,
): Promise<SiteResult<{ member: Member }>> {
  const more = { password: fields.password, instead: c.get('visit')?.member?.id }
  const enter = coming && (() => site.rooms.vouch(code, coming.visitor, more))
  const joined = await orRefuse(site, join(site, outsideOf(c, site.proxies).address, code, fields, enter))
  if (joined.ok || !coming) return joined
  coming.giveBack()
  // Whose name at the site cannot be shown has been asked for another one.
  return isAboutName(joined) ? joinAs(c, site, code, fields, undefined) : joined
}

/** Gives back what was typed at the door of a room that the store could not find, in the form for its code. */
function keepTyped(site: Site) {
  return createMiddleware<Env>(async (c, next) => {
    await next()
    const read = isUnmet(c) && (await readFields(c))
    if (!read || !read.ok) return
    const typed = { ...read.fields, code: c.req.param('code') ?? '' }
    c.res = refuseHome(c, 'join', typed, refusalOf(site, c.error))
  })
}

function refuseAtDoor(
  c: Ask,
  site: Site,
  room: Room,
  refusal: SiteRefusal,
  typed: Fields,
  coming: Coming | undefined,
): Response {
  // Beside a password the name is all that is asked for here, so whatever else is refused is said beside that.
  const field = isAboutPassword(refusal) ? 'password' : 'name'
  const visitor = isAboutName(refusal) ? undefined : coming && nameplateOf(coming)
  return answerRefusal(c, refusal, (reason) =>
    showDoor(c, site, room, { refused: { form: 'join', field, reason, typed }, visitor }),
  )
}

/** Lets a new member in: the session goes into the room's own cookie, and into the answer for a program. */
export function welcome(c: Ask, site: Site, room: Room, member: Member): Response {
  const token = giveSession(c, site, room, member)
  const path = roomPath(c.get('place'), room)
  if (!wantsJson(c)) return c.redirect(wayIn(c, site, room, member), 303)
  return c.json({ room: roomJson(room), member: memberJson(member), token }, 201, { Location: path })
}

/** Where a new member goes: in a frame it has to be seen first whether the browser has kept their session there. */
function wayIn(c: Ask, { handovers }: Site, room: Room, member: Member): string {
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
