import type { IncomingMessage } from 'node:http'
import type { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { type Member, type Room, refuse } from '../../rooms/types.ts'
import type { Knock } from '../guard/mounts.ts'
import { mayConnect } from '../guard/origin.ts'
import { type Outside, outsideOfRequest } from '../guard/outside.ts'
import { type SiteCode, statusOf } from '../guard/refusals.ts'
import { refusalOf } from '../guard/refuse.ts'
import type { Site } from '../guard/site.ts'
import { findVisit } from '../guard/visit.ts'
import { attach, RoomSocket, SocketConnection } from './connection.ts'
import { FRAME_BYTES } from './conversation.ts'
import { rejectHandshake } from './ending.ts'
import { readHead } from './head.ts'
import type { Sockets } from './socket.ts'
import { greet, type Welcome, welcomeOf } from './welcome.ts'

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

/** A handshake, from its request to its answer. */
interface Handshake extends Knock {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly outside: Outside
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
    const cancel = this.#site.clock.after(HANDSHAKE_MS, () => this.#reject(socket, 'unavailable'))
    const done = () => {
      cancel()
      this.#pending.delete(socket)
      socket.off('close', done)
    }
    this.#pending.add(socket.on('close', done).on('error', ignore))
    const outside = outsideOfRequest(request, this.#site.proxies)
    void this.#meet({ ...knock, request, socket, head, outside, done })
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
      this.#reject(handshake.socket, refusalOf(this.#site, error).refusal)
    }
  }

  /** Refuses a handshake, or finds out what is to become of it. */
  async #answer({ request, socket, code, outside }: Handshake): Promise<Welcome | undefined> {
    if (!readHead(request).isLawful) return this.#reject(socket, 'malformed')
    if (this.#site.isDraining()) return this.#reject(socket, 'draining')
    const { origin, authorization, cookie } = request.headers
    if (!mayConnect(origin, authorization, outside, this.#site)) return this.#reject(socket, 'wrong-origin')
    const room = this.#site.rooms.codeOf(code)
    const visit = room === undefined ? undefined : await findVisit(this.#site, room, authorization, cookie)
    if (socket.destroyed || socket.writableEnded) return undefined
    if (this.#site.isDraining()) return this.#reject(socket, 'draining')
    return welcomeOf(visit, this.#site, outside.address)
  }

  #upgrade(handshake: Handshake, welcome: Welcome): void {
    const { request, socket, head, place, done } = handshake
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      done()
      socket.off('error', ignore)
      ws.on('error', ignore)
      greet(ws, welcome, this.#site, place, (room, member) => this.#letIn(ws as RoomSocket, handshake, room, member))
    })
  }

  #letIn(ws: RoomSocket, { socket, outside, place }: Handshake, room: Room, member: Member): void {
    const { address } = outside
    const met = { registry: this.#sockets, site: this.#site, address, place, code: room.code, member }
    const connection = new SocketConnection({ ...met, ws, socket: socket as Socket })
    this.#sockets.keep(connection)
    void connection.enter()
    attach(ws, connection)
  }

  #reject(socket: Duplex, kind: SiteCode): undefined {
    if (!socket.writableEnded) this.#site.ledger.refused(kind)
    rejectHandshake(socket, this.#site.clock, statusOf(refuse(kind)))
  }
}

// What goes wrong on a socket ends in its `close`.
function ignore(): void {}
