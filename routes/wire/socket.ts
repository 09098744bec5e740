import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { readCode } from '../../rooms/code.ts'
import { farewellFrame } from '../../templates/frames.ts'
import type { Place } from '../../templates/page.ts'
import { blockOf } from '../guard/address.ts'
import { isAllowed } from '../guard/origin.ts'
import { bearer } from '../guard/session.ts'
import { forwardedScheme, type Site, type Visit } from '../guard/site.ts'
import { findVisit, mayGuess } from '../guard/visit.ts'
import { attach, FAREWELLS, RoomSocket, SocketConnection } from './connection.ts'
import { PING, textFrame } from './frames.ts'

const FRAME = 16 * 1024
const BEAT = 25_000
const SILENCE = 60_000
const LOOK = 5000

const BEATS = Buffer.concat([PING, textFrame('<!---->')])

const PROTOCOL = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: FRAME,
  maxFragments: 64,
  maxBufferedChunks: 1024,
  closeTimeout: 2000,
}

/** The sockets of one server. */
export class Sockets {
  #site: Site
  #open = new Set<SocketConnection>()
  #server = new WebSocketServer({ ...PROTOCOL, WebSocket: RoomSocket })
  #cancelLook: () => void
  #nextBeat: number

  constructor(site: Site) {
    this.#site = site
    this.#cancelLook = this.#schedule()
    this.#nextBeat = site.clock.now() + BEAT
  }

  /**
   * Answers a WebSocket handshake. A page of a foreign origin is refused before the upgrade; whoever is refused for
   * good for another reason is let in and sent away, because htmx tries a refused handshake again for ever.
   */
  async accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', ignore)
    const code = codeOf(request, this.#site.place)
    if (code === undefined) return reject(socket, 404, 'Not Found')
    if (this.#site.isDraining()) return reject(socket, 503, 'Service Unavailable')
    if (!this.#isWelcome(request)) return reject(socket, 403, 'Forbidden')
    const { authorization, cookie } = request.headers
    const room = readCode(code)
    const visit = room === undefined ? undefined : await findVisit(this.#site, room, authorization, cookie)
    if (socket.destroyed) return
    if (this.#site.isDraining()) return reject(socket, 503, 'Service Unavailable')
    const isGuessing = !visit?.member && mayGuess(this.#site, blockOf(request.socket.remoteAddress), !visit) > 0
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      if (isGuessing) return sendAway(ws)
      this.#greet(ws as RoomSocket, socket, visit)
    })
  }

  /** Says goodbye to those who are left. */
  stop(): void {
    this.#cancelLook()
    for (const connection of this.#open) connection.close('restart')
  }

  #isWelcome({ headers }: IncomingMessage): boolean {
    if (bearer(headers.authorization) !== undefined) return true
    const scheme = forwardedScheme(headers['x-forwarded-proto']) ?? 'http'
    return headers.origin !== undefined && isAllowed(headers.origin, scheme, headers.host, this.#site.origins)
  }

  #greet(ws: RoomSocket, socket: Duplex, visit: Visit | undefined): void {
    ws.on('error', ignore)
    if (!visit?.member) return dismiss(ws, visit, this.#site.place)
    const connection = new SocketConnection(this, this.#site, ws, socket as Socket, visit.room.code, visit.member)
    this.#open.add(connection)
    this.#site.rooms.enter(connection.code, connection)
    attach(ws, connection)
  }

  forget(connection: SocketConnection): void {
    this.#open.delete(connection)
  }

  #schedule(): () => void {
    return this.#site.clock.after(LOOK, () => {
      this.#cancelLook = this.#schedule()
      this.#look()
    })
  }

  /** Drops those who have been silent for too long, and now and then gives the others something to answer. */
  #look(): void {
    const now = this.#site.clock.now()
    const isBeat = now >= this.#nextBeat
    if (isBeat) this.#nextBeat = now + BEAT
    for (const connection of this.#open) {
      if (now - connection.heard >= SILENCE) connection.cut()
      else if (isBeat) connection.write(connection.hasStarted ? BEATS : PING)
    }
  }
}

// What goes wrong on a socket ends in its `close`.
function ignore(): void {}

function dismiss(ws: WebSocket, visit: Visit | undefined, place: Place): void {
  const words = visit ? FAREWELLS.removed.words : FAREWELLS['room-gone'].words
  ws.send(farewellFrame(words, place))
  ws.close(1008)
}

/** Closes a socket to somebody who tries one code after the other. */
function sendAway(ws: WebSocket): void {
  ws.on('error', ignore)
  ws.close(1013)
}

function codeOf({ url = '' }: IncomingMessage, { base }: Place): string | undefined {
  const path = url.split('?')[0]
  const match = path.startsWith(`${base}/rooms/`) ? /^([^/]+)\/socket$/.exec(path.slice(base.length + 7)) : null
  return match?.[1]
}

function reject(socket: Duplex, status: number, reason: string): void {
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
