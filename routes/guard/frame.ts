// Sites whose pages may show a room in a frame, and what a page and its cookies are there.
import type { Context } from 'hono'
import type { Frame } from '../../templates/page.ts'

/** A site as it was set that cannot be one, and what is to be done about that. */
export interface WrongSite {
  readonly item: string
  readonly advice: string
}

// A policy that names them goes out with every answer.
const SITES = 100
const STAR = '*.'
// What a policy can name (CSP 3, 2.3.1): a name of letters and digits, or an IPv4 address.
const NAME = /^[\w-]+(\.[\w-]+)*$/

/**
 * Reads the sites: origins, in which `*.` stands for whatever is before a name.
 * @param isShared whether names below this one belong to people who have nothing to do with each other
 * @returns the sites as browsers write origins, each once; or the first that cannot be, and why
 */
export function readSites(items: readonly string[], isShared: (host: string) => boolean): string[] | WrongSite {
  const sites = new Set<string>()
  for (const item of items) {
    const site = readSite(item, isShared)
    if (typeof site !== 'string') return { item, ...site }
    sites.add(site)
    if (sites.size > SITES) return { item, advice: `at most ${SITES} sites can be named` }
  }
  return [...sites]
}

function readSite(item: string, isShared: (host: string) => boolean): string | Omit<WrongSite, 'item'> {
  const [, scheme, star = '', host] = /^(https?):\/\/(\*\.)?([^/?#\\]+)$/i.exec(item.replace(/[/?#\\]+$/, '')) ?? []
  const origin = host !== undefined && originOf(`${scheme}://${host}`)
  if (!origin) return { advice: adviceFor(item) }
  const site = origin.replace('://', `://${star}`)
  const { hostname } = new URL(origin)
  if (/[/?#\\]$/.test(item) || hostname.endsWith('.')) return { advice: `write ${site.replace(/\.(?=$|:\d+$)/, '')}` }
  if (!NAME.test(hostname)) return { advice: 'browsers take no such host here: write its name' }
  if (star && !/\..*[a-z][^.]*$/.test(hostname)) return { advice: 'a star needs a name of two parts or more behind it' }
  if (star && isShared(hostname))
    return { advice: `below ${hostname} anybody can have a site: name those that may, one by one` }
  return site
}

function originOf(url: string): string | undefined {
  if (/[*@]/.test(url) || !URL.canParse(url)) return undefined
  return new URL(url).origin
}

function adviceFor(item: string): string {
  if (!/^https?:\/\//i.test(item)) return 'it has to begin with https:// or http://'
  if (item.includes('@')) return 'leave the name before the @ out'
  if (item.includes('*')) return 'a star can only be the whole first part of the host, as in https://*.example.org'
  if (/^https?:\/\/[^/?#]+[/?#]/i.test(item)) return 'leave out what follows the host and port'
  return 'that is no site'
}

/** Origins that may open sockets and post: those named one by one, and the sites that may show rooms. */
export function originsOf(origins: readonly string[], sites: readonly string[]): Pick<ReadonlySet<string>, 'has'> {
  const named = new Set([...origins, ...sites])
  const patterns = sites.filter((site) => site.includes(STAR)).map((site) => site.split(STAR))
  if (patterns.length === 0) return named
  return { has: (origin) => named.has(origin) || patterns.some(([scheme, rest]) => isBelow(origin, scheme, rest)) }
}

function isBelow(origin: string, scheme: string, rest: string): boolean {
  if (!origin.startsWith(scheme) || !origin.endsWith(`.${rest}`)) return false
  return NAME.test(origin.slice(scheme.length, -rest.length - 1))
}

/** Whether a host, with its port or without, is this machine as browsers see it: there cookies are safe without TLS. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/:\d+$/, '')
  return /^(?:.+\.)?localhost$|^127(?:\.\d{1,3}){3}$|^\[::1\]$/.test(name)
}

/**
 * What a cookie says of where it goes. One that is to reach a frame on another site has to be secure (RFC 6265bis, 5.7),
 * and is kept apart for each site around (CHIPS): where a browser would drop a secure one it stays as it was.
 * @param scheme as the browser has it, and so is the host
 */
export function cookieScope(isFramable: boolean, scheme: string, host: string): string {
  const isSecure = scheme === 'https'
  if (isFramable && (isSecure || isLoopback(host))) return 'SameSite=None; Secure; Partitioned'
  return isSecure ? 'SameSite=Lax; Secure' : 'SameSite=Lax'
}

// What a browser says it fetches a page for (Fetch Metadata, 2.1). It says so where its line is safe.
const FRAMES: readonly string[] = ['iframe', 'frame', 'embed', 'object']
const MARK = /[?&](?:framed|readonly)(?=[=&#]|$)/
const READONLY = /[?&]readonly(?=[=&#]|$)/

/**
 * The frame in which a page is to be shown: the browser says so, or the address that it was framed with, or that of
 * the page that a form was in.
 * @param isPart whether the page stands in a frame of our own even in a window, so that only the address tells
 */
export function frameOf(c: Context, isPart: boolean): Frame | undefined {
  const purpose = isPart ? undefined : c.req.header('sec-fetch-dest')
  if (purpose !== undefined && !FRAMES.includes(purpose)) return undefined
  const address = c.req.method === 'POST' ? (c.req.header('referer') ?? '') : c.req.url
  if (purpose === undefined && !MARK.test(address)) return undefined
  return { isReadonly: READONLY.test(address) }
}
