import type { Hono } from 'hono'
import { type Member, type Room, refuse } from '../rooms/types.ts'
import { mayConnect } from './guard/origin.ts'
import { outsideOf } from './guard/outside.ts'
import { answerRefusal } from './guard/refuse.ts'
import { whileRunning } from './guard/running.ts'
import type { Ask, Env, Site } from './guard/site.ts'
import { findVisit } from './guard/visit.ts'
import type { Sockets } from './wire/socket.ts'
import { type Upgraded, upgradeOf, WebConnection } from './wire/web.ts'
import { greet, welcomeOf } from './wire/welcome.ts'

/** A room's socket, where the server upgrades by itself; a Node server hands its handshakes to `upgrade`. */
export function socket(app: Hono<Env>, site: Site, sockets: Sockets): void {
  app.get('/rooms/:code/socket', needsUpgrade(site), whileRunning(site), (c) => open(c, site, sockets))
}

/** Whoever cannot have a socket is told so (RFC 9110, 15.5.22): a page that asked for one goes on by events. */
function needsUpgrade({ wiring, advice }: Site) {
  return async (c: Ask, next: () => Promise<void>) => {
    const asks = c.req.header('upgrade')?.toLowerCase() === 'websocket' && c.env?.incoming?.httpVersion !== '1.0'
    if (asks && upgradeOf(c.env)) return next()
    // What hands all handshakes to the app, to find its own among them, has no answer to write to.
    if (asks && c.env?.outgoing) wiring.miss()
    // A proxy that was not told to drops half of a handshake.
    if (!asks && c.req.header('sec-websocket-key') !== undefined) advice.upgradeLost()
    c.header('Upgrade', 'websocket')
    c.header('Connection', 'Upgrade, close')
    return answerRefusal(c, refuse('upgrade-required'))
  }
}

/**
 * Opens a socket. A page of a foreign origin is refused before the upgrade; whoever is refused for good for another
 * reason is let in and sent away.
 */
async function open(c: Ask, site: Site, sockets: Sockets): Promise<Response> {
  const { origin, authorization, cookie } = c.req.header()
  const outside = outsideOf(c, site.proxies)
  if (!mayConnect(origin, authorization, outside, site)) return answerRefusal(c, refuse('wrong-origin'))
  const code = site.rooms.codeOf(c.req.param('code') ?? '')
  const visit = code === undefined ? undefined : await findVisit(site, code, authorization, cookie)
  if (site.isDraining()) return answerRefusal(c, refuse('draining', { retryAfter: 5 }))
  const { address } = outside
  const welcome = welcomeOf(visit, site, address)
  const upgraded = upgrade(c)
  if (!upgraded) return answerRefusal(c, refuse('malformed'))
  const { socket, response } = upgraded
  const place = c.get('place')
  const letIn = (room: Room, member: Member) => {
    const connection = new WebConnection({ registry: sockets, site, place, code: room.code, member, socket, address })
    sockets.keep(connection)
    void connection.enter()
  }
  socket.addEventListener('open', () => greet(socket, welcome, site, place, letIn))
  return response
}

function upgrade(c: Ask): Upgraded | undefined {
  try {
    return upgradeOf(c.env)?.(c.req.raw)
  } catch {
    // What no handshake can be made of lacks what one has to say of itself.
    return undefined
  }
}
