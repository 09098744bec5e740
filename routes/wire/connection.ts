import type { Socket } from 'node:net'
import { type RawData, WebSocket } from 'ws'
import { type Bucket, fill, take } from '../../rooms/bucket.ts'
import type { Connection, Farewell, Format } from '../../rooms/fanout.ts'
import { StoreFailure } from '../../rooms/stores/prompt.ts'
import { type Member, refuse } from '../../rooms/types.ts'
import { farewellFrame, frame, refusalFrame } from '../../templates/frames.ts'
import type { Place } from '../../templates/page.ts'
import { post } from '../guard/limits.ts'
import { type SiteRefusal, wordsOf } from '../guard/refusals.ts'
import type { Site } from '../guard/site.ts'
import { type Asked, readAsked } from './asked.ts'
import { type Writer, writeDirectly } from './direct.ts'
import { FAREWELLS } from './farewells.ts'
import { fragmentBytes, PONG, textFrame } from './frames.ts'
import { Progress, unsentBytes } from './progress.ts'

const UNSENT_BYTES = 1024 * 1024
const SILENCE_MS = 60_000

/** Messages as fragments in text frames; encoded once for everyone. */
const socketFormat: Format = { encode: (batch) => textFrame(frame(batch)), sizeOf: fragmentBytes }

/** Where open connections are kept. */
interface Registry {
  forget(connection: SocketConnection): void
}

export interface ConnectionOptions {
  readonly registry: Registry
  readonly site: Site
  readonly ws: RoomSocket
  readonly socket: Socket
  /** Whose limits its posts count for. */
  readonly address: string
  /** Where the chat is mounted, as its page sees it. */
  readonly place: Place
  readonly code: string
  readonly member: Member
}

/** A socket of `ws` that knows its connection. */
export class RoomSocket extends WebSocket {
  connection: SocketConnection | undefined
}

/** One open socket: a few fields, and no function of its own. */
export class SocketConnection implements Connection, Writer {
  readonly format = socketFormat
  readonly member: Member
  readonly code: string
  seen = 0
  heard: number
  hasStarted = false
  #registry: Registry
  #site: Site
  #ws: RoomSocket
  #socket: Socket
  #place: Place
  #address: string
  #isBehind = false
  /** Settles once the store has said whether its member is still one. */
  #entering: Promise<void> | undefined
  #frames: Bucket
  #progress = new Progress()

  constructor({ registry, site, ws, socket, address, place, code, member }: ConnectionOptions) {
    this.#registry = registry
    this.#site = site
    this.#ws = ws
    this.#socket = socket
    this.#address = address
    this.#place = place
    this.heard = site.clock.elapsed()
    this.#frames = fill(site.limits.frames, this.heard)
    this.code = code
    this.member = member
  }

  get isClosed(): boolean {
    return this.#ws.readyState !== WebSocket.OPEN
  }

  /** Writes a whole frame past `ws`, which would frame the same bytes anew for each socket. */
  write(bytes: Uint8Array): void {
    if (this.isClosed) return
    const unsent = this.#socket.writableLength
    if (unsent > UNSENT_BYTES) return this.cut()
    const isFree = unsent === 0 && !this.#isBehind
    const written = isFree ? writeDirectly(this.#socket, bytes, this) : undefined
    if (written === 'sent') return
    if (written === undefined) this.#socket.write(bytes)
    else if (written === 'failed') this.cut()
    else this.#isBehind = true
  }

  caughtUp(): void {
    this.#isBehind = false
  }

  drained(): Promise<void> | undefined {
    if (this.isClosed || !this.hasUnsent) return undefined
    // What was written directly is not in the stream's queue, but the kernel takes this after it. Nobody answers a pong;
    // an empty write would do as well, but over TLS Deno breaks the line at one.
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off('close', done)
        resolve()
      }
      this.#socket.once('close', done).write(PONG, done)
    })
  }

  close(farewell: Farewell): void {
    if (this.isClosed) return
    const { code, words } = FAREWELLS[farewell]
    if (words) this.write(textFrame(farewellFrame(words, this.#place)))
    this.#ws.close(code)
  }

  cut(): void {
    this.#ws.terminate()
  }

  /** Whether bytes wait to be taken. The handle would know too, but asking it costs more than all else of a look. */
  get hasUnsent(): boolean {
    return this.#isBehind || this.#socket.writableLength > 0
  }

  /** Bytes that its reader has not taken. */
  get unsentBytes(): number {
    return this.hasUnsent ? unsentBytes(this.#socket) : 0
  }

  /**
   * Whether nothing has come for too long, or nothing was taken of what waits: pongs alone are no reader. Who takes
   * something is there, and cannot answer a ping that waits behind it.
   */
  isDead(now: number): boolean {
    if (!this.hasUnsent) return now - this.heard >= SILENCE_MS
    const stalled = this.#progress.stalled(this.#socket, now)
    if (stalled === 0) this.heard = now
    return now - this.heard >= SILENCE_MS || stalled >= SILENCE_MS
  }

  /** Something came from the other end, so it is there. Closes a connection that sends too much, of whatever kind. */
  hear(): void {
    this.heard = this.#site.clock.elapsed()
    if (take(this.#frames, this.#site.limits.frames, this.heard) === 0 || this.isClosed) return
    this.#refuse(refuse('too-fast'))
    this.#ws.close(1008, 'flooding')
  }

  /** Takes what a client sent: where to begin, or something to say. */
  async take(data: RawData, isBinary: boolean): Promise<void> {
    this.hear()
    if (this.isClosed) return
    if (isBinary) return this.#ws.close(1003)
    const asked = readAsked(String(data))
    if (!asked) return this.#refuse(refuse('malformed'))
    try {
      await this.#do(asked)
    } catch (error) {
      this.#site.ledger.failed(error)
      this.close('busy')
    }
  }

  /** Comes in, and leaves again at once where its member is gone meanwhile. */
  enter(): Promise<void> {
    this.#entering = this.#comeIn()
    return this.#entering
  }

  async #comeIn(): Promise<void> {
    try {
      await this.#site.rooms.enter(this.code, this)
    } catch (error) {
      this.#site.ledger.failed(error)
      this.close('busy')
    }
    this.#entering = undefined
  }

  ended(): void {
    this.#registry.forget(this)
    this.#site.rooms.disconnect(this.code, this)
  }

  async #do({ since, text, key = '' }: Asked): Promise<void> {
    // What follows a place on its way must not be said before that place is read from.
    if (this.#entering) await this.#entering
    if (since !== undefined && !this.hasStarted) {
      this.hasStarted = true
      await this.#site.rooms.connect(this.code, this, since)
    }
    if (text !== undefined) await this.#post(text, key)
  }

  async #post(text: string, key: string): Promise<void> {
    try {
      const posted = await post(this.#site, this.#address, this.code, this.member, { text, key })
      if (!posted.ok) this.#refuse(posted)
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error
      this.#refuse({ ...refuse('unavailable'), id: this.#site.ledger.failed(error) })
    }
  }

  #refuse(refusal: SiteRefusal): void {
    this.#site.ledger.refused(refusal.refusal)
    this.write(textFrame(refusalFrame(wordsOf(refusal))))
  }
}

/** Hands on to a connection what its socket brings. One function serves all sockets: a member costs a few KB. */
export function attach(ws: RoomSocket, connection: SocketConnection): void {
  ws.connection = connection
  ws.on('message', onMessage)
  ws.on('ping', onSign)
  ws.on('pong', onSign)
  ws.on('close', onClose)
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  void (this as RoomSocket).connection?.take(data, isBinary)
}

function onSign(this: WebSocket): void {
  ;(this as RoomSocket).connection?.hear()
}

function onClose(this: WebSocket): void {
  ;(this as RoomSocket).connection?.ended()
}
