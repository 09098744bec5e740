import { type Outside, outsideOf } from './outside.ts'
import { bearer } from './session.ts'
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

/**
 * Whether somebody may have a socket: a program with a token, or a page of an origin that may, because browsers send
 * cookies with the handshakes of any page (RFC 6455, 10.2). Tells whoever runs this of another origin.
 */
export function mayConnect(
  origin: string | undefined,
  authorization: string | undefined,
  outside: Outside,
  { origins, advice }: Pick<Site, 'origins' | 'advice'>,
): boolean {
  if (bearer(authorization) !== undefined) return true
  if (origin === undefined) return false
  if (isAllowed(origin, outside.scheme, outside.host, origins)) return true
  advice.originRefused(origin, outside)
  return false
}

/** Whether an `Origin` is the request's own, or one that was named in the settings. */
function isAllowed(origin: string, scheme: string, host: string | undefined, others: Site['origins']): boolean {
  return (host !== undefined && isOriginOf(origin, `${scheme}://${host}`)) || others.has(origin)
}

/** Some proxies name the port that the scheme has anyway, or keep capitals as they were typed (RFC 6454, 4). */
function isOriginOf(origin: string, address: string): boolean {
  return origin === address || (URL.canParse(address) && new URL(address).origin === origin)
}
