import { type Ask, type Site, schemeOf } from './site.ts'
import { hostOf } from './target.ts'

const FOREIGN: readonly string[] = ['cross-site', 'same-site']

/**
 * Whether a request was not sent by another site's page. One without an `Origin` is taken, because text browsers and
 * programs send none, unless the browser itself says that another site sent it: in a frame the cookie cannot be
 * SameSite=Lax.
 */
export function isOwnOrigin(c: Ask, { origins }: Pick<Site, 'origins'>): boolean {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return true
  const origin = c.req.header('origin')
  if (origin === undefined) return !FOREIGN.includes(c.req.header('sec-fetch-site') ?? '')
  if (origin === 'null') return c.req.header('sec-fetch-site') === 'same-origin'
  return isAllowed(origin, schemeOf(c), hostOf(c.env?.incoming?.url, c.req.header('host')), origins)
}

/** Whether an `Origin` is the request's own, or one that was named in the settings. */
export function isAllowed(origin: string, scheme: string, host: string | undefined, others: Site['origins']): boolean {
  return (host !== undefined && origin === `${scheme}://${host}`) || others.has(origin)
}
