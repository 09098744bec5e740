import { setTimeout as delay } from 'node:timers/promises'
import { discard, type Frontier, ORIGIN } from './frontier.ts'
import { Line, messagesIn } from './line.ts'
import { eventsIn } from './stream.ts'

const TRY_MS = 100
const PATIENCE_MS = 60_000

/** Somebody in a room behind a proxy, as a browser has them. */
export interface Visitor {
  readonly proxy: Frontier
  readonly base: string
  readonly code: string
  readonly cookie: string
}

export const WAYS = ['socket', 'stream of events', 'page'] as const

const FOLLOW = { socket: followSocket, 'stream of events': followEvents, page: followPage }

/** Takes in what comes to a visitor by one way, which comes back by itself to the place that it has reached. */
export function follow(name: (typeof WAYS)[number], visitor: Visitor): Way {
  const way = new Way(name)
  void way.run(() => FOLLOW[name](way, visitor))
  return way
}

/** One of the ways by which lines come, over all its connections. */
export class Way {
  readonly name: string
  texts: readonly string[] = []
  cursor = ''
  connections = 0
  #isStopped = false
  #wakes = new Set<() => void>()

  constructor(name: string) {
    this.name = name
  }

  /** Follows again and again. */
  async run(connect: () => Promise<void>): Promise<void> {
    while (!this.#isStopped) {
      // What ends a connection does not matter: the next one shows whether something is missing.
      await connect().catch(() => {})
      await delay(TRY_MS)
    }
  }

  stop(): void {
    this.#isStopped = true
  }

  /** A connection is open. */
  began(): void {
    this.connections += 1
    this.#wake()
  }

  show(texts: readonly string[], cursor = ''): void {
    this.texts = texts
    this.cursor = cursor || this.cursor
    this.#wake()
  }

  connected(): Promise<void> {
    return this.#until(() => this.connections > 0)
  }

  has(text: string): Promise<void> {
    return this.#until(() => this.texts.includes(text))
  }

  async #until(isTrue: () => boolean): Promise<void> {
    let isLate = false
    const deadline = setTimeout(() => {
      isLate = true
      this.#wake()
    }, PATIENCE_MS)
    while (!isTrue()) {
      if (isLate) throw new Error(`nothing more came by the ${this.name} than ${JSON.stringify(this.texts)}`)
      await new Promise<void>((resolve) => this.#wakes.add(resolve))
    }
    clearTimeout(deadline)
  }

  #wake(): void {
    const wakes = [...this.#wakes]
    this.#wakes.clear()
    for (const wake of wakes) wake()
  }
}

async function followSocket(way: Way, { proxy, base, code, cookie }: Visitor): Promise<void> {
  const { texts, cursor } = way
  const url = `wss://127.0.0.1:${proxy.port}${base}/rooms/${code}/socket`
  const line = await Line.open(url, { Host: new URL(ORIGIN).host, Origin: ORIGIN, Cookie: cookie }, proxy.tls)
  line.socket.on('message', () => way.show([...texts, ...line.texts], line.cursor))
  // Whoever has no place yet gets one with the answer, and only then is sure to miss nothing.
  line.send({ since: cursor })
  await line.until(({ frames }) => frames.length > 0)
  way.began()
  await line.closed
}

async function followEvents(way: Way, visitor: Visitor): Promise<void> {
  const { texts, cursor } = way
  await readStream(way, visitor, '/events', { Accept: 'text/event-stream', 'Last-Event-ID': cursor }, (text) => {
    const events = eventsIn(text)
    way.show([...texts, ...events.flatMap(({ data }) => messagesIn(data)).map((one) => one.text)], events.at(-1)?.id)
  })
}

/** Each document begins with what is kept. */
async function followPage(way: Way, visitor: Visitor): Promise<void> {
  await readStream(way, visitor, '/live', { Accept: 'text/html' }, (text) =>
    way.show(messagesIn(text).map((one) => one.text)),
  )
}

async function readStream(
  way: Way,
  { proxy, base, code, cookie }: Visitor,
  path: string,
  headers: Record<string, string>,
  show: (text: string) => void,
): Promise<void> {
  const answer = await proxy.ask(`${base}/rooms/${code}${path}`, { headers: { ...headers, Cookie: cookie } })
  if (answer.status !== 200) return void discard(answer)
  let text = ''
  for await (const part of answer.body) {
    if (text === '') way.began()
    text += part
    show(text)
  }
}
