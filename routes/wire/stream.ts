import type { Connection, Farewell, Format } from '../../rooms/fanout.ts'
import type { Member } from '../../rooms/types.ts'
import type { Site } from '../guard/site.ts'

const UNSENT = 1024 * 1024
const KEEP_ALIVE = 15_000
// Browsers open six connections to a host over HTTP/1.1; the seventh stream would stall every page.
const STREAMS = 3

export interface StreamOptions {
  readonly site: Site
  readonly method: string
  /** What carries the body; a request made by a test has none. */
  readonly outgoing: { destroy(): void } | undefined
  readonly code: string
  readonly member: Member
  readonly format: Format
  /** A cursor; empty for only what comes. */
  readonly since: string
  /** What is sent at once, and what is sent now and then so that nobody on the way takes the line for dead. */
  readonly head: string
  readonly keepAlive: string
  /** What is sent last, where the server ends the stream; told the place that was reached, where it is to go on at once. */
  readonly tail?: (cursor?: string) => string
  /** What a reader is told before the server ends the stream for this reason. */
  readonly farewell?: (why: Farewell) => string
  /** Bytes after the head with which the stream ends, to be asked for again. */
  readonly limit?: number
}

/** Streams that are open, by member: the oldest of one session's gives way to a fourth. */
const streams = new Map<string, Set<StreamConnection>>()
const text = new TextEncoder()

/** A body that goes on for as long as somebody reads it, which nobody does with HEAD. */
export function openStream(options: StreamOptions): ReadableStream<Uint8Array> | '' {
  if (options.method === 'HEAD') return ''
  const connection = new StreamConnection(options)
  const own = streams.get(options.member.id) ?? new Set()
  streams.set(options.member.id, own.add(connection))
  if (own.size > STREAMS) [...own][0].end()
  return connection.body
}

class StreamConnection implements Connection {
  readonly member: Member
  readonly format: Format
  readonly body: ReadableStream<Uint8Array>
  seen = 0
  isClosed = false
  #options: StreamOptions
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #written = 0
  #drained: (() => void) | undefined
  #heart: ReturnType<typeof setInterval>

  constructor(options: StreamOptions) {
    this.#options = options
    this.member = options.member
    this.format = options.format
    this.body = new ReadableStream(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => this.#settle(),
        cancel: () => this.#ended(),
      },
      { highWaterMark: UNSENT, size: (bytes) => bytes?.length ?? 0 },
    )
    this.#heart = setInterval(() => this.write(text.encode(options.keepAlive)), KEEP_ALIVE)
    this.#controller.enqueue(text.encode(options.head))
    options.site.rooms.enter(options.code, this)
    void options.site.rooms.connect(options.code, this, options.since)
  }

  write(bytes: Uint8Array, cursor?: string): void {
    if (this.isClosed || bytes.length === 0) return
    if ((this.#controller.desiredSize ?? 0) < 0) return this.#cut()
    this.#controller.enqueue(bytes)
    this.#written += bytes.length
    if (cursor && this.#written > (this.#options.limit ?? Number.POSITIVE_INFINITY)) this.end(cursor)
  }

  drained(): Promise<void> {
    if (this.isClosed || (this.#controller.desiredSize ?? 0) > 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }

  close(why: Farewell): void {
    const last = this.#options.farewell?.(why)
    if (last && !this.isClosed) this.#controller.enqueue(text.encode(last))
    this.end()
  }

  /** @param cursor the place from which the reader is to go on at once */
  end(cursor?: string): void {
    if (this.isClosed) return
    if (this.#options.tail) this.#controller.enqueue(text.encode(this.#options.tail(cursor)))
    this.#controller.close()
    this.#ended()
  }

  #cut(): void {
    this.#ended()
    if (this.#options.outgoing) this.#options.outgoing.destroy()
    else this.#controller.error(new Error('the reader is too slow'))
  }

  #ended(): void {
    if (this.isClosed) return
    this.isClosed = true
    clearInterval(this.#heart)
    this.#settle()
    this.#options.site.rooms.disconnect(this.#options.code, this)
    const own = streams.get(this.member.id)
    own?.delete(this)
    if (own?.size === 0) streams.delete(this.member.id)
  }

  #settle(): void {
    this.#drained?.()
    this.#drained = undefined
  }
}
