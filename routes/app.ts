import { Hono, type MiddlewareHandler } from 'hono'
import { refuse } from '../rooms/types.ts'
import { events } from './events.ts'
import { files } from './files.ts'
import { frameOf } from './guard/frame.ts'
import { growing } from './growing.ts'
import { isOwnOrigin } from './guard/origin.ts'
import { outsideOf } from './guard/outside.ts'
import { answerRefusal, refusalOf } from './guard/refuse.ts'
import type { Ask, Env, Site } from './guard/site.ts'
import { health } from './health.ts'
import { home } from './home.ts'
import { door } from './join.ts'
import { messages } from './messages.ts'
import { room } from './room.ts'
import { socket } from './socket.ts'
import type { Sockets } from './wire/socket.ts'
import { windows } from './window.ts'

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
]
// What stands in frames of our own where scripts do not run, and what is sent from there.
const PARTS = /^\/rooms\/:code\/(?:live|frame|write|messages)\b/

/** What browsers are to keep to, and which sites may show these pages in a frame (CSP 3). */
export function policyFor(frameOrigins: readonly string[]): string {
  return [...POLICY, `frame-ancestors ${["'self'", ...frameOrigins].join(' ')}`].join(';')
}

/**
 * Everything a request can meet, in the order in which it meets it. Nothing runs for a path that is not the chat's own,
 * wherever a host mounts this.
 */
export function makeApp(site: Site, sockets: Sockets): Hono<Env> {
  const pages = new Hono<Env>()
  health(pages, site)
  home(pages, site)
  door(pages, site)
  room(pages, site)
  messages(pages, site)
  events(pages, site)
  growing(pages, site)
  socket(pages, site, sockets)
  windows(pages, site)
  const app = new Hono<Env>()
  files(app)
  const methods = methodsOf([...app.routes, ...pages.routes])
  const policy = policyFor(site.frameOrigins)
  for (const path of methods.keys()) app.use(path, meet(site, path, policy))
  app.route('/', pages)
  for (const [path, known] of methods) app.all(path, (c) => refuseMethod(c, known))
  // Where a host mounts this at `/chat`, Hono takes an empty path for `/chat/`.
  for (const route of app.routes.filter(({ path }) => path === '/')) app.routes.push({ ...route, path: '' })
  app.onError((error, c) => answerRefusal(c, refusalOf(site, error)))
  return app
}

/**
 * What every answer carries.
 * @param policy as `policyFor` makes it
 */
export function protect(c: Ask, policy: string): void {
  c.header('Content-Security-Policy', policy)
  c.header('X-Content-Type-Options', 'nosniff')
  // With `no-referrer` browsers would send `Origin: null` with a form.
  c.header('Referrer-Policy', 'same-origin')
  c.header('Cache-Control', 'no-store')
}

/** The first that a request meets. */
function meet(site: Site, path: string, policy: string): MiddlewareHandler<Env> {
  const isPart = PARTS.test(path)
  const isFramable = site.frameOrigins.length > 0
  const depth = path === '/' ? 0 : path.split('/').length - 1
  return (c, next) => {
    const place = site.mounts.placeOf(c, depth)
    const frame = isFramable ? frameOf(c, isPart) : undefined
    c.set('place', frame ? { ...place, frame } : place)
    c.set('refused', site.ledger.refused)
    protect(c, policy)
    return isOwnOrigin(c, site) ? next() : Promise.resolve(refuseOrigin(c, site))
  }
}

function refuseOrigin(c: Ask, { advice, proxies }: Site): Response {
  const origin = c.req.header('origin')
  if (origin !== undefined) advice.originRefused(origin, outsideOf(c, proxies))
  return answerRefusal(c, refuse('wrong-origin'))
}

/** The methods of each path. */
function methodsOf(routes: Hono['routes']): Map<string, Set<string>> {
  const known = new Map<string, Set<string>>()
  for (const { method, path } of routes) {
    if (method === 'ALL') continue
    known.set(path, (known.get(path) ?? new Set()).add(method))
    if (method === 'GET') known.get(path)?.add('HEAD')
  }
  return known
}

/** Tells what can be done at an address to whoever tries something else there. */
function refuseMethod(c: Ask, known: ReadonlySet<string>): Response {
  if (known.has(c.req.method)) return answerRefusal(c, refuse('not-found'))
  c.header('Allow', [...known].join(', '))
  return answerRefusal(c, refuse('wrong-method'))
}
