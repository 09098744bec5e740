interface Cookie {
  readonly value: string
  readonly path: string
}

/** Asks as a browser does: keeps cookies by their paths, names its origin with what it posts, and follows redirects. */
export class Jar {
  readonly origin: string
  #cookies = new Map<string, Cookie>()

  constructor(origin: string) {
    this.origin = origin
  }

  /** What is sent to a path (RFC 6265, 5.4). */
  cookiesFor(path: string): string {
    const sent = [...this.#cookies.values()].filter((cookie) => isWithin(path, cookie.path))
    return sent.map(({ value }) => value).join('; ')
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#ask(path, { headers })
  }

  post(path: string, fields: Record<string, string>): Promise<Response> {
    return this.#ask(path, { method: 'POST', body: new URLSearchParams(fields), headers: { Origin: this.origin } })
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    const headers = { Cookie: this.cookiesFor(path), ...init.headers }
    const response = await fetch(this.origin + path, { redirect: 'manual', ...init, headers })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    if (response.status !== 303 && response.status !== 308) return response
    await response.body?.cancel()
    const location = new URL(response.headers.get('location') ?? '', response.url)
    if (location.origin !== this.origin) throw new Error(`sent away to ${location}`)
    return this.get(location.pathname + location.search)
  }

  #keep(line: string): void {
    const [value, path] = [line.split(';')[0], /; Path=([^;]*)/.exec(line)?.[1] ?? '/']
    this.#cookies.set(`${value.split('=')[0]} ${path}`, { value, path })
  }
}

function isWithin(path: string, outer: string): boolean {
  const [plain] = path.split('?')
  return plain === outer || plain.startsWith(outer.endsWith('/') ? outer : `${outer}/`)
}
