import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { type Clock, systemClock } from '../rooms/clock.ts'
import { Rooms } from '../rooms/rooms.ts'
import type { Store } from '../rooms/stores/store.ts'
import { paths } from '../static/built.ts'
import { makeApp } from './app.ts'
import { makeLimits } from './guard/limits.ts'
import { Sessions } from './guard/session.ts'
import type { Site } from './guard/site.ts'
import { Answer, Answers } from './wire/answers.ts'
import { Sockets } from './wire/socket.ts'

export interface ServerOptions {
  readonly port: number
  readonly host: string
  readonly base: string
  readonly secrets: string[]
  readonly store: Store
  /** Milliseconds an empty room is kept. */
  readonly ttl: number
  readonly origins: string[]
  readonly areRatesLimited: boolean
  /** Milliseconds in which somebody without a connection has not left. */
  readonly grace?: number
  readonly clock?: Clock
}

export interface RunningServer {
  readonly port: number
  /** Takes no more, delivers what was taken, says goodbye to everyone and stops. */
  stop(): Promise<void>
}

// Browsers that all come back in the same second would be the next storm.
const GOODBYES_MS = 3000
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
  // Whatever Node answers by itself stands in no order with the other answers of its connection.
  requireHostHeader: false,
}

/** A site with all that its routes stand on. */
export function makeSite(options: ServerOptions, isDraining: () => boolean): Site {
  const { store, ttl, areRatesLimited, grace, clock = systemClock } = options
  return {
    place: { base: options.base, assets: paths },
    rooms: new Rooms({ store, ttl, areRatesLimited, grace, clock }),
    clock,
    sessions: new Sessions(options.secrets, clock),
    limits: makeLimits(clock, areRatesLimited),
    origins: new Set(options.origins),
    streams: new Map(),
    isDraining,
  }
}

/** Starts to serve; rejects where it cannot listen. Node and Deno share this server and its sockets. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  let isDraining = false
  const site = makeSite(options, () => isDraining)
  const sockets = new Sockets(site)
  const answers = new Answers(site.clock, getRequestListener(makeApp(site).fetch, { autoCleanupIncoming: false }))
  const server = createServer(HTTP, (request, answer) => answers.take(request, answer))
  // What else a request expects may be left unheeded (RFC 9110, 10.1.1).
  server.on('checkExpectation', (request, answer) => answers.take(request, answer))
  server.on('upgrade', (request, socket, head) => {
    answers.takeOver(socket, () => {
      if (asksForSocket(request)) sockets.accept(request, socket, head)
      else answers.answerPlainly(request)
    })
  })
  await listen(server, options)
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      isDraining = true
      await site.rooms.drain(GOODBYES_MS)
      // Until here it listened, to tell those who came that it is about to go.
      const closed = new Promise((resolve) => server.close(resolve))
      sockets.stop()
      answers.stop()
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), PATIENCE_MS).unref()
      await closed
      await site.rooms.close()
    },
  }
}

function listen(server: Server, { port, host }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function asksForSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}
