import type { Hono } from 'hono'
import { compress } from 'hono/compress'
import type { Format } from '../rooms/fanout.ts'
import type { Page } from '../rooms/types.ts'
import { framePage, liveHead, liveTail, writePage } from '../templates/live.ts'
import { lines } from '../templates/message.ts'
import { framePath, roomPath } from '../templates/room.ts'
import type { Ask, Env, Site } from './guard/site.ts'
import { fragmentBytes } from './wire/frames.ts'
import { openStream } from './wire/stream.ts'
import { membersOnly, visiting, whileRunning } from './guard/visit.ts'

const text = new TextEncoder()
// About a thousand messages: a page that grows for ever would slow its browser down.
const GROWN_BYTES = 400_000
// Seconds after which a browser asks again for a stream that has ended or was cut.
const RETRY_SECONDS = 2
// A cookie of the growing page alone: the newest place in the log when it was last asked for.
const SEEN = 'seen'

/** Lines of the log, as they are. */
const lineFormat: Format = { encode: (batch) => text.encode(lines(batch)), sizeOf: fragmentBytes }

/** The room without scripts: a page that keeps growing, one to write on beside it, and the frame around them. */
export function live(app: Hono<Env>, site: Site): void {
  app.get('/rooms/:code/live', whileRunning(site), visiting(site), membersOnly(site), (c) => grow(c, site))
  app.get('/rooms/:code/frame', compress({ encoding: 'gzip' }), visiting(site), membersOnly(site), (c) =>
    surround(c, site),
  )
  app.get('/rooms/:code/write', compress({ encoding: 'gzip' }), visiting(site), membersOnly(site), (c) =>
    c.html(writePage(site.place, c.var.visit.room).toString()),
  )
}

async function grow(c: Ask, site: Site): Promise<Response> {
  const { visit, member } = c.var
  const { room } = visit
  const isFrame = c.req.query('frame') !== undefined
  const known = c.req.query('since') ?? lastSeen(c)
  const page = await pageSince(site, room.code, known)
  const path = `${roomPath(site.place, room)}/live`
  const body = openStream({
    method: c.req.method,
    site,
    outgoing: c.env?.outgoing,
    code: room.code,
    member,
    format: lineFormat,
    since: page.cursor,
    head: liveHead({ place: site.place, room, member, page, isFrame }).toString(),
    keepAlive: '\n',
    tail: (cursor) => liveTail(cursor && `${path}?since=${cursor}${isFrame ? '&frame' : ''}`),
    limit: GROWN_BYTES,
  })
  return c.body(body, 200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no',
    'Set-Cookie': `${SEEN}=${page.cursor}; Path=${path}; HttpOnly; SameSite=Lax`,
    ...(!isFrame && { Refresh: String(RETRY_SECONDS) }),
  })
}

/** The frame, or the page that waits to show it again. */
function surround(c: Ask, site: Site): Response {
  const { room } = c.var.visit
  const isWaiting = c.req.query('wait') !== undefined
  c.header('Cache-Control', 'private, max-age=86400')
  c.header('Refresh', `1; url=${framePath(site.place, room, !isWaiting)}`)
  return c.html(framePage(site.place, room, isWaiting).toString())
}

/**
 * The newest page, or all that followed what a browser has seen if that is more: without scripts it cannot ask for
 * what it missed, but its cookie says where it was.
 */
async function pageSince(site: Site, code: string, known: string | undefined): Promise<Page> {
  const newest = await site.rooms.newest(code, fragmentBytes)
  if (known === undefined) return newest
  const missed = await site.rooms.history(code, { after: known, limit: 200, sizeOf: fragmentBytes })
  if (!missed.ok) return { ...newest, gap: { kind: 'gap' } }
  const { page } = missed
  if (page.gap) return { ...newest, gap: page.gap }
  const isMore = page.more || page.entries.length > newest.entries.length
  return isMore ? { ...page, more: page.previous !== undefined } : newest
}

function lastSeen(c: Ask): string | undefined {
  return /(?:^|;\s*)seen=([\w.]+)/.exec(c.req.header('cookie') ?? '')?.[1]
}
