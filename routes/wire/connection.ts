import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { type RawData, WebSocket } from 'ws'
import type { Format } from '../../rooms/fanout.ts'
import { frame } from '../../templates/frames.ts'
import { Conversation, type ConversationOptions, SILENCE_MS, UNSENT_BYTES } from './conversation.ts'
import { type Writer, writeDirectly } from './direct.ts'
import { fragmentBytes, PING, PONG, SIGN, textFrame } from './frames.ts'
import { Progress, unsentBytes } from './progress.ts'

const BEATS = Buffer.concat([PING, textFrame(SIGN)])

/** Messages as fragments in text frames; encoded once for everyone. */
const socketFormat: Format = { encode: (batch) => textFrame(frame(batch)), sizeOf: fragmentBytes }

export interface ConnectionOptions extends ConversationOptions {
  readonly ws: RoomSocket
  readonly socket: Socket
}

/** A socket of `ws` that knows its connection. */
export class RoomSocket extends WebSocket {
  connection: SocketConnection | undefined
}

/** One open socket of a Node server. */
export class SocketConnection extends Conversation implements Writer {
  readonly format = socketFormat
  #ws: RoomSocket
  #socket: Socket
  #isBehind = false
  #progress = new Progress()

  constructor(options: ConnectionOptions) {
    super(options)
    this.#ws = options.ws
    this.#socket = options.socket
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

  cut(): void {
    this.#ws.terminate()
  }

  /** The handle would know too, but asking it costs more than all else of a look. */
  get hasUnsent(): boolean {
    return this.#isBehind || this.#socket.writableLength > 0
  }

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

  beat(): void {
    this.write(this.hasStarted ? BEATS : PING)
  }

  protected tell(text: string): void {
    this.write(textFrame(text))
  }

  protected end(code: number, reason?: string): void {
    this.#ws.close(code, reason)
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
