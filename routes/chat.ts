import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Buffer } from 'node:buffer'
import type { Hono } from 'hono'
import { type Clock, systemClock } from '../rooms/clock.ts'
import { Rooms } from '../rooms/rooms.ts'
import { openStore } from '../rooms/stores/open.ts'
import type { Bus } from '../rooms/stores/bus.ts'
import type { Store } from '../rooms/stores/store.ts'
import { paths } from '../static/built.ts'
import { makeApp } from './app.ts'
import { Advice } from './guard/advice.ts'
import { type AskVisitor, makePatient } from './guard/asking.ts'
import { originsOf } from './guard/frame.ts'
import { Handovers } from './guard/handover.ts'
import { makeLimits } from './guard/limits.ts'
import { Ledger } from './guard/ledger.ts'
import { Mounts } from './guard/mounts.ts'
import { Proxies } from './guard/proxies.ts'
import { type Reporter, reportError } from './guard/report.ts'
import { Sessions } from './guard/session.ts'
import type { Site } from './guard/site.ts'
import { type Figures, figuresOf } from './figures.ts'
import { VisitorTokens } from './guard/visitor.ts'
import { Wiring } from './guard/wiring.ts'
import { type ChatOptions, readOptions } from './options.ts'
import type { ChatSettings } from './settings.ts'
import { Handshakes } from './wire/handshake.ts'
import { asksForSocket } from './wire/head.ts'
import { Sockets } from './wire/socket.ts'

/** What a chat stands on: its settings, a store that is open, and what only tests give it. */
export interface Ground extends Omit<ChatSettings, 'store' | 'history' | 'fixed' | 'visitorSecrets'> {
  readonly store: Store
  /** Rooms that always exist. */
  readonly fixed?: ChatSettings['fixed']
  /** Any of them verifies visitors for whom another site vouches. */
  readonly visitorSecrets?: readonly string[]
  /** Who asks, as the site around the chat knows them. */
  readonly visitor?: AskVisitor
  /** Carries hints to other processes on the same store; without one there are no others. */
  readonly bus?: Bus
  readonly clock?: Clock
  /** Takes what is worth keeping; without one it goes to standard error. */
  readonly report?: Reporter
  /** Keeps what happened; without one the chat has its own. */
  readonly ledger?: Ledger
  /** Whether its server is known to hand handshakes on. */
  readonly isWired?: boolean
  /** Milliseconds in which somebody without a connection has not left. */
  readonly grace?: number
}

/** A chat, to be put in an app. */
export interface Chat {
  /**
   * To be mounted: `host.route('/chat', chat.app)`, at any path. Under `Deno.serve(host.fetch)` it opens sockets by
   * itself. Whoever calls `fetch` with a request alone, without what the server gives beside it, hides the addresses of
   * those who ask: then the limits for one address hold for all of them together.
   */
  // What its requests carry is the chat's own, and no type of the host's.
  readonly app: Hono<any>
  /**
   * Answers a WebSocket handshake; for the `upgrade` event of a Node server, Deno's and Bun's `node:http` among them.
   * Where nobody calls it, and under `Bun.serve`, events carry the pages.
   * @param request as the server gives it, and so are the others
   * @returns whether it was one of this chat's; else nothing was touched, and somebody else has to answer
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
  /** Takes no more, delivers what was taken, says goodbye to everyone and lets go of the store, within 10 s; for SIGTERM. */
  drain(): Promise<void>
}

// Browsers that all come back in the same second would be the next storm.
const GOODBYES_MS = 3000

/**
 * Makes a chat; it shares nothing with any other. Throws a SettingsError where an option cannot be.
 *
 * ```ts
 * const chat = createChat({ secret })
 * host.route('/chat', chat.app)
 * server.on('upgrade', (request, socket, head) => chat.upgrade(request, socket, head) || socket.destroy())
 * ```
 *
 * Who signs with the same secret is the same chat, as far as a session can tell. Two chats of one process want a secret
 * each, or a `basePath` each: else, after a restart and before anything was asked for, one takes the other's handshakes.
 */
export function createChat(options: ChatOptions = {}): Chat {
  const settings = readOptions(options)
  const store = options.store ?? settings.store
  const { app, upgrade, drain } = openChat({
    ...settings,
    store: typeof store === 'string' ? openStore(store, settings) : store,
    visitor: options.visitor,
  })
  return { app, upgrade, drain }
}

/** A chat, and what a server of its own asks it for. */
export interface OpenChat extends Chat {
  readonly site: Site
  figures(): Figures
}

/** The same from settings that were read already. */
export function openChat(ground: Ground): OpenChat {
  let drained: Promise<void> | undefined
  const site = makeSite(ground, () => drained !== undefined)
  const sockets = new Sockets(site.clock)
  const handshakes = new Handshakes(site, sockets)
  return {
    site,
    figures: () => figuresOf(site, sockets),
    app: makeApp(site, sockets),
    upgrade(request, socket, head) {
      site.wiring.reach()
      const knock = asksForSocket(request) ? site.mounts.knockOf(request) : undefined
      if (knock) handshakes.accept(request, socket, head, knock)
      return knock !== undefined
    },
    drain() {
      drained ??= end()
      return drained
    },
  }

  async function end(): Promise<void> {
    await site.rooms.drain(GOODBYES_MS)
    sockets.stop()
    handshakes.stop()
    await site.rooms.close().finally(() => site.ledger.flush())
  }
}

/** All that the routes of one chat stand on. */
export function makeSite(ground: Ground, isDraining: () => boolean): Site {
  const { store, bus, ttl, areRatesLimited, grace, clock = systemClock, report = reportError, isWired = false } = ground
  const { ledger = new Ledger(clock, report), visitorSecrets: secrets = [], visitor } = ground
  const { failed, hosted } = ledger
  const sessions = new Sessions(ground.secrets, clock)
  const rooms = new Rooms({ store, fixed: ground.fixed, bus, ttl, areRatesLimited, grace, clock, failed, hosted })
  return {
    mounts: new Mounts(paths, sessions, (typed) => rooms.codeOf(typed), ground.base),
    rooms,
    clock,
    sessions,
    limits: makeLimits(clock, areRatesLimited),
    visitors: {
      tokens: secrets.length > 0 ? new VisitorTokens({ secrets, clock, report }) : undefined,
      ask: visitor && makePatient(visitor, clock, report),
      key: secrets[0] ?? ground.secrets[0],
    },
    origins: originsOf(ground.origins, ground.frameOrigins),
    frameOrigins: ground.frameOrigins,
    handovers: new Handovers(sessions, clock),
    streams: new Map(),
    proxies: new Proxies(ground.trustedProxies),
    report,
    advice: new Advice(clock, report),
    ledger,
    wiring: new Wiring(report, isWired),
    isDraining,
  }
}
