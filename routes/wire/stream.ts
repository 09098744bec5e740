import type { Socket } from 'node:net'
import type { Connection, Farewell, Format } from '../../rooms/fanout.ts'
import type { Member } from '../../rooms/types.ts'
import type { ConnectionKind, OpenStream, Site } from '../guard/site.ts'
import { Progress } from './progress.ts'

const UNSENT_BYTES = 1024 * 1024
const KEEP_ALIVE_MS = 15_000
const STALLED_MS = 60_000
// Browsers open six connections to a host over HTTP/1.1; the seventh stream would stall every page.
const OWN_STREAMS = 3

/** An answer that carries a body. */
interface Outgoing {
  readonly socket?: Socket | null
  isStream?: boolean
  destroy(): void
}

export interface StreamOptions {
  readonly site: Site
  readonly method: string
  /** What carries the body; a request made by a test has none. */
  readonly outgoing: Outgoing | undefined
  readonly code: string
  readonly member: Member
  readonly format: Format
  readonly kind: ConnectionKind
  /** A cursor; empty for only what comes. */
  readonly since: string
  /** What is sent at once, and what is sent now and then so that nobody on the way takes the line for dead. */
  readonly head: string
  readonly keepAlive: string
  /** What is sent last, where the server ends the stream; told the place that was reached, where it is to go on at once. */
  readonly tail?: (cursor?: string) => string
  /** What a reader is told before the server ends the stream for this reason. */
  readonly farewell?: (why: Farewell) => string
  /** What a reader is told whose stream gives way to another of the same session. */
  readonly crowded?: string
  /** Bytes after the head with which the stream ends, to be asked for again. */
  readonly limit?: number
}

const text = new TextEncoder()

/** A body that goes on for as long as somebody reads it, which nobody does with HEAD. */
export function openStream(options: StreamOptions): ReadableStream<Uint8Array> | '' {
  if (options.method === 'HEAD') return ''
  const connection = new StreamConnection(options)
  const { streams } = options.site
  const own = streams.get(options.member.id) ?? new Set()
  streams.set(options.member.id, own.add(connection))
  if (options.outgoing) options.outgoing.isStream = true
  if (own.size > OWN_STREAMS) [...own][0].giveWay()
  return connection.body
}

class StreamConnection implements Connection, OpenStream {
  readonly member: Member
  readonly format: Format
  readonly body: ReadableStream<Uint8Array>
  seen = 0
  isClosed = false
  #options: StreamOptions
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #written = 0
  #drained: (() => void) | undefined
  #progress = new Progress()
  #cancelBeat: () => void

  constructor(options: StreamOptions) {
    this.#options = options
    this.member = options.member
    this.format = options.format
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => {
          if (this.#isDrained) this.#settle()
        },
        cancel: () => this.#ended(),
      },
      { highWaterMark: UNSENT_BYTES, size: (bytes) => bytes?.length ?? 0 },
    )
    this.#cancelBeat = this.#schedule()
    this.#controller.enqueue(text.encode(options.head))
    void this.#begin()
  }

  /** Catches up; one that cannot be served is cut off rather than left deaf. */
  async #begin(): Promise<void> {
    const { site, code, since } = this.#options
    try {
      await site.rooms.enter(code, this)
      await site.rooms.connect(code, this, since)
    } catch (error) {
      site.ledger.failed(error)
      this.cut()
    }
  }

  write(bytes: Uint8Array, cursor?: string): void {
    if (this.isClosed || bytes.length === 0) return
    if ((this.#controller.desiredSize ?? 0) < 0) return this.cut()
    this.#controller.enqueue(bytes)
    this.#written += bytes.length
    if (cursor && this.#written > (this.#options.limit ?? Number.POSITIVE_INFINITY)) this.end(cursor)
  }

  drained(): Promise<void> | undefined {
    if (this.isClosed || this.#isDrained) return undefined
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }

  get kind(): ConnectionKind {
    return this.#options.kind
  }

  /** Those in its own queue, and those in the queue of what carries it. */
  get unsentBytes(): number {
    const queued = this.isClosed ? 0 : UNSENT_BYTES - (this.#controller.desiredSize ?? UNSENT_BYTES)
    return queued + (this.#options.outgoing?.socket?.writableLength ?? 0)
  }

  /** Whether all that was written has been handed on: one that catches up holds a page at a time, and no more. */
  get #isDrained(): boolean {
    return this.#controller.desiredSize === UNSENT_BYTES
  }

  close(why: Farewell): void {
    const last = this.#options.farewell?.(why)
    if (last && !this.isClosed) this.#controller.enqueue(text.encode(last))
    this.end()
  }

  /** Leaves its place to another stream of the same session. */
  giveWay(): void {
    if (this.#options.crowded && !this.isClosed) this.#controller.enqueue(text.encode(this.#options.crowded))
    this.end()
  }

  /** @param cursor the place from which the reader is to go on at once */
  end(cursor?: string): void {
    if (this.isClosed) return
    if (this.#options.tail) this.#controller.enqueue(text.encode(this.#options.tail(cursor)))
    this.#controller.close()
    // From here on it is an answer like any other, which somebody has to take.
    if (this.#options.outgoing) this.#options.outgoing.isStream = false
    this.#ended()
  }

  #schedule(): () => void {
    return this.#options.site.clock.after(KEEP_ALIVE_MS, () => {
      this.#cancelBeat = this.#schedule()
      this.#beat()
    })
  }

  /** Sends a sign of life, or cuts off a reader that has taken nothing for a while. */
  #beat(): void {
    const { site, outgoing, keepAlive } = this.#options
    const isStalled = outgoing?.socket && this.#progress.stalled(outgoing.socket, site.clock.elapsed()) >= STALLED_MS
    if (isStalled) this.cut()
    else this.write(text.encode(keepAlive))
  }

  cut(): void {
    this.#ended()
    if (this.#options.outgoing) this.#options.outgoing.destroy()
    else this.#controller.error(new Error('the reader is too slow'))
  }

  #ended(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#cancelBeat()
    this.#settle()
    this.#options.site.rooms.disconnect(this.#options.code, this)
    const { streams } = this.#options.site
    const own = streams.get(this.member.id)
    own?.delete(this)
    if (own?.size === 0) streams.delete(this.member.id)
  }

  #settle(): void {
    this.#drained?.()
    this.#drained = undefined
  }
}
