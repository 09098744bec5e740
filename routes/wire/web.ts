import { Buffer } from 'node:buffer'
import type { Format } from '../../rooms/fanout.ts'
import { frame } from '../../templates/frames.ts'
import { Conversation, type ConversationOptions, FRAME_BYTES, SILENCE_MS, UNSENT_BYTES } from './conversation.ts'
import { fragmentBytes, SIGN } from './frames.ts'

const OPEN = 1
// The standard interface does not tell when what waits has been taken, so it is asked.
const DRAIN_LOOK_MS = 20
// Deno reads nothing more once it was told to close, and what is unread then takes the code of the end away.
const LAST_READING_MS = 100

/** Messages as fragments; encoded once for everyone. */
const webFormat: Format = { encode: (batch) => Buffer.from(frame(batch)), sizeOf: fragmentBytes }

/** What a server gives that upgrades by itself. */
export interface Upgraded {
  readonly socket: WebSocket
  readonly response: Response
}

type Upgrade = (request: Request, options: { idleTimeout: number }) => Upgraded

/**
 * Turns a request into a socket, on a server that can do so by itself: Deno's. It pings who is silent by itself, and
 * answers pings without a word. Throws where the request is no handshake (RFC 6455, 4.2.1).
 * @returns undefined where the server cannot; one for Node's interface is handed its handshakes in another way
 */
export function upgradeOf(env: object | undefined): ((request: Request) => Upgraded) | undefined {
  const { upgradeWebSocket } = (globalThis as { Deno?: { upgradeWebSocket?: Upgrade } }).Deno ?? {}
  if (!upgradeWebSocket || (env && 'incoming' in env)) return undefined
  return (request) => upgradeWebSocket(request, { idleTimeout: SILENCE_MS / 1000 })
}

export interface WebConnectionOptions extends ConversationOptions {
  readonly socket: WebSocket
}

/** One open socket by the standard interface (WHATWG WebSockets). */
export class WebConnection extends Conversation {
  readonly format = webFormat
  #socket: WebSocket
  #hasEnded = false
  #isStopped = false
  /** What waited when somebody last looked, and since when it is that much. */
  #unsent = 0
  #since = 0

  constructor(options: WebConnectionOptions) {
    super(options)
    this.#socket = options.socket
    for (const type of ['message', 'close'] as const) this.#socket.addEventListener(type, this)
  }

  /** Takes what its socket brings. */
  handleEvent(event: Event): void {
    if (event.type === 'close') return this.ended()
    if (this.#isStopped) return
    const { data } = event as MessageEvent<unknown>
    const isText = typeof data === 'string'
    if (isText && isTooLong(data)) return this.stopTaking(1009)
    void this.take(data, !isText)
  }

  get isClosed(): boolean {
    return this.#hasEnded || this.#isStopped || this.#socket.readyState !== OPEN
  }

  get hasUnsent(): boolean {
    return this.unsentBytes > 0
  }

  get unsentBytes(): number {
    return this.#socket.bufferedAmount
  }

  write(bytes: Uint8Array): void {
    this.tell(textOf(bytes))
  }

  drained(): Promise<void> | undefined {
    if (this.isClosed || !this.hasUnsent) return undefined
    return new Promise((resolve) => {
      const look = () => {
        if (this.isClosed || !this.hasUnsent) resolve()
        else this.site.clock.after(DRAIN_LOOK_MS, look)
      }
      look()
    })
  }

  /** The interface cannot drop what waits: it is closed behind that, and written to no more. */
  cut(): void {
    this.#socket.close()
    this.ended()
  }

  /** The server looks after those who are silent, but not after those who take nothing. */
  isDead(now: number): boolean {
    const unsent = this.#socket.bufferedAmount
    if (unsent === 0 || unsent !== this.#unsent) this.#since = now
    this.#unsent = unsent
    return now - this.#since >= SILENCE_MS
  }

  beat(): void {
    if (this.hasStarted) this.tell(SIGN)
  }

  override ended(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    super.ended()
  }

  protected tell(text: string): void {
    if (this.isClosed) return
    if (this.#socket.bufferedAmount > UNSENT_BYTES) this.cut()
    else this.#socket.send(text)
  }

  protected override stopTaking(code: number, reason?: string): void {
    this.#isStopped = true
    this.site.clock.after(LAST_READING_MS, () => this.end(code, reason))
  }

  protected end(code: number, reason?: string): void {
    this.#socket.close(code, reason)
  }
}

function isTooLong(text: string): boolean {
  return text.length > FRAME_BYTES || (text.length > FRAME_BYTES / 3 && Buffer.byteLength(text) > FRAME_BYTES)
}

let lastBytes: Uint8Array | undefined
let lastText = ''

/** The text of encoded bytes, read once for all who are sent the same. */
function textOf(bytes: Uint8Array): string {
  if (bytes !== lastBytes) {
    lastBytes = bytes
    lastText = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
  }
  return lastText
}
