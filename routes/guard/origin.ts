import type { MiddlewareHandler } from 'hono'
import { refuse } from '../../rooms/types.ts'
import { answerRefusal } from './refuse.ts'
import { type Env, type Site, schemeOf } from './site.ts'

/**
 * Refuses what another site's page sends. A request without an `Origin` is taken: text browsers and programs send
 * none, and the cookie is SameSite=Lax.
 */
export function guardOrigin(site: Site): MiddlewareHandler<Env> {
  return async (c, next) => {
    const origin = c.req.header('origin')
    if (c.req.method === 'GET' || c.req.method === 'HEAD' || origin === undefined) return next()
    const isOwn =
      origin === 'null'
        ? c.req.header('sec-fetch-site') === 'same-origin'
        : isAllowed(origin, schemeOf(c), c.req.header('host'), site.origins)
    return isOwn ? next() : answerRefusal(c, site, refuse('wrong-origin'))
  }
}

/** Whether an `Origin` is the request's own, or one that was named in the settings. */
export function isAllowed(
  origin: string,
  scheme: string,
  host: string | undefined,
  others: ReadonlySet<string>,
): boolean {
  return origin === `${scheme}://${host}` || others.has(origin)
}
