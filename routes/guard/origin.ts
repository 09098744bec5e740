import { type Ask, type Site, schemeOf } from './site.ts'
import { hostOf } from './target.ts'

/**
 * Whether a request was not sent by another site's page. One without an `Origin` is taken: text browsers and programs
 * send none, and the cookie is SameSite=Lax.
 */
export function isOwnOrigin(c: Ask, { origins }: Pick<Site, 'origins'>): boolean {
  const origin = c.req.header('origin')
  if (c.req.method === 'GET' || c.req.method === 'HEAD' || origin === undefined) return true
  if (origin === 'null') return c.req.header('sec-fetch-site') === 'same-origin'
  return isAllowed(origin, schemeOf(c), hostOf(c.env?.incoming?.url, c.req.header('host')), origins)
}

/** Whether an `Origin` is the request's own, or one that was named in the settings. */
export function isAllowed(
  origin: string,
  scheme: string,
  host: string | undefined,
  others: ReadonlySet<string>,
): boolean {
  return (host !== undefined && origin === `${scheme}://${host}`) || others.has(origin)
}
