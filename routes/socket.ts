import type { Hono } from 'hono'
import { refuse } from '../rooms/types.ts'
import { answerRefusal } from './guard/refuse.ts'
import type { Ask, Env, Site } from './guard/site.ts'

/** The address of a room's socket, for whoever asks there in any other way than by a handshake. */
export function socket(app: Hono<Env>, site: Site): void {
  app.get('/rooms/:code/socket', (c) => refusePlain(c, site))
}

/** Says what is missing (RFC 9110, 15.5.22): a proxy that was not told to drops half of a handshake. */
function refusePlain(c: Ask, { advice }: Site): Response {
  if (c.req.header('sec-websocket-key') !== undefined) advice.upgradeLost()
  c.header('Upgrade', 'websocket')
  c.header('Connection', 'Upgrade, close')
  return answerRefusal(c, refuse('upgrade-required'))
}
