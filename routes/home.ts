import type { Hono } from 'hono'
import { compress } from 'hono/compress'
import { readCode } from '../rooms/code.ts'
import { type Member, type Refusal, type Room, refuse } from '../rooms/types.ts'
import { homePage, type Refused } from '../templates/home.ts'
import { roomPath } from '../templates/room.ts'
import { type Fields, readFields } from './guard/body.ts'
import { join } from './guard/limits.ts'
import { answerRefusal } from './guard/refuse.ts'
import { sessionCookie } from './guard/session.ts'
import { type Ask, addressOf, type Env, type Site, schemeOf, wantsJson } from './guard/site.ts'
import { mayGuess } from './guard/visit.ts'

/** The first page, and the two ways from it into a room. */
export function home(app: Hono<Env>, site: Site): void {
  app.get('/', compress({ encoding: 'gzip' }), (c) => c.html(homePage(c.var.place).toString()))
  app.post('/rooms', (c) => createRoom(c, site))
  app.post('/join', (c) => joinByCode(c, site))
}

async function createRoom(c: Ask, site: Site): Promise<Response> {
  const read = await readFields(c)
  if (!read.ok) return answerRefusal(c, read)
  const no = (refusal: Refusal) => refuseHome(c, 'create', read.fields, refusal)
  const wait = site.limits.newRooms.take(addressOf(c))
  if (wait > 0) return no(refuse('too-many-rooms', { retryAfter: Math.ceil(wait) }))
  const { name = '', title = '' } = read.fields
  const created = await site.rooms.create(title, name)
  if (!created.ok) {
    site.limits.newRooms.giveBack(addressOf(c))
    return no(created)
  }
  return welcome(c, site, created.room, created.member)
}

async function joinByCode(c: Ask, site: Site): Promise<Response> {
  const read = await readFields(c)
  if (!read.ok) return answerRefusal(c, read)
  const no = (refusal: Refusal) => refuseHome(c, 'join', read.fields, refusal)
  const { code: typed = '', name = '' } = read.fields
  const code = readCode(typed)
  const room = code && (await site.rooms.find(code))
  const wait = mayGuess(site, addressOf(c), !room)
  if (wait > 0) return no(refuse('too-many-tries', { retryAfter: Math.ceil(wait) }))
  if (!room) return no(refuse('room-unknown'))
  const joined = await join(site, addressOf(c), room.code, name)
  return joined.ok ? welcome(c, site, room, joined.member) : no(joined)
}

/** Lets a new member in: the session goes into the room's own cookie, and into the answer for a program. */
export function welcome(c: Ask, site: Site, room: Room, member: Member): Response {
  const token = site.sessions.seal(room, member)
  const path = roomPath(c.var.place, room)
  c.header('Set-Cookie', sessionCookie(path, token, schemeOf(c) === 'https'))
  if (!wantsJson(c)) return c.redirect(path, 303)
  return c.json({ room: roomJson(room), member, token }, 201, { Location: path })
}

/** A room as programs read it. */
export function roomJson({ code, title, created }: Room): object {
  return { code, title, created: new Date(created).toISOString() }
}

function refuseHome(c: Ask, form: Refused['form'], typed: Fields, refusal: Refusal): Response {
  const field = fieldOf(refusal, form)
  return answerRefusal(c, refusal, (reason) => homePage(c.var.place, { form, field, reason, typed }))
}

/** The field that a refusal is about. */
function fieldOf({ refusal }: Refusal, form: Refused['form']): Refused['field'] {
  if (refusal.startsWith('title-')) return 'title'
  if (refusal.startsWith('name-')) return 'name'
  return form === 'join' ? 'code' : 'name'
}
