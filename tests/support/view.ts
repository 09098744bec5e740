import * as assert from 'uvu/assert'
import type { Person } from './person.ts'
import { Raw } from './raw.ts'

type Line = { readonly seq: number } | { readonly gap: number | undefined }

/** The cookies of one browser, each for its path. */
export class Jar {
  readonly person: Person
  #cookies = new Map<string, string>()

  constructor(person: Person) {
    this.person = person
    this.#cookies.set(new URL(person.room).pathname, `parlour=${person.token}`)
  }

  /** Takes what a `Set-Cookie` brings. */
  take(header: string): void {
    const [, cookie, path] = /^(\w+=[^;]*); Path=([^;]+)/.exec(header) ?? []
    if (cookie) this.#cookies.set(path, cookie)
  }

  /** The `Cookie` of a request (RFC 6265, 5.4). */
  for(path: string): string {
    const isFor = (own: string) => path.split('?')[0] === own || path.startsWith(`${own}/`)
    const all = [...this.#cookies].filter(([own]) => isFor(own))
    return all
      .toSorted(([one], [other]) => other.length - one.length)
      .map(([, cookie]) => cookie)
      .join('; ')
  }

  /** Asks for a path as a browser does. */
  async fetch(path: string, method = 'GET'): Promise<Response> {
    const whole = path.startsWith('/rooms/') ? path : new URL(this.person.room).pathname + path
    const headers = { Accept: 'text/html', Cookie: this.for(whole) }
    const response = await fetch(new URL(whole, this.person.url), { method, headers })
    this.take(response.headers.get('set-cookie') ?? '')
    return response
  }
}

/** A view of the growing page, as somebody sees it whose line breaks again and again. */
export class View {
  jar: Jar
  path: string
  readonly shown = new Set<number>()
  readonly gone = new Set<number>()

  constructor(jar: Jar, path: string) {
    this.jar = jar
    this.path = path
  }

  /** The number of the place at which it began. */
  get begin(): number {
    return Number(/\/live\/(\d+)/.exec(this.path)?.[1])
  }

  /** Opens the room's page, and goes through the pages around its view to that. */
  static async open(jar: Jar): Promise<View> {
    const room = await (await jar.fetch('')).text()
    const waiting = await jar.fetch(inside(room))
    const frame = await jar.fetch(/url=(\S+)/.exec(waiting.headers.get('refresh') ?? '')?.[1] as string)
    const address = inside(await frame.text())
    assert.match(address, /\?frame$/)
    return new View(jar, address.split('?')[0])
  }

  /** Asks for its next document. */
  async ask(path = `${this.path}?frame`): Promise<Document> {
    const raw = await Raw.open(this.jar.person.url)
    raw.send(
      `GET ${path} HTTP/1.1\r\nHost: ${new URL(this.jar.person.url).host}\r\nConnection: close\r\nCookie: ${this.jar.for(path)}\r\n\r\n`,
    )
    return new Document(raw, this.jar)
  }

  /** Takes in what has come of a document: only what is whole counts. */
  take(document: Document): void {
    let last: number | undefined
    let gap: number | undefined = 0
    for (const line of document.lines()) {
      if ('gap' in line) {
        gap = line.gap
        continue
      }
      const first = last === undefined ? line.seq - (gap ?? 0) : last + 1
      assert.is(line.seq - first, gap ?? 0, 'a document has no hole that it does not tell of')
      for (let seq = first; seq < line.seq; seq += 1) this.gone.add(seq)
      this.shown.add(line.seq)
      last = line.seq
      gap = 0
    }
  }
}

/** One answer of a growing page. */
export class Document {
  #raw: Raw
  #jar: Jar
  #end = Number.POSITIVE_INFINITY
  readonly ended: Promise<string>

  constructor(raw: Raw, jar: Jar) {
    this.#raw = raw
    this.#jar = jar
    this.ended = raw.ended
  }

  /** What has come of its body. */
  get body(): string {
    const at = this.#raw.received.indexOf('\r\n\r\n')
    return at < 0 ? '' : unchunked(this.#raw.received.slice(at + 4)).slice(0, this.#end)
  }

  header(name: string): string {
    return new RegExp(`^${name}: (.*)\r$`, 'im').exec(this.#raw.received)?.[1] ?? ''
  }

  /** Settles once its headers are there, which a browser obeys whatever comes of the rest. */
  async begun(): Promise<void> {
    await this.#raw.until('\r\n\r\n')
    assert.match(this.#raw.received, /^HTTP\/1.1 200 /)
    this.#jar.take(this.header('set-cookie'))
  }

  /** Settles once this message has come. */
  async until(seq: number): Promise<void> {
    await this.begun()
    await this.#raw.until(seq === 0 ? '<ul class="messages">' : new RegExp(`id="m${seq}"[\\s\\S]*?</li>`))
  }

  /** Ends the line after so many bytes of the body, of which the rest was never seen. */
  async cut(bytes = 0, hasBegun = true): Promise<void> {
    if (hasBegun) await this.begun()
    this.#end = bytes
    this.#raw.socket.destroy()
    await this.ended
  }

  /** The lines that have come whole. */
  lines(): Line[] {
    const whole = this.body.matchAll(/<li (?:id="m(\d+)"|class="gap">(\d+)?)[\s\S]*?<\/li>/g)
    return [...whole].map(([, seq, missed]) =>
      seq === undefined ? { gap: missed === undefined ? undefined : Number(missed) } : { seq: Number(seq) },
    )
  }
}

/** Where the first frame of a page leads. */
function inside(html: string): string {
  const [, address = ''] = /<iframe src="([^"]*)"/.exec(html) ?? []
  return address.replaceAll('&amp;', '&')
}

/** What is whole of a body in chunks (RFC 9112, 7.1). */
export function unchunked(text: string): string {
  let body = ''
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at)
    const length = Number.parseInt(text.slice(at, line), 16)
    if (line < 0 || !length) return body
    body += text.slice(line + 2, line + 2 + length)
    at = line + 2 + length + 2
  }
}
