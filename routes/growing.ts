import type { Hono } from 'hono'
import { compress } from 'hono/compress'
import { createMiddleware } from 'hono/factory'
import { readCursor } from '../rooms/cursor.ts'
import type { Format } from '../rooms/fanout.ts'
import type { Event, Page, Result } from '../rooms/types.ts'
import { framePage, growingHead, growingTail, writePage } from '../templates/growing.ts'
import { lines } from '../templates/message.ts'
import { framePath, makeView, roomPath } from '../templates/room.ts'
import { type Ask, type Env, scopeOf, type Site } from './guard/site.ts'
import { answerRefusal } from './guard/refuse.ts'
import { fragmentBytes } from './wire/frames.ts'
import { openStream } from './wire/stream.ts'
import { whileRunning } from './guard/running.ts'
import { membersOnly, visiting } from './guard/visit.ts'

const text = new TextEncoder()
// About a thousand messages: a page that grows for ever would slow its browser down.
const GROWN_BYTES = 400_000
// Seconds after which a browser asks again for a stream that has ended or was cut.
const RETRY_SECONDS = 2
// A view of the growing page, as `makeView` names it.
const VIEW = ':view{[0-9]{1,15}\\.[0-9a-z]{1,16}-[0-9a-f]{8}}'
// A cookie of one view alone: the place at which it began when it was last asked for. Not the place at which it
// ended, because it may be cut before a line of it has arrived.
const SEEN = 'seen'
// The pages around a view vary by their cookies: a browser that is given this one asks for them again, instead of
// showing those that it keeps.
const OVER = 'over'
const DAY_SECONDS = 24 * 60 * 60
// Stands for a cursor that cannot be read: it belongs to no history, so the answer begins with a gap.
const NOWHERE = '0.0'
const COOKIE = `Max-Age=${DAY_SECONDS}; HttpOnly`

/** Lines of the log, as they are: what stands in such a page already cannot be changed. */
const lineFormat: Format = {
  encode: ({ events, previous }) => text.encode(lines({ events: events.filter(isLine), previous })),
  sizeOf: fragmentBytes,
}

/** The room without scripts: a page that keeps growing, one to write on beside it, and the frame around them. */
export function growing(app: Hono<Env>, site: Site): void {
  for (const path of ['/rooms/:code/live', `/rooms/:code/live/${VIEW}`] as const)
    app.get(path, endTurns(site), whileRunning(site), visiting(site), membersOnly, (c) => grow(c, site))
  app.get(`/rooms/:code/frame/${VIEW}`, compress({ encoding: 'gzip' }), visiting(site), membersOnly, (c) => surround(c))
  app.get('/rooms/:code/write', compress({ encoding: 'gzip' }), visiting(site), membersOnly, (c) =>
    c.html(writePage(c.get('place'), c.get('visit').room).toString()),
  )
}

async function grow(c: Ask, site: Site): Promise<Response> {
  const [visit, member] = [c.get('visit'), c.get('member')]
  const { room } = visit
  const isFrame = c.req.query('frame') !== undefined
  const read = await pageSince(site, room.code, lastPlace(c))
  if (!read.ok) return answerRefusal(c, read)
  const { page } = read
  const path = `${roomPath(c.get('place'), room)}/live/${c.req.param('view') ?? makeView(page)}`
  const body = openStream({
    method: c.req.method,
    site,
    outgoing: c.env?.outgoing,
    code: room.code,
    member,
    kind: 'page',
    format: lineFormat,
    since: page.cursor,
    head: growingHead({ place: c.get('place'), room, member, page, isFrame }).toString(),
    keepAlive: '\n',
    tail: (cursor) =>
      growingTail(
        cursor && `${path}?since=${cursor}${isFrame ? '&frame' : ''}${c.get('place').frame ? '&framed' : ''}`,
      ),
    limit: GROWN_BYTES,
  })
  return c.body(body, 200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no',
    'Set-Cookie': `${SEEN}=${page.start}; Path=${path}; ${COOKIE}; ${scopeOf(c, site)}`,
    ...(!isFrame && { Refresh: `${RETRY_SECONDS}; url=${path}` }),
  })
}

/** The frame, or the page that waits to show it again. */
function surround(c: Ask): Response {
  const { room } = c.get('visit')
  const view = c.req.param('view') ?? ''
  const isWaiting = c.req.query('wait') !== undefined
  c.header('Cache-Control', `private, max-age=${DAY_SECONDS}`)
  c.header('Vary', 'Cookie')
  c.header('Refresh', `1; url=${framePath(c.get('place'), room, view, !isWaiting)}`)
  return c.html(framePage(c.get('place'), room, view, isWaiting).toString())
}

/**
 * Ends the turns of the two pages around a view whose room or member is gone. A browser has kept both pages and would
 * show them for ever; with another cookie it asks for them again, and is refused.
 */
function endTurns(site: Site) {
  return createMiddleware<Env>(async (c, next) => {
    await next()
    const [code = '', view] = [c.req.param('code'), c.req.param('view')]
    if (!view || site.rooms.codeOf(code) !== code || (c.res.status !== 401 && c.res.status !== 404)) return
    const path = `${c.get('place').base}/rooms/${code}/frame/${view}`
    c.header('Set-Cookie', `${OVER}=1; Path=${path}; ${COOKIE}; ${scopeOf(c, site)}`)
  })
}

/**
 * The newest page, or all that follows the place of a view if that is more: without scripts a browser cannot ask for
 * what it missed.
 */
async function pageSince(site: Site, code: string, place: string | undefined): Promise<Result<{ page: Page }>> {
  const newest = await site.rooms.read(code, { sizeOf: fragmentBytes })
  if (!place || !newest.ok) return newest
  const cursor = readCursor(place) ? place : NOWHERE
  const missed = await site.rooms.readOn(code, { cursor, limit: 200, sizeOf: fragmentBytes })
  if (!missed.ok) return missed
  const { stretch } = missed
  const messages = stretch.entries.filter((entry) => entry.kind === 'message')
  const isGap = stretch.gap !== undefined && stretch.gap.missed !== 0
  const isMore = isGap || stretch.more || messages.length > newest.page.messages.length
  return isMore ? { ok: true, page: { ...stretch, messages, more: stretch.previous !== undefined } } : newest
}

function isLine({ kind }: Event): boolean {
  return kind !== 'edited' && kind !== 'deleted'
}

/** Where a view is to go on: where its last document says that it ended, or where that began, or where the view did. */
function lastPlace(c: Ask): string | undefined {
  const seen = /(?:^|;\s*)seen=([\w.]+)/.exec(c.req.header('cookie') ?? '')?.[1]
  return c.req.query('since') || seen || c.req.param('view')?.split('-')[0]
}
