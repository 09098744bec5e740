import { type ClientOptions, WebSocket } from 'ws'

export interface Seen {
  readonly seq: number
  readonly member: string
  readonly name: string
  readonly text: string
}

const MESSAGE =
  /<li id="m(\d+)" class="message" data-member="([^"]*)"[^>]*><bdi class="name[^"]*">(.*?)<\/bdi> <time datetime="[^"]*">[^<]*<\/time><p class="text" dir="auto"[^>]*>([\s\S]*?)<\/p><\/li>/g
const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }

/** The messages in a piece of HTML, as a reader would see them. */
export function messagesIn(html: string): Seen[] {
  return [...html.matchAll(MESSAGE)].map(([, seq, member, name, text]) => ({
    seq: Number(seq),
    member,
    name: plain(name),
    text: plain(text),
  }))
}

function plain(html: string): string {
  return html.replace(/<[^>]*>/g, '').replace(/&(amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity])
}

const PATIENCE = 60_000

/** One end of a socket, with all that came through it. */
export class Line {
  readonly frames: string[] = []
  readonly messages: Seen[] = []
  readonly socket: WebSocket
  /** The close code. */
  readonly closed: Promise<number>
  #waiting = new Set<() => void>()

  private constructor(socket: WebSocket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.on('close', (code) => resolve(code)))
    socket.on('message', (data) => this.#take(String(data)))
  }

  /** Opens a socket; rejects where the handshake is refused. */
  static async open(url: string, headers: Record<string, string>, more: ClientOptions = {}): Promise<Line> {
    const socket = new WebSocket(url, { ...more, headers, perMessageDeflate: false })
    const line = new Line(socket)
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    socket.on('error', () => {})
    return line
  }

  get texts(): string[] {
    return this.messages.map(({ text }) => text)
  }

  /** The newest place that came with the messages. */
  get cursor(): string {
    return this.frames.join('').match(/.*id="since" name="since" value="([^"]*)"/s)?.[1] ?? ''
  }

  send(json: unknown): void {
    this.socket.send(JSON.stringify(json))
  }

  close(): void {
    this.socket.close()
  }

  /** Settles once what has come makes this true; rejects where that takes longer than anything here should. */
  async until(isTrue: (line: Line) => boolean): Promise<void> {
    let isLate = false
    const deadline = setTimeout(() => {
      isLate = true
      this.#wake()
    }, PATIENCE)
    while (!isTrue(this)) {
      if (isLate) throw new Error(`nothing more came after ${JSON.stringify(this.frames)}`)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
    clearTimeout(deadline)
  }

  /** Settles once so many messages have come. */
  count(messages: number): Promise<void> {
    return this.until((line) => line.messages.length >= messages)
  }

  /** Settles once a frame holds these words. */
  async frame(words: string): Promise<string> {
    await this.until(({ frames }) => frames.some((frame) => frame.includes(words)))
    return this.frames.find((frame) => frame.includes(words)) as string
  }

  #take(frame: string): void {
    this.frames.push(frame)
    this.messages.push(...messagesIn(frame))
    this.#wake()
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }
}
