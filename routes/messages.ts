import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { Hono } from 'hono'
import { writeCursor } from '../rooms/cursor.ts'
import { type Event, type Message, type Page, type Refusal, refuse } from '../rooms/types.ts'
import { frame } from '../templates/frames.ts'
import { history } from '../templates/history.ts'
import { writePage } from '../templates/growing.ts'
import { sent } from '../templates/reason.ts'
import { roomPath } from '../templates/room.ts'
import { tellFarewell } from './farewell.ts'
import { type Fields, readFields } from './guard/body.ts'
import { post } from './guard/limits.ts'
import { wordsOf } from './guard/refusals.ts'
import { answerRefusal } from './guard/refuse.ts'
import { showDraft } from './room.ts'
import { type Ask, addressOf, type Env, type Site, wantsFragment, wantsJson, wantsJsonError } from './guard/site.ts'
import { membersOnly, visiting } from './guard/visit.ts'
import { fragmentBytes } from './wire/frames.ts'

/** Saying something by a form, and reading what was said. */
export function messages(app: Hono<Env>, site: Site): void {
  app.post('/rooms/:code/messages', visiting(site), membersOnly, (c) => say(c, site))
  app.get('/rooms/:code/messages', tellFarewell, visiting(site), membersOnly, (c) => list(c, site))
}

async function say(c: Ask, site: Site): Promise<Response> {
  const { visit, member } = c.var
  const read = await readFields(c)
  if (!read.ok) return answerRefusal(c, read)
  const { fields } = read
  // The page may be older than the session, and what waits in it was typed under another name.
  if (fields.member !== undefined && fields.member !== member.id) return answerRefusal(c, refuse('no-session'))
  const said = { text: fields.text ?? '', key: keyOf(fields) }
  const posted = await post(site, addressOf(c), visit.room.code, member, said)
  if (!posted.ok) return refusePost(c, site, posted, fields)
  if (wantsJson(c)) return answerJson(c, posted.message, posted.repeated)
  if (wantsFragment(c)) return c.html(sent(posted.message).toString())
  const room = roomPath(c.var.place, visit.room)
  site.rooms.seen(visit.room.code, member)
  return c.redirect(fields.from === 'write' ? `${room}/write#text` : room, 303)
}

/** What was made is found among the newest messages, by the id of its element. */
function answerJson(c: Ask, message: Message, isRepeated: boolean): Response {
  if (isRepeated) return c.json(messageJson(message))
  const Location = `${roomPath(c.var.place, c.var.visit.room)}/messages#m${message.seq}`
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

async function refusePost(c: Ask, site: Site, refusal: Refusal, fields: Fields): Promise<Response> {
  const { visit, member } = c.var
  // A whole page costs far more, and nobody limits how often one is refused.
  if (wantsJsonError(c) || wantsFragment(c)) return answerRefusal(c, refusal)
  const draft = { text: fields.text ?? '', reason: wordsOf(refusal) }
  const page =
    fields.from === 'write'
      ? writePage(c.var.place, visit.room, draft)
      : await showDraft(c, site, { room: visit.room, member }, draft)
  return answerRefusal(c, refusal, () => page)
}

async function list(c: Ask, site: Site): Promise<Response> {
  const { room } = c.var.visit
  const { before, after, limit } = c.req.query()
  if (limit !== undefined && !/^[1-9]\d*$/.test(limit)) return answerRefusal(c, refuse('malformed'))
  const isJson = wantsJson(c)
  const sizeOf = isJson ? jsonBytes : fragmentBytes
  const read = await site.rooms.history(room.code, { before, after, limit: limit ? Number(limit) : undefined, sizeOf })
  if (!read.ok) return answerRefusal(c, read)
  const { page } = read
  if (isJson) return c.json(pageJson(page))
  if (after && wantsFragment(c)) return goOn(c, site, page)
  // After a cursor `more` means later messages, but the link above a list leads to earlier ones.
  const shown = after ? { ...page, more: false } : page
  return c.html(history({ place: c.var.place, room, page: shown }).toString())
}

/** What a socket would have brought, for a page that asks again and again because nothing else reaches it. */
function goOn(c: Ask, site: Site, { gap, entries, more, previous, cursor }: Page): Response {
  const { visit, member } = c.var
  site.rooms.seen(visit.room.code, member)
  const events: Event[] = gap ? [gap, ...entries] : [...entries]
  if (!more) events.push(site.rooms.here(visit.room.code))
  return c.html(frame({ events, previous, cursor }))
}

/** A message as programs read it. */
export function messageJson(message: Message): object {
  const { seq, key, member, name, text, at } = message
  return { seq, cursor: writeCursor(message), key, member, name, text, at: new Date(at).toISOString() }
}

function jsonBytes(message: Message): number {
  return Buffer.byteLength(JSON.stringify(messageJson(message)))
}

function pageJson({ entries, more, gap, cursor }: Page): object {
  return { messages: entries.map(messageJson), more, gap: gap && { missed: gap.missed ?? null }, cursor }
}
