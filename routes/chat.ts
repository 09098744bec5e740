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
import { originsOf } from './guard/frame.ts'
import { Handovers } from './guard/handover.ts'
import { makeLimits } from './guard/limits.ts'
import { Mounts } from './guard/mounts.ts'
import { type Reporter, reportError } from './guard/report.ts'
import { Sessions } from './guard/session.ts'
import type { Env, Site } from './guard/site.ts'
import { type ChatOptions, type ChatSettings, readOptions } from './settings.ts'
import { Handshakes } from './wire/handshake.ts'
import { asksForSocket } from './wire/head.ts'
import { Sockets } from './wire/socket.ts'

/** What a chat stands on: its settings, a store that is open, and what only tests give it. */
export interface Ground extends Omit<ChatSettings, 'store' | 'history'> {
  readonly store: Store
  /** Carries hints to other processes on the same store; without one there are no others. */
  readonly bus?: Bus
  readonly clock?: Clock
  /** Takes what is worth keeping; without one it goes to standard error. */
  readonly report?: Reporter
  /** Milliseconds in which somebody without a connection has not left. */
  readonly grace?: number
}

export interface Chat {
  /** To be mounted: `host.route('/chat', chat.app)`, at any path. */
  readonly app: Hono<Env>
  /**
   * Answers a WebSocket handshake; for the `upgrade` event of a Node server.
   * @returns whether it was one of this chat's; else nothing was touched, and somebody else has to answer
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
  /** Takes no more, delivers what was taken, says goodbye to everyone and lets go of the store. */
  drain(): Promise<void>
}

// Browsers that all come back in the same second would be the next storm.
const GOODBYES_MS = 3000

/**
 * Makes a chat; it shares nothing with any other. Throws a SettingsError where an option cannot be.
 *
 * Who signs with the same secret is the same chat, as far as a session can tell. Two chats of one process want a secret
 * each, or a `basePath` each: else, after a restart and before anything was asked for, one takes the other's handshakes.
 */
export function createChat(options: ChatOptions = {}, { clock, grace }: Pick<Ground, 'clock' | 'grace'> = {}): Chat {
  const settings = readOptions(options)
  const store = options.store ?? settings.store
  return openChat({
    ...settings,
    store: typeof store === 'string' ? openStore(store, { ...settings, clock }) : store,
    clock,
    grace,
  })
}

/** The same from settings that were read already. */
export function openChat(ground: Ground): Chat {
  let drained: Promise<void> | undefined
  const site = makeSite(ground, () => drained !== undefined)
  const sockets = new Sockets(site.clock)
  const handshakes = new Handshakes(site, sockets)
  return {
    app: makeApp(site),
    upgrade(request, socket, head) {
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
    await site.rooms.close()
  }
}

/** All that the routes of one chat stand on. */
export function makeSite(ground: Ground, isDraining: () => boolean): Site {
  const { store, bus, ttl, areRatesLimited, grace, clock = systemClock, report = reportError } = ground
  const sessions = new Sessions(ground.secrets, clock)
  return {
    mounts: new Mounts(paths, sessions, ground.base),
    rooms: new Rooms({ store, bus, ttl, areRatesLimited, grace, clock }),
    clock,
    sessions,
    limits: makeLimits(clock, areRatesLimited),
    origins: originsOf(ground.origins, ground.frameOrigins),
    frameOrigins: ground.frameOrigins,
    handovers: new Handovers(sessions, clock),
    streams: new Map(),
    report,
    isDraining,
  }
}
