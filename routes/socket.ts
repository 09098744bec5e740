import type { Hono } from 'hono'
import { readCode } from '../rooms/code.ts'
import { refuse } from '../rooms/types.ts'
import { farewellFrame } from '../templates/frames.ts'
import { isAllowed } from './guard/origin.ts'
import { answerRefusal } from './guard/refuse.ts'
import { whileRunning } from './guard/running.ts'
import { bearer } from './guard/session.ts'
import { type Ask, addressOf, type Env, type Site, schemeOf, type Visit } from './guard/site.ts'
import { findVisit, mayGuess } from './guard/visit.ts'
import { wordsTo } from './wire/handshake.ts'
import type { Sockets } from './wire/socket.ts'
import { type Upgraded, upgradeOf, WebConnection } from './wire/web.ts'

/** A room's socket, where the server upgrades by itself; a Node server hands its handshakes to `upgrade`. */
export function socket(app: Hono<Env>, site: Site, sockets: Sockets): void {
  app.get('/rooms/:code/socket', needsUpgrade(site), whileRunning(site), (c) => open(c, site, sockets))
}

/** Whoever cannot have a socket is told so: a page that asked for one goes on by events. */
function needsUpgrade(site: Site) {
  return async (c: Ask, next: () => Promise<void>) => {
    const asks = c.req.header('upgrade')?.toLowerCase() === 'websocket'
    if (asks && upgradeOf(c.env)) return next()
    // What hands all handshakes to the app, to find its own among them, has no answer to write to.
    if (asks && c.env?.outgoing) site.wiring.miss()
    c.header('Upgrade', 'websocket')
    return answerRefusal(c, refuse('socket-only'))
  }
}

/**
 * Opens a socket. A page of a foreign origin is refused before the upgrade; whoever is refused for good for another
 * reason is let in and sent away, because htmx tries a refused handshake again for ever.
 */
async function open(c: Ask, site: Site, sockets: Sockets): Promise<Response> {
  if (!isWelcome(c, site)) return answerRefusal(c, refuse('wrong-origin'))
  const { authorization, cookie } = c.req.header()
  const code = readCode(c.req.param('code') ?? '')
  const visit = code === undefined ? undefined : await findVisit(site, code, authorization, cookie)
  if (site.isDraining()) return answerRefusal(c, refuse('draining', { retryAfter: 5 }))
  const address = addressOf(c)
  const isGuessing = !visit?.member && mayGuess(site, address, !visit) > 0
  const upgraded = upgrade(c)
  if (!upgraded) return answerRefusal(c, refuse('malformed'))
  upgraded.socket.addEventListener('open', () => {
    // Somebody who tries one code after the other is not told which is one.
    if (isGuessing) upgraded.socket.close(1013)
    else greet(upgraded.socket, visit)
  })
  return upgraded.response

  function greet(socket: WebSocket, visit: Visit | undefined): void {
    const { room, member } = visit ?? {}
    const place = c.get('place')
    if (!room || !member || member.isWaiting) {
      socket.send(farewellFrame(wordsTo(visit), place))
      return socket.close(1008)
    }
    const connection = new WebConnection({ registry: sockets, site, place, code: room.code, member, socket, address })
    sockets.keep(connection)
    void connection.enter()
  }
}

function isWelcome(c: Ask, { origins }: Site): boolean {
  const { authorization, origin, host } = c.req.header()
  if (bearer(authorization) !== undefined) return true
  return origin !== undefined && isAllowed(origin, schemeOf(c), host, origins)
}

function upgrade(c: Ask): Upgraded | undefined {
  try {
    return upgradeOf(c.env)?.(c.req.raw)
  } catch {
    // What no handshake can be made of lacks what one has to say of itself.
    return undefined
  }
}
