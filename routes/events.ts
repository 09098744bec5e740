import { Buffer } from 'node:buffer'
import type { Hono } from 'hono'
import { writeCursor } from '../rooms/cursor.ts'
import type { Batch, Format } from '../rooms/fanout.ts'
import { frame } from '../templates/frames.ts'
import { message } from '../templates/message.ts'
import { messageJson } from './messages.ts'
import type { Ask, Env, Site } from './guard/site.ts'
import { openStream } from './wire/stream.ts'
import { membersOnly, visiting, whileRunning } from './guard/visit.ts'

const text = new TextEncoder()

/** Fragments as server-sent events (HTML Living Standard, 9.2), for pages whose sockets are blocked. */
const fragmentEvents: Format = {
  encode: (batch) => text.encode(event(batch.cursor, frame(batch))),
  sizeOf: (entry) => Buffer.byteLength(event('', message(entry))),
}

/** One JSON message an event, for programs; a gap is an event of its own name. */
const jsonEvents: Format = {
  encode: (batch) => text.encode(batch.events.map((one) => jsonEvent(one)).join('') + place(batch)),
  sizeOf: (entry) => Buffer.byteLength(jsonEvent(entry)),
}

/** The room as server-sent events. */
export function events(app: Hono<Env>, site: Site): void {
  app.get('/rooms/:code/events', whileRunning(site), visiting(site), membersOnly(site), (c) => follow(c, site))
}

function follow(c: Ask, site: Site): Response {
  const { visit, member } = c.var
  const isJson = c.req.query('format') === 'json' || (c.req.header('accept')?.includes('application/json') ?? false)
  const body = openStream({
    method: c.req.method,
    site,
    outgoing: c.env?.outgoing,
    code: visit.room.code,
    member,
    format: isJson ? jsonEvents : fragmentEvents,
    since: c.req.header('last-event-id') ?? c.req.query('since') ?? '',
    head: ':\n\n',
    // A comment is invisible to a page's script, which has to notice a line that went dead.
    keepAlive: isJson ? ':\n\n' : 'event: beat\ndata:\n\n',
  })
  return c.body(body, 200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no',
  })
}

function jsonEvent(one: Batch['events'][number]): string {
  if (one.kind === 'message') return event(writeCursor(one), JSON.stringify(messageJson(one)))
  if (one.kind === 'gap') return `event: gap\n${event('', JSON.stringify({ missed: one.missed ?? null }))}`
  return ''
}

/** An id alone is no event, but a reader keeps it: one that has heard nothing yet can resume too. */
function place({ events, cursor }: Batch): string {
  return events.some(({ kind }) => kind === 'message') || cursor === '' ? '' : `id: ${cursor}\n\n`
}

function event(id: string, data: string): string {
  const lines = data.split('\n').map((line) => `data: ${line}\n`)
  return `${id && `id: ${id}\n`}${lines.join('')}\n`
}
