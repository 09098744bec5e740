const PATIENCE = 60_000

/** A body that keeps coming. */
export class Stream {
  readonly status: number
  readonly headers: Headers
  text = ''
  /** Settles once the other end has ended it. */
  readonly ended: Promise<void>
  #reader: ReadableStreamDefaultReader<Uint8Array>
  #wake = () => {}

  constructor(response: Response) {
    this.status = response.status
    this.headers = response.headers
    if (!response.body) throw new Error(`${response.status} without a body`)
    this.#reader = response.body.getReader()
    this.ended = this.#read()
    this.ended.catch(() => {})
  }

  /** Settles once what has come makes this true; rejects where the stream ends before. */
  async until(isTrue: (text: string) => boolean): Promise<void> {
    const ended = this.ended.then(() => {
      if (!isTrue(this.text)) throw new Error(`the stream ended with ${this.text}`)
    })
    let isLate = false
    const deadline = setTimeout(() => {
      isLate = true
      this.#wake()
    }, PATIENCE)
    while (!isTrue(this.text)) {
      if (isLate) throw new Error(`nothing more came after ${this.text}`)
      const more = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      await Promise.race([more, ended])
    }
    clearTimeout(deadline)
    ended.catch(() => {})
  }

  /** Settles once this has come. */
  has(words: string): Promise<void> {
    return this.until((text) => text.includes(words))
  }

  close(): Promise<void> {
    return this.#reader.cancel()
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder()
    for (let read = await this.#reader.read(); !read.done; read = await this.#reader.read()) {
      this.text += decoder.decode(read.value, { stream: true })
      this.#wake()
    }
  }
}

/** One server-sent event, as a browser takes it in (HTML Living Standard, 9.2.6). */
export interface ServerEvent {
  readonly id: string
  readonly event: string
  readonly data: string
}

/** The events that are whole in what has come. */
export function eventsIn(text: string): ServerEvent[] {
  const events: ServerEvent[] = []
  let id = ''
  for (const block of text.split('\n\n').slice(0, -1)) {
    const fields = block.split('\n').map((line) => /^([a-z]*)(?:: ?(.*))?$/.exec(line) ?? [])
    const all = (name: string) => fields.filter(([, key]) => key === name).map(([, , value]) => value ?? '')
    id = all('id').at(-1) ?? id
    if (all('data').length > 0)
      events.push({ id, event: all('event').at(-1) ?? 'message', data: all('data').join('\n') })
  }
  return events
}
