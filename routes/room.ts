import { Buffer } from 'node:buffer'
import type { Hono } from 'hono'
import { compress } from 'hono/compress'
import { type Page, type Room, refuse } from '../rooms/types.ts'
import type { Html } from '../templates/html.ts'
import { staying } from '../templates/page.ts'
import { forgottenPage, type RoomView, roomPage, roomPath } from '../templates/room.ts'
import { memberJson, roomJson } from './json.ts'
import { outsideOf } from './guard/outside.ts'
import { wordsOf } from './guard/refusals.ts'
import { answerRefusal, orRefuse } from './guard/refuse.ts'
import { type Ask, type Env, type Site, type Visit, wantsJson, wantsJsonError } from './guard/site.ts'
import { giveSession, setSession, visiting } from './guard/visit.ts'
import { greeting, showDoor } from './visitor.ts'
import { fragmentBytes } from './wire/frames.ts'

/** A room's own page, and the way out of it. */
export function room(app: Hono<Env>, site: Site): void {
  app.get('/rooms/:code', compress({ encoding: 'gzip' }), visiting(site), greeting(site), (c) => showRoom(c, site))
  app.post('/rooms/:code/leave', visiting(site), (c) => leave(c, site))
}

async function showRoom(c: Ask, site: Site): Promise<Response> {
  const { room, member, isRenamed } = c.get('visit')
  const joined = c.get('place').frame && c.req.query('joined')
  if (joined !== undefined && !wantsJson(c)) return arrive(c, site, joined)
  if (!member) return meetStranger(c, site, room)
  if (member.isWaiting) return answerRefusal(c, refuse('waiting'))
  if (!(await site.rooms.seen(room.code, member))) return answerRefusal(c, refuse('room-unknown'))
  // After a restart the session tells who they are, and their old name may be another's.
  if (isRenamed) giveSession(c, site, room, member)
  if (wantsJson(c)) {
    const members = site.rooms.present(room.code).map(memberJson)
    return c.json({ room: roomJson(room), member: memberJson(member), members, token: c.get('sealed') })
  }
  const before = c.req.query('before')
  const read = await site.rooms.read(room.code, { cursor: before, sizeOf: fragmentBytes })
  if (!read.ok) return answerRefusal(c, read)
  return answerPage(c, viewRoom(c, site, { room, member }, read.page, { isNewest: before === undefined }))
}

function meetStranger(c: Ask, site: Site, room: Room): Response {
  const doubt = c.get('doubt')
  if (wantsJsonError(c)) return answerRefusal(c, doubt ?? refuse('no-session'))
  if (doubt) c.get('refused')?.(doubt.refusal)
  const words = doubt && wordsOf(doubt)
  return c.html(showDoor(c, site, room, { words, visitor: c.get('nameplate') }).toString())
}

/** Somebody has joined in a frame: either the browser has kept their session there, or it is no use to ask again. */
function arrive(c: Ask, { handovers }: Site, joined: string): Response {
  const [place, { room, member }] = [c.get('place'), c.get('visit')]
  const handover = handovers.arrive(room.code, joined)
  if (member) return c.redirect(staying(place, roomPath(place, room)), 303)
  return c.html(forgottenPage(place, room, handover).toString())
}

/** The longest answer there is, in the form that costs least: `compress` would put its `Vary` on a copy of the response. */
function answerPage(c: Ask, page: Html): Response {
  c.header('Vary', 'Accept-Encoding')
  return c.body(Buffer.from(page.toString()), 200, { 'Content-Type': 'text/html; charset=UTF-8' })
}

/** The room's page again, with what was typed and why it was not taken; undefined where it cannot be read. */
export async function showDraft(c: Ask, site: Site, visit: Visit, draft: RoomView['draft']) {
  const read = await orRefuse(site, site.rooms.read(visit.room.code, { sizeOf: fragmentBytes }))
  return read.ok ? viewRoom(c, site, visit, read.page, { isNewest: true, draft }) : undefined
}

function viewRoom(c: Ask, site: Site, { room, member }: Visit, page: Page, more: Pick<RoomView, 'isNewest' | 'draft'>) {
  if (!member) throw new TypeError('a room is shown to members')
  const place = c.get('place')
  const url = (outsideOf(c, site.proxies).origin ?? '') + roomPath(place, room)
  const isFramable = site.frameOrigins.length > 0
  const handover = place.frame && site.handovers.make(room, member)
  const here = site.rooms.attendance(room.code)
  return roomPage({ place, url, room, member, here, page, isFramable, handover, ...more })
}

async function leave(c: Ask, site: Site): Promise<Response> {
  const { room, member } = c.get('visit')
  if (member) await site.rooms.leave(room.code, member.id)
  else if (wantsJsonError(c)) return answerRefusal(c, refuse('no-session'))
  setSession(c, site, room, '')
  return wantsJson(c) ? c.body(null, 204) : c.redirect(staying(c.get('place'), `${c.get('place').base}/`), 303)
}
