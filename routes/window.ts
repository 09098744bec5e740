import type { Hono } from 'hono'
import { refuse } from '../rooms/types.ts'
import { roomPath } from '../templates/room.ts'
import { readFields } from './guard/body.ts'
import { answerRefusal } from './guard/refuse.ts'
import { sessionCookie } from './guard/session.ts'
import type { Ask, Env, Site } from './guard/site.ts'
import { visiting } from './guard/visit.ts'
import { welcome } from './join.ts'
import { showDoor } from './visitor.ts'

/** The way of a member from a frame into a window. */
export function windows(app: Hono<Env>, site: Site): void {
  app.post('/rooms/:code/window', visiting(site), (c) => enterWindow(c, site))
}

async function enterWindow(c: Ask, site: Site): Promise<Response> {
  const { frame: _, ...place } = c.get('place')
  c.set('place', place)
  const { room, member } = c.get('visit')
  const read = await readFields(c)
  if (!read.ok) return answerRefusal(c, read)
  const { token = '' } = read.fields
  const claim = site.handovers.read(room.code, token)
  const found = claim && (await site.rooms.recognise(claim))
  // What the store fails at can be tried again, and of two at the same moment one comes in.
  if (found && site.handovers.redeem(room.code, token)) {
    // A session from before the site could be framed would be found first: browsers keep it beside the new one.
    c.header('Set-Cookie', sessionCookie(roomPath(place, room), '', 'SameSite=Lax'))
    return welcome(c, site, found.room, found.member)
  }
  // Who opens a window for the second time is let in by its own cookie.
  if (member) return c.redirect(roomPath(place, room), 303)
  return answerRefusal(c, refuse('handover-over'), (words) => showDoor(c, site, room, { words }))
}
