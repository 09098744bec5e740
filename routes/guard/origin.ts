import { outsideOf } from './outside.ts'
import type { Ask, Site } from './site.ts'

const FOREIGN: readonly string[] = ['cross-site', 'same-site']

/**
 * Whether a request was not sent by another site's page. One without an `Origin` is taken, because text browsers and
 * programs send none, unless the browser itself says that another site sent it: in a frame the cookie cannot be
 * SameSite=Lax.
 */
export function isOwnOrigin(c: Ask, { origins, proxies }: Pick<Site, 'origins' | 'proxies'>): boolean {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return true
  const origin = c.req.header('origin')
  if (origin === undefined) return !FOREIGN.includes(c.req.header('sec-fetch-site') ?? '')
  if (origin === 'null') return c.req.header('sec-fetch-site') === 'same-origin'
  const { scheme, host } = outsideOf(c, proxies)
  return isAllowed(origin, scheme, host, origins)
}

/** Whether an `Origin` is the request's own, or one that was named in the settings. */
export function isAllowed(origin: string, scheme: string, host: string | undefined, others: Site['origins']): boolean {
  return (host !== undefined && isOriginOf(origin, `${scheme}://${host}`)) || others.has(origin)
}

/** Some proxies name the port that the scheme has anyway, or keep capitals as they were typed (RFC 6454, 4). */
function isOriginOf(origin: string, address: string): boolean {
  return origin === address || (URL.canParse(address) && new URL(address).origin === origin)
}
