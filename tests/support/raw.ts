import { Buffer } from 'node:buffer'
import { connect, type Socket } from 'node:net'

/** A line without manners: it sends bytes and keeps what comes back. */
export class Raw {
  readonly socket: Socket
  /** All that came, once the other end has closed. */
  readonly ended: Promise<string>
  received = ''
  #hasEnded = false
  #wake = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes) => {
      this.received += bytes.toString('latin1')
      this.#wake()
    })
    socket.on('error', () => {})
    this.ended = new Promise((resolve) =>
      socket.once('close', () => {
        this.#hasEnded = true
        this.#wake()
        resolve(this.received)
      }),
    )
  }

  static open(url: string): Promise<Raw> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    return new Promise((resolve, reject) =>
      socket.once('connect', () => resolve(new Raw(socket))).once('error', reject),
    )
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Settles once this has come; rejects where the other end closes before. */
  async until(words: string | RegExp): Promise<void> {
    while (typeof words === 'string' ? !this.received.includes(words) : !words.test(this.received)) {
      if (this.#hasEnded) throw new Error(`it ended with ${JSON.stringify(this.received)}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

/** Sends bytes on a line of their own; the answer is all that came until the other end closed. */
export async function exchange(url: string, bytes: string | Uint8Array): Promise<string> {
  const raw = await Raw.open(url)
  raw.send(bytes)
  return raw.ended
}
