import type { Hono } from 'hono'
import type { Env, Site } from './guard/site.ts'

/** Says how the chat is, to whoever decides where requests go. */
export function health(app: Hono<Env>, site: Site): void {
  app.get('/health', async (c) => {
    const status = await statusOf(site)
    return c.json({ status }, status === 'ok' ? 200 : 503)
  })
}

async function statusOf(site: Site): Promise<'ok' | 'draining' | 'unavailable'> {
  if (site.isDraining()) return 'draining'
  return (await site.rooms.isWell()) ? 'ok' : 'unavailable'
}
