import { Buffer } from 'node:buffer'
import { type IncomingMessage, STATUS_CODES } from 'node:http'
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
import { endSocket } from './ending.ts'
import { PING, textFrame } from './frames.ts'
import { readHead } from './head.ts'

const FRAME_BYTES = 16 * 1024
const BEAT_MS = 25_000
const LOOK_MS = 5000
const HANDSHAKE_MS = 10_000
// Somebody whose network comes and goes leaves dead ones behind.
const SOCKETS = 16

const BEATS = Buffer.concat([PING, textFrame('<!---->')])

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

/** The sockets of one server. */
export class Sockets {
  #site: Site
  #open = new Set<SocketConnection>()
  #own = new Map<string, Set<SocketConnection>>()
  /** Handshakes that are not answered yet. */
  #pending = new Set<Duplex>()
  #server = new WebSocketServer({ ...PROTOCOL, WebSocket: RoomSocket })
  #cancelLook: () => void
  #nextBeat: number

  constructor(site: Site) {
    this.#site = site
    this.#cancelLook = this.#schedule()
    this.#nextBeat = site.clock.elapsed() + BEAT_MS
  }

  /**
   * Answers a WebSocket handshake. A page of a foreign origin is refused before the upgrade; whoever is refused for
   * good for another reason is let in and sent away, because htmx tries a refused handshake again for ever.
   */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const cancel = this.#site.clock.after(HANDSHAKE_MS, () => this.#reject(socket, 503))
    const done = () => {
      cancel()
      this.#pending.delete(socket)
    }
    this.#pending.add(socket.once('close', done))
    void this.#meet(request, socket, head, done)
  }

  /** Says goodbye to those who are left. */
  stop(): void {
    this.#cancelLook()
    for (const connection of this.#open) connection.close('restart')
    for (const socket of this.#pending) socket.destroy()
  }

  async #meet(request: IncomingMessage, socket: Duplex, head: Buffer, done: () => void): Promise<void> {
    try {
      const welcome = await this.#answer(request, socket)
      if (welcome) this.#upgrade(request, socket, head, welcome, done)
    } catch (error) {
      console.error(error)
      this.#reject(socket, 500)
    }
  }

  /** Refuses a handshake, or finds out what is to become of it. */
  async #answer(request: IncomingMessage, socket: Duplex): Promise<Welcome | undefined> {
    const code = codeOf(request, this.#site.place)
    if (!readHead(request).isLawful) return this.#reject(socket, 400)
    if (code === undefined) return this.#reject(socket, 404)
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

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, welcome: Welcome, done: () => void): void {
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      done()
      socket.off('close', done)
      if (welcome.isGuessing) sendAway(ws)
      else this.#greet(ws as RoomSocket, socket, welcome.visit)
    })
  }

  #reject(socket: Duplex, status: number): undefined {
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
    endSocket(socket, this.#site.clock, head)
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
    this.#keep(connection)
    this.#site.rooms.enter(connection.code, connection)
    attach(ws, connection)
  }

  #keep(connection: SocketConnection): void {
    this.#open.add(connection)
    const { id } = connection.member
    const own = this.#own.get(id) ?? new Set()
    this.#own.set(id, own.add(connection))
    if (own.size <= SOCKETS) return
    const oldest = [...own].reduce((oldest, one) => (one.heard < oldest.heard ? one : oldest))
    own.delete(oldest)
    oldest.giveWay()
  }

  forget(connection: SocketConnection): void {
    this.#open.delete(connection)
    const own = this.#own.get(connection.member.id)
    own?.delete(connection)
    if (own?.size === 0) this.#own.delete(connection.member.id)
  }

  #schedule(): () => void {
    return this.#site.clock.after(LOOK_MS, () => {
      this.#cancelLook = this.#schedule()
      this.#look()
    })
  }

  /** Drops those who have been silent for too long, and now and then gives the others something to answer. */
  #look(): void {
    const now = this.#site.clock.elapsed()
    const isBeat = now >= this.#nextBeat
    if (isBeat) this.#nextBeat = now + BEAT_MS
    for (const connection of this.#open) {
      if (connection.isDead(now)) connection.cut()
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
