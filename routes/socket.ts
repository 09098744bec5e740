import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { readCode } from '../rooms/code.ts'
import type { Connection, Farewell, Format } from '../rooms/fanout.ts'
import { type Member, type Refusal, refuse } from '../rooms/types.ts'
import { farewellFrame, frame, refusalFrame } from '../templates/frames.ts'
import type { Place } from '../templates/page.ts'
import { writeDirectly } from './lane.ts'
import { isAllowed } from './origin.ts'
import { wordsOf } from './refusals.ts'
import { forwardedScheme, type Site, type Visit } from './site.ts'
import { findVisit, mayGuess } from './visit.ts'
import { PING, textFrame } from './wire.ts'

const FRAME = 16 * 1024
const UNSENT = 1024 * 1024
const BEAT = 25_000
const SILENCE = 60_000
const LOOK = 5000
// Refusals in a row after which somebody is not mistaken but flooding.
const STRIKES = 100

const FAREWELLS: Record<Farewell, { code: number; words: string }> = {
  restart: { code: 1012, words: '' },
  removed: { code: 1008, words: 'You are no longer in this room.' },
  'room-gone': { code: 4000, words: 'This room is gone.' },
}

/** Messages as fragments in text frames; encoded once for everyone. */
const socketFormat: Format = { encode: (batch) => textFrame(frame(batch)) }
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
    const isGuessing = !visit?.member && mayGuess(this.#site, request.socket.remoteAddress ?? 'unknown', !visit) > 0
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
    if (headers.authorization !== undefined) return true
    const scheme = forwardedScheme(headers['x-forwarded-proto']) ?? 'http'
    return headers.origin !== undefined && isAllowed(headers.origin, scheme, headers.host, this.#site.origins)
  }

  #greet(ws: RoomSocket, socket: Duplex, visit: Visit | undefined): void {
    ws.on('error', ignore)
    if (!visit?.member) return dismiss(ws, visit, this.#site.place)
    const connection = new SocketConnection(this, this.#site, ws, socket as Socket, visit.room.code, visit.member)
    ws.connection = connection
    this.#open.add(connection)
    this.#site.rooms.enter(connection.code, connection)
    ws.on('message', onMessage)
    ws.on('pong', onPong)
    ws.on('close', onClose)
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

class RoomSocket extends WebSocket {
  connection: SocketConnection | undefined
}

/** One open socket: a few fields, and no function of its own. */
class SocketConnection implements Connection {
  readonly format = socketFormat
  readonly member: Member
  readonly code: string
  seen = 0
  heard: number
  strikes = 0
  hasStarted = false
  #sockets: Sockets
  #site: Site
  #ws: RoomSocket
  #socket: Socket
  #isBehind = false

  constructor(sockets: Sockets, site: Site, ws: RoomSocket, socket: Socket, code: string, member: Member) {
    this.#sockets = sockets
    this.#site = site
    this.#ws = ws
    this.#socket = socket
    this.heard = site.clock.now()
    this.code = code
    this.member = member
  }

  get isClosed(): boolean {
    return this.#ws.readyState !== WebSocket.OPEN
  }

  /** Writes a whole frame past `ws`, which would frame the same bytes anew for each socket. */
  write(bytes: Uint8Array): void {
    if (this.isClosed) return
    if (this.#socket.writableLength > UNSENT) return this.cut()
    const isFree = !this.#isBehind && this.#socket.writableLength === 0
    const written = isFree ? writeDirectly(this.#socket, bytes, () => this.#caughtUp()) : undefined
    if (written === undefined) this.#socket.write(bytes)
    else if (written === 'failed') this.cut()
    else this.#isBehind = written === 'queued'
  }

  drained(): Promise<void> {
    if (this.isClosed || !this.#socket.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off('drain', done).off('close', done)
        resolve()
      }
      this.#socket.once('drain', done).once('close', done)
    })
  }

  close(farewell: Farewell): void {
    if (this.isClosed) return
    const { code, words } = FAREWELLS[farewell]
    if (words) this.write(textFrame(farewellFrame(words, this.#site.place)))
    this.#ws.close(code)
  }

  /** Ends at once, for a reader that would only ever read more slowly. */
  cut(): void {
    this.#ws.terminate()
  }

  /** Something came from the other end: it is there. */
  hear(): void {
    this.heard = this.#site.clock.now()
  }

  /** Takes what a client sent: where to begin, or something to say. */
  async take(data: RawData, isBinary: boolean): Promise<void> {
    this.hear()
    if (isBinary) return this.#ws.close(1003)
    const asked = readAsk(String(data))
    if (!asked) return this.#refuse(refuse('malformed'))
    if (asked.since !== undefined && !this.hasStarted) {
      this.hasStarted = true
      await this.#site.rooms.connect(this.code, this, asked.since)
    }
    if (asked.text !== undefined) await this.#post(asked.text, asked.key ?? '')
  }

  ended(): void {
    this.#sockets.forget(this)
    this.#site.rooms.disconnect(this.code, this)
  }

  #caughtUp(): void {
    this.#isBehind = false
  }

  async #post(text: string, key: string): Promise<void> {
    const posted = await this.#site.rooms.post(this.code, this.member, { text, key })
    if (posted.ok) this.strikes = 0
    else this.#refuse(posted)
  }

  #refuse(refusal: Refusal): void {
    this.strikes += 1
    if (this.strikes >= STRIKES) this.#ws.close(1008, 'flooding')
    else this.write(textFrame(refusalFrame(wordsOf(refusal))))
  }
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  void (this as RoomSocket).connection?.take(data, isBinary)
}

function onPong(this: WebSocket): void {
  ;(this as RoomSocket).connection?.hear()
}

function onClose(this: WebSocket): void {
  ;(this as RoomSocket).connection?.ended()
}

// What goes wrong on a socket ends in its `close`.
function ignore(): void {}

interface Asked {
  readonly since?: string
  readonly text?: string
  readonly key?: string
}

function readAsk(data: string): Asked | undefined {
  let json: unknown
  try {
    json = JSON.parse(data)
  } catch {
    return undefined
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
  const { since, text, key } = json as Record<string, unknown>
  const isReadable = [since, text, key].every((value) => value === undefined || typeof value === 'string')
  return isReadable ? (json as Asked) : undefined
}

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
