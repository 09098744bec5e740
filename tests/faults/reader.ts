import { get } from 'node:http'
import { WebSocket } from 'ws'
import type { Person } from '../support/person.ts'
import { cursorIn, linesIn } from './lines.ts'
import type { Line, Notebook } from './notebook.ts'
import type { Random } from './random.ts'

/** What a way of reading tells its reader. */
export interface Ear {
  opened(): void
  /** Something came, if only a sign of life. */
  heard(): void
  note(line: Line): void
  /** @param isForGood whether the server said that coming back is of no use */
  ended(isForGood?: boolean): void
}

/** Opens one connection, from where the reader is; the answer cuts it. */
export type Way = (reader: Reader, ear: Ear) => () => void

export interface ReaderOptions {
  readonly person: Person
  readonly notebook: Notebook
  readonly way: Way
  readonly random: Random
  /** Milliseconds without a sign of life after which the line is taken for dead, while there is talk. */
  readonly silence?: number
}

const DELAY = 500
const LONGEST_DELAY = 4000
const JITTER = 0.3

/** A member that reads: whatever becomes of its connections, it comes back, as a page does. */
export class Reader {
  readonly person: Person
  readonly notebook: Notebook
  /** Where it has got to. */
  cursor = ''
  /** How many are here, as it was told last. */
  count = 0
  isOpen = false
  /** Whether so much is said that silence means a dead line. */
  isTalk = true
  /** It was told not to come back. */
  isSentAway = false
  onLine: (line: Line) => void = () => {}
  socket: WebSocket | undefined
  #options: ReaderOptions
  #attempt = 0
  #cut = () => {}
  #isStopped = false
  #timer: NodeJS.Timeout | undefined
  #heard = 0

  constructor(options: ReaderOptions) {
    this.#options = options
    this.person = options.person
    this.notebook = options.notebook
  }

  /** Learns where the log ends now, and reads from there. */
  async start(): Promise<void> {
    const page = (await (await this.person.fetch('/messages?limit=1')).json()) as { cursor: string }
    this.cursor = page.cursor
    this.open()
  }

  open(): void {
    let isOver = false
    this.#heard = Date.now()
    const ended = (isForGood = false) => {
      if (isOver) return
      isOver = true
      this.isOpen = false
      clearTimeout(this.#timer)
      this.isSentAway ||= isForGood
      if (!this.#isStopped && !isForGood) this.#comeBack()
    }
    const cut = this.#options.way(this, {
      opened: () => {
        this.isOpen = true
        this.#attempt = 0
      },
      heard: () => {
        this.#heard = Date.now()
      },
      note: (line) => {
        this.notebook.note(line)
        this.onLine(line)
      },
      ended,
    })
    this.#cut = () => {
      cut()
      ended()
    }
    this.#listen()
  }

  /** Ends its connection without a word, as a machine does that lost its network; it comes back. */
  cut(): void {
    this.#cut()
  }

  /** Goes, and does not come back. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#cut()
  }

  /** Looks whether the line is alive. */
  #listen(): void {
    const silence = this.#options.silence ?? 4000
    this.#timer = setTimeout(() => {
      if (this.isTalk && Date.now() - this.#heard > silence) this.#cut()
      else this.#listen()
    }, 500)
  }

  #comeBack(): void {
    const delay = Math.min(DELAY * 2 ** this.#attempt++, LONGEST_DELAY)
    this.#timer = setTimeout(() => this.open(), delay * (1 + JITTER * (2 * this.#options.random.next() - 1)))
  }
}

/** Reads by a socket. */
export function bySocket(reader: Reader, ear: Ear): () => void {
  const { room, token } = reader.person
  const socket = new WebSocket(`${room.replace(/^http/, 'ws')}/socket`, {
    headers: { Authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  })
  reader.socket = socket
  socket.on('open', () => {
    ear.opened()
    socket.send(JSON.stringify({ since: reader.cursor }))
  })
  socket.on('message', (frame) => {
    const html = String(frame)
    ear.heard()
    for (const line of linesIn(html)) ear.note(line)
    reader.cursor = cursorIn(html) ?? reader.cursor
    reader.count = Number(/id="count"[^>]*>(\d+)</.exec(html)?.[1] ?? reader.count)
  })
  socket.on('error', () => {})
  socket.on('close', (code) => {
    if (code === 1012) ear.note({ goodbye: true })
    ear.ended(code === 1008 || code === 4000)
  })
  return () => socket.terminate()
}

/** Reads by server-sent events, in JSON. */
export function byEvents(reader: Reader, ear: Ear): () => void {
  const headers = { Accept: 'application/json, text/event-stream', 'Last-Event-ID': reader.cursor }
  return stream(reader, ear, '/events', headers, (text) => {
    const events = text.split('\n\n')
    for (const event of events.slice(0, -1)) takeEvent(reader, ear, event)
    return events.at(-1) as string
  })
}

/** Reads the page that keeps growing; each connection is a new page. */
export function byLivePage(reader: Reader, ear: Ear): () => void {
  let isHead = true
  return stream(reader, ear, '/live', {}, (text) => {
    const list = text.indexOf('<ul class="messages">')
    if (isHead && list === -1) return text
    if (isHead) ear.note({ page: { saysEarlier: text.slice(0, list).includes('class="older"') } })
    isHead = false
    const end = text.lastIndexOf('</li>\n') + 1
    for (const line of linesIn(text.slice(0, end + 5))) ear.note(line)
    return end === 0 ? text : text.slice(end + 5)
  })
}

function takeEvent(reader: Reader, ear: Ear, event: string): void {
  const fields = new Map(
    event.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const data = fields.get('data')
  if (data !== undefined) {
    const json = JSON.parse(data)
    if (fields.get('event') === 'gap') ear.note({ gap: json.missed ?? undefined })
    else ear.note({ seq: json.seq, cursor: json.cursor, text: json.text, at: Date.parse(json.at) })
  }
  reader.cursor = fields.get('id') ?? reader.cursor
}

function stream(
  reader: Reader,
  ear: Ear,
  path: string,
  headers: { [name: string]: string },
  take: (text: string) => string,
): () => void {
  const { room, token } = reader.person
  let rest = ''
  const request = get(
    `${room}${path}`,
    { agent: false, headers: { Authorization: `Bearer ${token}`, ...headers } },
    (response) => {
      const isRefused = response.statusCode !== 200
      if (!isRefused) ear.opened()
      response.setEncoding('utf8')
      response.on('data', (text) => {
        ear.heard()
        if (!isRefused) rest = take(rest + text)
      })
      response.on('error', () => {})
      response.on('close', () => ear.ended(isRefused && response.statusCode !== 503))
    },
  )
  request.on('error', () => ear.ended())
  return () => request.destroy()
}
