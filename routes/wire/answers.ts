import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../rooms/clock.ts'
import { blockOf } from '../guard/address.ts'
import { endAfterBody, endSocket } from './ending.ts'
import { readHead } from './head.ts'
import { hasUnsent } from './progress.ts'

const LOOK_MS = 5000
// Together with the time until the next look it is less than a minute.
const UNREAD_MS = 50_000
// Unread answers that are held at once, at the most: each can be 256 KB.
const UNREAD_ANSWERS = 256
// Finding them takes a look at all answers under way, so this many are cut off together.
const CUT_ANSWERS = 64
// Requests that wait for an earlier answer on their connection. Browsers send none before they have it.
const WAITING_REQUESTS = 16

/** A connection, and the last request that came on it and is not answered to the end. */
interface Carrier extends Socket {
  last?: Answer
  waiting?: number
}

/** An answer over HTTP. */
export class Answer extends ServerResponse {
  /** Whether it goes on for as long as somebody reads it. */
  isStream = false
  /** When it was first seen to wait for its reader; 0 where it was not. */
  unreadSince = 0
  /** Called where it is given before the request's body was read to its end. */
  beforeBody: ((request: IncomingMessage) => void) | undefined

  override writeHead(status: number, ...rest: unknown[]): this {
    if (this.beforeBody && !this.req.readableEnded) {
      this.setHeader('Connection', 'close')
      this.beforeBody(this.req)
    }
    // Connections of HTTP/1.1 stay open without a word (RFC 9112, 9.3): two headers less in every answer.
    else if (this.shouldKeepAlive && this.req.httpVersion === '1.1') this.removeHeader('Connection')
    return super.writeHead(status, ...(rest as never[]))
  }
}

export interface AnswersOptions {
  /** Called with errors that nobody waits for; their connections are closed. */
  readonly failed: (error: unknown) => void
  /** Tells who asked, where a proxy may stand before them. */
  readonly addressOf?: (request: IncomingMessage) => string
}

/** The answers of one server that are under way: one at a time on a connection, and none that nobody takes. */
export class Answers {
  #clock: Clock
  #listener: (request: IncomingMessage, answer: Answer) => Promise<unknown>
  #addressOf: (request: IncomingMessage) => string
  #failed: (error: unknown) => void
  #underWay = new Set<Answer>()
  /** As many as may be under way before somebody looks for those that nobody reads. */
  #mark = UNREAD_ANSWERS
  // One function each serves all answers.
  #ended = endedIn(this.#underWay)
  #endAfterBody = (request: IncomingMessage): void => endAfterBody(request, this.#clock)
  #cancelLook: () => void

  /** @param listener answers a request */
  constructor(
    clock: Clock,
    listener: (request: IncomingMessage, answer: Answer) => Promise<unknown>,
    { failed, addressOf = peerOf }: AnswersOptions,
  ) {
    this.#clock = clock
    this.#listener = listener
    this.#failed = failed
    this.#addressOf = addressOf
    this.#cancelLook = this.#schedule()
  }

  /** Answers a request, once those that came before it on its connection are answered. */
  take(request: IncomingMessage, answer: Answer): void {
    const carrier: Carrier = request.socket
    carrier.last = answer
    // Node gives an answer its socket when its turn has come.
    if (answer.socket) return this.#begin(request, answer)
    carrier.waiting = (carrier.waiting ?? 0) + 1
    if (carrier.waiting > WAITING_REQUESTS) return void carrier.destroy()
    answer.once('socket', () => {
      carrier.waiting = (carrier.waiting ?? 0) - 1
      this.#begin(request, answer)
    })
  }

  /**
   * Runs what takes a connection over, once nothing that came before on it is under way. No error ends the process.
   * The socket has lost the listeners of HTTP by then.
   */
  takeOver(socket: Duplex, run: () => void): void {
    socket.on('error', ignore)
    const begin = () => {
      if (socket.destroyed || socket.writableEnded) return
      try {
        run()
        // Who took it over listens by itself, and two listeners take 200 bytes for as long as the socket is open.
        if (socket.listenerCount('error') > 1) socket.off('error', ignore)
      } catch (error) {
        this.#fail(error, socket)
      }
    }
    const { last } = socket as Carrier
    if (last) last.once('close', begin)
    else begin()
  }

  /**
   * Answers a request that asks for another protocol, h2c say, as if it had not: a server may ignore that
   * (RFC 9110, 7.8). Its body was not read, so only a request without one can be answered.
   */
  answerPlainly(request: IncomingMessage): void {
    const { socket } = request
    if (readHead(request).hasBody) {
      const words = 'Please send this again without asking for another protocol.'
      const head = `Content-Type: text/plain\r\nContent-Length: ${words.length}\r\nConnection: close`
      socket.resume()
      return endSocket(socket, this.#clock, `HTTP/1.1 400 Bad Request\r\n${head}\r\n\r\n${words}`)
    }
    const answer = new Answer(request)
    answer.shouldKeepAlive = false
    answer.assignSocket(socket)
    answer.on('finish', () => endSocket(socket, this.#clock))
    // Nobody reads this socket any more, and without that nobody hears that it was closed.
    socket.resume()
    this.take(request, answer)
  }

  /** Looks no more after what is under way. */
  stop(): void {
    this.#cancelLook()
  }

  #begin(request: IncomingMessage, answer: Answer): void {
    const { socket } = request
    if (socket.destroyed || socket.writableEnded) return
    this.#underWay.add(answer)
    answer.on('close', this.#ended)
    if (this.#underWay.size > this.#mark) this.#cutUnread()
    const { isLawful, hasBody } = readHead(request)
    if (hasBody) answer.beforeBody = this.#endAfterBody
    if (!isLawful) return void answer.writeHead(400, CLOSE).end()
    // Before HTTP/1.1 nobody need say whom they ask, as a balancer does not that looks whether somebody is there.
    request.headers.host ??= 'localhost'
    this.#listener(request, answer).catch((error) => this.#fail(error, socket))
  }

  #fail(error: unknown, socket: Duplex): void {
    this.#failed(error)
    socket.destroy()
  }

  #schedule(): () => void {
    return this.#clock.after(LOOK_MS, () => {
      this.#cancelLook = this.#schedule()
      this.#look()
    })
  }

  /** Cuts off those who have let an answer wait for too long. */
  #look(): void {
    const now = this.#clock.elapsed()
    this.#mark = UNREAD_ANSWERS
    for (const answer of this.#unread()) {
      if (answer.unreadSince === 0) answer.unreadSince = now
      else if (now - answer.unreadSince >= UNREAD_MS) answer.socket?.destroy()
    }
  }

  /** Cuts off the oldest of those whose address holds the most, where too many are unread. */
  #cutUnread(): void {
    const cut = newestOfEach(this.#unread(), this.#addressOf).slice(UNREAD_ANSWERS - CUT_ANSWERS)
    for (const answer of cut) answer.socket?.destroy()
    this.#mark = this.#underWay.size - cut.length + CUT_ANSWERS
  }

  /** The answers that wait for their reader, the oldest first. Streams look after themselves. */
  #unread(): Answer[] {
    const unread: Answer[] = []
    for (const answer of this.#underWay) {
      if (!answer.isStream && answer.socket && hasUnsent(answer.socket)) unread.push(answer)
    }
    return unread
  }
}

/** The newest answer of every address comes first, then the second of each, and so on. */
function newestOfEach(answers: readonly Answer[], addressOf: (request: IncomingMessage) => string): Answer[] {
  const counts = new Map<string, number>()
  const ranked = answers.toReversed().map((answer) => {
    const address = addressOf(answer.req)
    const rank = counts.get(address) ?? 0
    counts.set(address, rank + 1)
    return { answer, rank }
  })
  return ranked.sort((one, other) => one.rank - other.rank).map(({ answer }) => answer)
}

function peerOf({ socket }: IncomingMessage): string {
  return blockOf(socket.remoteAddress)
}

const CLOSE = { Connection: 'close', 'Content-Length': '0' }

function endedIn(underWay: Set<Answer>): (this: Answer) => void {
  return function ended() {
    underWay.delete(this)
    const carrier: Carrier = this.req.socket
    if (carrier.last === this) carrier.last = undefined
  }
}

// What goes wrong on a socket ends in its `close`.
function ignore(): void {}
