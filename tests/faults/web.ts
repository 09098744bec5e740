import { Buffer } from 'node:buffer'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

const SLOW_MS = 12_000
const FORBIDDEN = '<!doctype html><title>Forbidden</title><h1>Forbidden</h1>'

/** What networks and the things in them do to some kinds of requests, for as long as it lasts. */
export const RULES = [
  /** Handshakes are refused. */
  'refused sockets',
  /** Handshakes are never answered. */
  'hung sockets',
  /** Sockets open, and then carry nothing. */
  'mute sockets',
  /** Streams of events are refused. */
  'refused events',
  /** Streams of events are kept back until they end. */
  'buffered events',
  /** Every answer is kept back until it ends. */
  'buffered answers',
  /** Posts take effect at once and are answered late. */
  'slow posts',
  /** Posts take effect and are never answered. */
  'lost answers',
  /** Posts do not get through, and something else says so. */
  'refused posts',
] as const

export type Rule = (typeof RULES)[number]

type Kind = 'events' | 'asking' | 'post' | 'other'

/** Stands before one browser, and knows what each request is for. Its connections are that browser's and nobody else's. */
export class WebProxy {
  readonly port: number
  readonly rules = new Set<Rule>()
  /** When something last came to the page by a socket, by events or by asking for lines. */
  heard = performance.now()
  #server: Server
  #upstream: () => number
  #sockets = new Set<Duplex>()

  private constructor(server: Server, upstream: () => number) {
    this.#server = server
    this.#upstream = upstream
    this.port = (server.address() as AddressInfo).port
    server.on('request', (incoming, answer) => this.#pass(incoming, answer))
    server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming, socket, head))
  }

  /** @param upstream the port that requests go on to */
  static open(upstream: () => number): Promise<WebProxy> {
    return new Promise((resolve) => {
      const server = createServer({ keepAliveTimeout: 60_000 })
      server.listen(0, '127.0.0.1', () => resolve(new WebProxy(server, upstream)))
    })
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Cuts every connection that there is. */
  cut(): void {
    this.#server.closeAllConnections()
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }

  #pass(incoming: IncomingMessage, answer: ServerResponse): void {
    const { method, url, headers } = incoming
    const kind = kindOf(incoming)
    if (this.rules.has('refused events') && kind === 'events') return this.#forbid(answer)
    if (this.rules.has('refused posts') && kind === 'post') return this.#forbid(answer)
    const passed = request({ host: '127.0.0.1', port: this.#upstream(), method, path: url, headers, agent: false })
    passed.on('response', (response) => this.#give(kind, response, answer))
    passed.on('error', () => answer.destroy())
    answer.on('close', () => passed.destroy())
    incoming.on('error', () => passed.destroy())
    incoming.pipe(passed)
  }

  #forbid(answer: ServerResponse): void {
    answer.writeHead(403, { 'Content-Type': 'text/html' }).end(FORBIDDEN)
  }

  #give(kind: Kind, response: IncomingMessage, answer: ServerResponse): void {
    const isLost = kind === 'post' && this.rules.has('lost answers')
    const isSlow = kind === 'post' && this.rules.has('slow posts')
    const isBuffered = this.rules.has('buffered answers') || (kind === 'events' && this.rules.has('buffered events'))
    response.on('error', () => answer.destroy()).on('close', () => response.complete || answer.destroy())
    if (isLost) return void response.resume()
    const give = () => {
      if (answer.destroyed) return
      answer.writeHead(response.statusCode ?? 502, response.headers)
      answer.flushHeaders()
      if (kind === 'events' || kind === 'asking') response.on('data', () => this.#hear())
      response.pipe(answer)
    }
    if (isBuffered)
      collect(response).then(
        (bytes) => this.#giveWhole(kind, response, answer, bytes),
        () => answer.destroy(),
      )
    else if (isSlow) setTimeout(give, SLOW_MS)
    else give()
  }

  #giveWhole(kind: Kind, { statusCode, headers }: IncomingMessage, answer: ServerResponse, bytes: Buffer): void {
    if (answer.destroyed) return
    if (kind === 'events' || kind === 'asking') this.#hear()
    answer.writeHead(statusCode ?? 502, headers).end(bytes)
  }

  #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    if (this.rules.has('refused sockets'))
      return void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    if (this.rules.has('hung sockets')) return void socket.on('end', () => socket.destroy()).resume()
    const passed = connect(this.#upstream(), '127.0.0.1')
    passed.write(handshake(incoming))
    passed.write(head)
    for (const end of [passed, socket]) end.on('error', () => {}).on('close', () => [passed, socket].map(destroy))
    if (this.rules.has('mute sockets')) mute(passed, socket)
    else {
      passed.on('data', () => this.#hear())
      passed.pipe(socket).pipe(passed)
    }
  }

  #hear(): void {
    this.heard = performance.now()
  }
}

function kindOf({ method, url = '' }: IncomingMessage): Kind {
  const path = url.split('?')[0]
  if (method === 'POST' && path.endsWith('/messages')) return 'post'
  if (path.endsWith('/events')) return 'events'
  return method === 'GET' && path.endsWith('/messages') && url.includes('after=') ? 'asking' : 'other'
}

async function collect(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

function handshake({ method, url, rawHeaders }: IncomingMessage): string {
  const lines = rawHeaders.map((part, index) => (index % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join('')
  return `${method} ${url} HTTP/1.1\r\n${lines}\r\n`
}

/** Lets the answer to the handshake through and nothing else, either way. */
function mute(passed: Socket, socket: Duplex): void {
  let answer = ''
  passed.on('data', (bytes) => {
    if (answer.includes('\r\n\r\n')) return
    answer += bytes.toString('latin1')
    const end = answer.indexOf('\r\n\r\n')
    if (end >= 0) socket.write(Buffer.from(answer.slice(0, end + 4), 'latin1'))
  })
  socket.on('end', () => socket.destroy()).resume()
}

function destroy(end: Duplex): void {
  end.destroy()
}
