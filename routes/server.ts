import { createServer, type IncomingMessage, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { systemClock } from '../rooms/clock.ts'
import { refuse } from '../rooms/types.ts'
import { paths } from '../static/built.ts'
import { policyFor, protect } from './app.ts'
import { type Ground, openChat } from './chat.ts'
import type { Figures } from './figures.ts'
import { frameOf } from './guard/frame.ts'
import { isOwnOrigin } from './guard/origin.ts'
import { outsideOfRequest } from './guard/outside.ts'
import { answerRefusal } from './guard/refuse.ts'
import type { Env, Site } from './guard/site.ts'
import { close, listen } from './listening.ts'
import { Answer, Answers } from './wire/answers.ts'
import { rejectHandshake } from './wire/ending.ts'
import { asksForSocket, readHead } from './wire/head.ts'

export interface ServerOptions extends Ground {
  readonly port: number
  readonly host: string
  readonly base: string
}

export interface RunningServer {
  readonly port: number
  /** What there is now, and what was done since the start. */
  figures(): Figures
  /** Takes no more, delivers what was taken, says goodbye to everyone and stops. */
  stop(): Promise<void>
}

// How long somebody who does not answer a goodbye can hold up the end.
const PATIENCE_MS = 2000
// Connections that wait to be taken, when thousands come back in the same second.
const BACKLOG = 4096

const HTTP = {
  ServerResponse: Answer,
  keepAlive: true,
  keepAliveTimeout: 65_000,
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5000,
  // Node 24 and Deno leave a request that asks for any other protocol, h2c say, with the others; Node 22 does not.
  shouldUpgradeCallback: asksForSocket,
  // What Node answers by itself does not wait for the earlier answers of its connection, so nothing is left to it.
  requireHostHeader: false,
}

/** Starts to serve; rejects where it cannot listen. Node and Deno share this server and its sockets. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { clock = systemClock } = options
  const chat = openChat({ ...options, isWired: true })
  const { site } = chat
  const app = standAlone(chat.app, site, options.base)
  const listener = getRequestListener(app.fetch, { autoCleanupIncoming: false })
  const addressOf = (request: IncomingMessage) => outsideOfRequest(request, site.proxies).address
  const answers = new Answers(clock, listener, { failed: site.ledger.failed, addressOf })
  const server = createServer(HTTP, (request, answer) => answers.take(request, answer))
  // What else a request expects may be left unheeded (RFC 9110, 10.1.1).
  server.on('checkExpectation', (request, answer) => answers.take(request, answer))
  server.on('upgrade', (request, socket, head) => {
    answers.takeOver(socket, () => {
      if (chat.upgrade(request, socket, head)) return
      if (asksForSocket(request)) rejectHandshake(socket, clock, readHead(request).isLawful ? 404 : 400)
      else answers.answerPlainly(request)
    })
  })
  const { port, host } = options
  return {
    port: await listen(server, { port, host, backlog: BACKLOG }),
    figures: chat.figures,
    // Until the chat has drained it listens, to tell those who come that it is about to go.
    stop: () => chat.drain().finally(() => end(server, answers)),
  }
}

/** The chat where nothing else is served. */
export function standAlone(chat: Hono<Env>, site: Site, base: string): Hono<Env> {
  const policy = policyFor(site.frameOrigins)
  // A mounted app has each of its steps wrapped by Hono, which costs a request a twentieth of its time.
  const root = base ? new Hono<Env>().route(base, chat) : chat
  root.notFound((c) => {
    protect(c, policy)
    c.set('place', { base, assets: paths, frame: site.frameOrigins.length > 0 ? frameOf(c, false) : undefined })
    c.set('refused', site.ledger.refused)
    if (base && /^\/(rooms\/[^/]+)?$/.test(c.req.path)) site.advice.baseLost(base)
    return answerRefusal(c, refuse(isOwnOrigin(c, site) ? 'not-found' : 'wrong-origin'))
  })
  return root
}

/** Settles once nobody is connected any more. */
function end(server: Server, answers: Answers): Promise<void> {
  const closed = close(server)
  answers.stop()
  server.closeIdleConnections()
  setTimeout(() => server.closeAllConnections(), PATIENCE_MS).unref()
  return closed
}
