import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Query } from '../rooms/rooms.ts'
import { type Entry, type Event, type Message, type Page, type Stretch, refuse } from '../rooms/types.ts'
import { frame } from '../templates/frames.ts'
import { history } from '../templates/history.ts'
import { writePage } from '../templates/growing.ts'
import { staying } from '../templates/page.ts'
import { sent } from '../templates/reason.ts'
import { type RoomView, roomPath } from '../templates/room.ts'
import { tellFarewell } from './farewell.ts'
import { type Fields, readFields } from './guard/body.ts'
import { post } from './guard/limits.ts'
import { outsideOf } from './guard/outside.ts'
import { type SiteRefusal, wordsOf } from './guard/refusals.ts'
import { answerRefusal, isUnmet, orRefuse, refusalOf } from './guard/refuse.ts'
import { messageJson } from './json.ts'
import { showDraft } from './room.ts'
import { type Ask, type Env, type Site, wantsFragment, wantsJson, wantsJsonError } from './guard/site.ts'
import { membersOnly, visiting } from './guard/visit.ts'
import { fragmentBytes } from './wire/frames.ts'

/** Saying something by a form, and reading what was said. */
export function messages(app: Hono<Env>, site: Site): void {
  app.post('/rooms/:code/messages', keepDraft(site), visiting(site), membersOnly, (c) => say(c, site))
  app.get('/rooms/:code/messages', tellFarewell, visiting(site), membersOnly, (c) => list(c, site))
}

async function say(c: Ask, site: Site): Promise<Response> {
  const [visit, member] = [c.get('visit'), c.get('member')]
  const read = await readFields(c)
  if (!read.ok) return answerRefusal(c, read)
  const { fields } = read
  // The page may be older than the session, and what waits in it was typed under another name.
  if (fields.member !== undefined && fields.member !== member.id) return answerRefusal(c, refuse('no-session'))
  const said = { text: fields.text ?? '', key: keyOf(fields) }
  const { address } = outsideOf(c, site.proxies)
  const posted = await orRefuse(site, post(site, address, visit.room.code, member, said))
  if (!posted.ok) return refusePost(c, site, posted, fields)
  if (wantsJson(c)) return answerJson(c, posted.message, posted.repeated)
  if (wantsFragment(c)) return c.html(sent(said.key || posted.message.key, posted.message).toString())
  const room = roomPath(c.get('place'), visit.room)
  site.rooms.spoke(visit.room.code, member)
  const place = c.get('place')
  return c.redirect(fields.from === 'write' ? `${staying(place, `${room}/write`)}#text` : staying(place, room), 303)
}

/** What was made is found among the newest messages, by the id of its element. */
function answerJson(c: Ask, message: Message, isRepeated: boolean): Response {
  if (isRepeated) return c.json(messageJson(message))
  const Location = `${roomPath(c.get('place'), c.get('visit').room)}/messages#m${message.seq}`
  return c.json(messageJson(message), 201, { Location })
}

/**
 * The sender's own id for a message. A plain form cannot make one for each text, so it brings a number that is its
 * page's, and the text makes it the message's: the form sent twice counts once, and going back to say more is more.
 */
function keyOf({ key, once, text }: Fields): string {
  if (key || !once) return key ?? ''
  return createHash('sha256').update(`${once}\n${text}`).digest('base64url')
}

async function refusePost(c: Ask, site: Site, refusal: SiteRefusal, fields: Fields): Promise<Response> {
  const [visit, member] = [c.get('visit'), c.get('member')]
  // A whole page costs far more, and nobody limits how often one is refused.
  if (wantsJsonError(c) || wantsFragment(c)) return answerRefusal(c, refusal)
  const draft = draftOf(fields, refusal)
  const page = fields.from === 'write' ? undefined : await showDraft(c, site, { room: visit.room, member }, draft)
  return answerRefusal(c, refusal, () => page ?? writePage(c.get('place'), visit.room, draft))
}

/** Gives back what was typed into a form of which the store could not even say whose it is. */
function keepDraft(site: Site) {
  return createMiddleware<Env>(async (c, next) => {
    await next()
    if (!isUnmet(c)) return
    const { authorization, cookie } = c.req.header()
    const claim = site.sessions.find(site.rooms.codeOf(c.req.param('code') ?? '') ?? '', authorization, cookie)
    const read = claim && (await readFields(c))
    if (!claim || !read?.ok) return
    const draft = draftOf(read.fields, refusalOf(site, c.error))
    c.res = c.html(writePage(c.get('place'), { code: claim.room, title: claim.title }, draft).toString(), 503)
  })
}

function draftOf({ text = '', once }: Fields, refusal: SiteRefusal): NonNullable<RoomView['draft']> {
  return { text, once, reason: wordsOf(refusal) }
}

async function list(c: Ask, site: Site): Promise<Response> {
  const { before, after, limit } = c.req.query()
  const isNumber = limit === undefined || /^[1-9]\d*$/.test(limit)
  if (!isNumber || (before && after)) return answerRefusal(c, refuse('malformed'))
  const sizeOf = wantsJson(c) ? jsonBytes : fragmentBytes
  const query = { cursor: after || before, limit: limit ? Number(limit) : undefined, sizeOf }
  return after ? listAfter(c, site, query) : listBefore(c, site, query)
}

async function listBefore(c: Ask, site: Site, query: Query): Promise<Response> {
  const { room } = c.get('visit')
  const read = await site.rooms.read(room.code, query)
  if (!read.ok) return answerRefusal(c, read)
  const { messages, more, gap, cursor } = read.page
  if (wantsJson(c)) return c.json(listJson({ messages, more, gap, cursor }))
  return c.html(history({ place: c.get('place'), room, page: read.page }).toString())
}

async function listAfter(c: Ask, site: Site, query: Query): Promise<Response> {
  const { room } = c.get('visit')
  const read = await site.rooms.readOn(room.code, query)
  if (!read.ok) return answerRefusal(c, read)
  const { stretch } = read
  if (!wantsJson(c) && wantsFragment(c)) return goOn(c, site, stretch)
  const messages = messagesIn(stretch)
  if (wantsJson(c)) return c.json(listJson({ ...stretch, messages }))
  // More after a cursor is later, and the link above a list leads to what is earlier.
  return c.html(history({ place: c.get('place'), room, page: { ...stretch, messages, more: false } }).toString())
}

/** What was said or changed in a stretch, each message once and as it is now, oldest first. */
export function messagesIn({ entries }: Stretch): Message[] {
  const messages = new Map<number, Message>()
  for (const entry of entries) {
    if (entry.kind === 'message') messages.set(entry.seq, entry)
    if (entry.kind === 'edited' || entry.kind === 'deleted') messages.set(entry.message.seq, entry.message)
  }
  return [...messages.values()].sort((one, other) => one.seq - other.seq)
}

/** What a socket would have brought, for a page that asks again and again because nothing else reaches it. */
async function goOn(c: Ask, site: Site, { gap, entries, more, previous, cursor }: Stretch): Promise<Response> {
  const [visit, member] = [c.get('visit'), c.get('member')]
  await site.rooms.seen(visit.room.code, member)
  const events: Event[] = gap ? [gap, ...entries] : [...entries]
  if (!more) events.push(site.rooms.here(visit.room.code))
  return c.html(frame({ events, previous, cursor }))
}

function jsonBytes(entry: Entry): number {
  const message = entry.kind === 'message' ? entry : 'message' in entry && entry.message
  return message ? Buffer.byteLength(JSON.stringify(messageJson(message))) : 0
}

function listJson({ messages, more, gap, cursor }: Pick<Page, 'messages' | 'more' | 'gap' | 'cursor'>): object {
  return { messages: messages.map(messageJson), more, gap: gap && { missed: gap.missed ?? null }, cursor }
}
