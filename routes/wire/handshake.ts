import type { IncomingMessage } from 'node:http'
import type { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type WebSocket, WebSocketServer } from 'ws'
import { readCode } from '../../rooms/code.ts'
import { StoreFailure } from '../../rooms/stores/prompt.ts'
import { type Member, type Room, refuse } from '../../rooms/types.ts'
import { farewellFrame } from '../../templates/frames.ts'
import type { Place } from '../../templates/page.ts'
import { blockOf } from '../guard/address.ts'
import type { Knock } from '../guard/mounts.ts'
import { isAllowed } from '../guard/origin.ts'
import { wordsOf } from '../guard/refusals.ts'
import { bearer } from '../guard/session.ts'
import { forwardedScheme, type Site, type Visit } from '../guard/site.ts'
import { hostOf, readWhole } from '../guard/target.ts'
import { findVisit, mayGuess } from '../guard/visit.ts'
import { attach, RoomSocket, SocketConnection } from './connection.ts'
import { FRAME_BYTES } from './conversation.ts'
import { rejectHandshake } from './ending.ts'
import { FAREWELLS } from './farewells.ts'
import { readHead } from './head.ts'
import type { Sockets } from './socket.ts'

const HANDSHAKE_MS = 10_000

const PROTOCOL = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: FRAME_BYTES,
  maxFragments: 64,
  maxBufferedChunks: 1024,
  // Pongs that wait for somebody who pings and does not read: a few more than may be asked for at once.
  maxPendingAutoPongs: 128,
  closeTimeout: 2000,
}

/** What is to become of a handshake that was not refused. */
interface Welcome {
  readonly visit: Visit | undefined
  /** Whether somebody tries one code after the other. */
  readonly isGuessing: boolean
}

/** A handshake, from its request to its answer. */
interface Handshake extends Knock {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  /** Called once it is answered. */
  readonly done: () => void
}

/** The handshakes of one chat. */
export class Handshakes {
  #site: Site
  #sockets: Sockets
  /** Those that are not answered yet. */
  #pending = new Set<Duplex>()
  #server = new WebSocketServer({ ...PROTOCOL, WebSocket: RoomSocket })

  /** @param sockets where connections are kept once they are open */
  constructor(site: Site, sockets: Sockets) {
    this.#site = site
    this.#sockets = sockets
  }

  /**
   * Answers a WebSocket handshake. A page of a foreign origin is refused before the upgrade; whoever is refused for
   * good for another reason is let in and sent away, because htmx tries a refused handshake again for ever.
   */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, knock: Knock): void {
    const cancel = this.#site.clock.after(HANDSHAKE_MS, () => this.#reject(socket, 503))
    const done = () => {
      cancel()
      this.#pending.delete(socket)
      socket.off('close', done)
    }
    this.#pending.add(socket.on('close', done).on('error', ignore))
    void this.#meet({ ...knock, request, socket, head, done })
  }

  /** Lets nobody in any more. */
  stop(): void {
    for (const socket of this.#pending) socket.destroy()
  }

  async #meet(handshake: Handshake): Promise<void> {
    try {
      const welcome = await this.#answer(handshake)
      if (welcome) this.#upgrade(handshake, welcome)
    } catch (error) {
      console.error(error)
      this.#reject(handshake.socket, error instanceof StoreFailure ? 503 : 500)
    }
  }

  /** Refuses a handshake, or finds out what is to become of it. */
  async #answer({ request, socket, code }: Handshake): Promise<Welcome | undefined> {
    if (!readHead(request).isLawful) return this.#reject(socket, 400)
    if (this.#site.isDraining()) return this.#reject(socket, 503)
    if (!this.#isWelcome(request)) return this.#reject(socket, 403)
    const { authorization, cookie } = request.headers
    const room = readCode(code)
    const visit = room === undefined ? undefined : await findVisit(this.#site, room, authorization, cookie)
    if (socket.destroyed || socket.writableEnded) return undefined
    if (this.#site.isDraining()) return this.#reject(socket, 503)
    const isGuessing = !visit?.member && mayGuess(this.#site, blockOf(request.socket.remoteAddress), !visit) > 0
    return { visit, isGuessing }
  }

  #upgrade({ request, socket, head, place, done }: Handshake, { visit, isGuessing }: Welcome): void {
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      done()
      socket.off('error', ignore)
      ws.on('error', ignore)
      // Somebody who tries one code after the other is not told which is one.
      if (isGuessing) ws.close(1013)
      else if (visit?.member && !visit.member.isWaiting)
        this.#greet(ws as RoomSocket, socket as Socket, place, visit.room, visit.member)
      else dismiss(ws, visit, place)
    })
  }

  #greet(ws: RoomSocket, socket: Socket, place: Place, room: Room, member: Member): void {
    const address = blockOf(socket.remoteAddress)
    const met = { registry: this.#sockets, site: this.#site, address, place, code: room.code, member }
    const connection = new SocketConnection({ ...met, ws, socket })
    this.#sockets.keep(connection)
    void connection.enter()
    attach(ws, connection)
  }

  #isWelcome({ headers, socket, url }: IncomingMessage): boolean {
    if (bearer(headers.authorization) !== undefined) return true
    if (headers.origin === undefined) return false
    const scheme = readWhole(url)?.scheme ?? ((socket as TLSSocket).encrypted ? 'https' : 'http')
    const outside = forwardedScheme(headers['x-forwarded-proto']) ?? scheme
    return isAllowed(headers.origin, outside, hostOf(url, headers.host), this.#site.origins)
  }

  #reject(socket: Duplex, status: number): undefined {
    rejectHandshake(socket, this.#site.clock, status)
  }
}

// What goes wrong on a socket ends in its `close`.
function ignore(): void {}

/** Tells somebody who is not in the room why they are not let in. */
function dismiss(ws: WebSocket, visit: Visit | undefined, place: Place): void {
  const words = wordsTo(visit)
  ws.send(farewellFrame(words, place))
  ws.close(1008)
}

/** What somebody is told who is not let in for good. */
export function wordsTo(visit: Visit | undefined): string {
  if (!visit) return FAREWELLS['room-gone'].words
  return visit.member ? wordsOf(refuse('waiting')) : FAREWELLS.removed.words
}
