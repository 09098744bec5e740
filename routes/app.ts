import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { refuse } from '../rooms/types.ts'
import { events } from './events.ts'
import { files } from './files.ts'
import { home } from './home.ts'
import { growing } from './growing.ts'
import { messages } from './messages.ts'
import { guardOrigin } from './guard/origin.ts'
import { answerRefusal } from './guard/refuse.ts'
import { room } from './room.ts'
import type { Env, Site } from './guard/site.ts'

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "frame-src 'self'",
  "frame-ancestors 'self'",
  "base-uri 'none'",
].join(';')

/** Everything a request can meet, in the order in which it meets it. */
export function makeApp(site: Site): Hono<Env> {
  const root = new Hono<Env>()
  const app = site.place.base ? root.basePath(site.place.base) : root
  files(app)
  root.use(protect)
  root.use(guardOrigin(site))
  health(app, site)
  home(app, site)
  room(app, site)
  messages(app, site)
  events(app, site)
  growing(app, site)
  refuseOtherMethods(root, site)
  root.onError((error, c) => {
    console.error(error)
    return answerRefusal(c, site, refuse('broken'))
  })
  root.notFound((c) => answerRefusal(c, site, refuse('not-found')))
  return root
}

const protect = createMiddleware<Env>(async (c, next) => {
  c.header('Content-Security-Policy', POLICY)
  c.header('X-Content-Type-Options', 'nosniff')
  // With `no-referrer` browsers would send `Origin: null` with a form.
  c.header('Referrer-Policy', 'same-origin')
  c.header('Cache-Control', 'no-store')
  await next()
})

/** Tells what can be done at an address to whoever tries something else there. */
function refuseOtherMethods(root: Hono<Env>, site: Site): void {
  const known = new Map<string, Set<string>>()
  for (const { method, path } of root.routes) {
    if (method === 'ALL') continue
    known.set(path, (known.get(path) ?? new Set()).add(method))
    if (method === 'GET') known.get(path)?.add('HEAD')
  }
  for (const [path, methods] of known) {
    root.all(path, (c, next) => {
      if (methods.has(c.req.method)) return next()
      c.header('Allow', [...methods].join(', '))
      return answerRefusal(c, site, refuse('wrong-method'))
    })
  }
}

function health(app: Hono<Env>, site: Site): void {
  app.get('/health', (c) => (site.isDraining() ? c.json({ status: 'draining' }, 503) : c.json({ status: 'ok' })))
}
