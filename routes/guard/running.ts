import { createMiddleware } from 'hono/factory'
import { refuse } from '../../rooms/types.ts'
import { answerRefusal } from './refuse.ts'
import type { Env, Site } from './site.ts'

// Until another server should have taken over.
const COME_BACK_SECONDS = 5

/** Streams are not begun by a server that is about to stop: the next one has them. A browser asks again by itself. */
export function whileRunning(site: Site) {
  return createMiddleware<Env>(async (c, next) => {
    if (!site.isDraining()) return next()
    c.header('Refresh', String(COME_BACK_SECONDS))
    return answerRefusal(c, refuse('draining', { retryAfter: COME_BACK_SECONDS }))
  })
}
