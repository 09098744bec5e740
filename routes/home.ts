import type { Hono } from 'hono'
import { compress } from 'hono/compress'
import { refuse } from '../rooms/types.ts'
import { homePage } from '../templates/home.ts'
import { roomPath } from '../templates/room.ts'
import { readFields } from './guard/body.ts'
import type { SiteRefusal } from './guard/refusals.ts'
import { answerRefusal, orRefuse } from './guard/refuse.ts'
import { outsideOf } from './guard/outside.ts'
import type { Ask, Env, Site } from './guard/site.ts'
import { refuseHome, welcome } from './join.ts'

/** The first page, and making a room from it. */
export function home(app: Hono<Env>, site: Site): void {
  app.get('/', compress({ encoding: 'gzip' }), (c) => showHome(c, site))
  app.post('/rooms', (c) => createRoom(c, site))
}

/** With one room that always exists there is no other way to choose. */
function showHome(c: Ask, site: Site): Response | Promise<Response> {
  const [only, ...others] = site.rooms.fixed
  if (!only || others.length > 0) return c.html(homePage(c.get('place')).toString())
  return c.redirect(roomPath(c.get('place'), only) + new URL(c.req.url).search, 303)
}

async function createRoom(c: Ask, site: Site): Promise<Response> {
  const read = await readFields(c)
  if (!read.ok) return answerRefusal(c, read)
  const no = (refusal: SiteRefusal) => refuseHome(c, 'create', read.fields, refusal)
  const { address } = outsideOf(c, site.proxies)
  const wait = site.limits.newRooms.take(address)
  if (wait > 0) return no(refuse('too-many-rooms', { retryAfter: Math.ceil(wait) }))
  const { name = '', title = '' } = read.fields
  const created = await orRefuse(site, site.rooms.create(title, name))
  if (!created.ok) {
    site.limits.newRooms.giveBack(address)
    return no(created)
  }
  return welcome(c, site, created.room, created.member)
}
