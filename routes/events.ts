import { Buffer } from 'node:buffer'
import type { Hono } from 'hono'
import { writeCursor } from '../rooms/cursor.ts'
import { isGone } from '../rooms/entries.ts'
import type { Batch, Farewell, Format } from '../rooms/fanout.ts'
import type { MemberChanged } from '../rooms/types.ts'
import { farewellFrame, frame } from '../templates/frames.ts'
import { lines } from '../templates/message.ts'
import type { Place } from '../templates/page.ts'
import { memberJson, messageJson, roomJson } from './json.ts'
import { type Ask, type Env, type Site, wantsJson } from './guard/site.ts'
import { FAREWELLS } from './wire/farewells.ts'
import { openStream } from './wire/stream.ts'
import { whileRunning } from './guard/running.ts'
import { membersOnly, visiting } from './guard/visit.ts'

const text = new TextEncoder()

// A page's script never sees a comment, and trusts a stream only once an event has come over it.
const BEAT = 'event: beat\ndata:\n\n'

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
}

/** Fragments as server-sent events (HTML Living Standard, 9.2), for pages whose sockets are blocked. */
const fragmentEvents: Format = {
  encode: (batch) => text.encode(event(batch.cursor, frame(batch))),
  sizeOf: (entry) => Buffer.byteLength(event('', lines({ events: [entry] }))),
}

/** One JSON event for each entry, for programs; what is no message has a name. */
const jsonEvents: Format = {
  encode: (batch) => text.encode(batch.events.map((one) => jsonEvent(one)).join('') + reached(batch)),
  sizeOf: (entry) => Buffer.byteLength(jsonEvent(entry)),
}

/** The room as server-sent events. */
export function events(app: Hono<Env>, site: Site): void {
  app.get('/rooms/:code/events', whileRunning(site), visiting(site), membersOnly, (c) => follow(c, site))
}

/** The last event of a page's stream; nothing where the page is to come back. */
function farewell(place: Place, why: Farewell): string {
  const { words } = FAREWELLS[why]
  return words && event('', farewellFrame(words, place))
}

function follow(c: Ask, site: Site): Response {
  const [visit, member, place] = [c.get('visit'), c.get('member'), c.get('place')]
  const isJson = isForProgram(c)
  // A page asks for events only once it has asked for a socket.
  if (!isJson && c.env?.incoming && c.req.header('cookie') !== undefined) site.wiring.miss()
  const body = openStream({
    method: c.req.method,
    site,
    outgoing: c.env?.outgoing,
    code: visit.room.code,
    member,
    kind: 'events',
    format: isJson ? jsonEvents : fragmentEvents,
    since: c.req.header('last-event-id') ?? c.req.query('since') ?? '',
    head: isJson ? ':\n\n' : BEAT,
    keepAlive: isJson ? ':\n\n' : BEAT,
    // Too many tabs would end each other's streams in turn for ever: a page that is told so asks by requests instead.
    crowded: isJson ? undefined : 'event: crowded\ndata:\n\n',
    farewell: isJson ? undefined : (why) => farewell(place, why),
  })
  return c.body(body, 200, HEADERS)
}

function isForProgram(c: Ask): boolean {
  return c.req.query('format') === 'json' || wantsJson(c)
}

function jsonEvent(one: Batch['events'][number]): string {
  if (one.kind === 'gap') return named('gap', '', { missed: one.missed ?? null })
  if (!('seq' in one)) return ''
  const id = writeCursor(one)
  if (one.kind === 'message') return event(id, JSON.stringify(messageJson(one)))
  if (one.kind === 'edited' || one.kind === 'deleted') return named(one.kind, id, messageJson(one.message))
  if (one.kind === 'room') return named('room', id, roomJson(one.room))
  if (one.kind === 'member') return named('member', id, { ...memberJson(one.member), ...goneJson(one) })
  return named('cleared', id, {})
}

function goneJson(entry: MemberChanged): object {
  return isGone(entry) ? { gone: true } : {}
}

function named(name: string, id: string, json: object): string {
  return `event: ${name}\n${event(id, JSON.stringify(json))}`
}

/** An id alone is no event, but a reader keeps it: so one to whom nothing was said yet can resume too. */
function reached({ events, cursor }: Batch): string {
  return events.some((one) => 'seq' in one) || cursor === '' ? '' : `id: ${cursor}\n\n`
}

function event(id: string, data: string): string {
  const lines = data.split('\n').map((line) => `data: ${line}\n`)
  return `${id && `id: ${id}\n`}${lines.join('')}\n`
}
