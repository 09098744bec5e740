import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import { baseRoutePath } from 'hono/route'
import { TrieRouter } from 'hono/router/trie-router'
import type { Place } from '../../templates/page.ts'
import type { Sessions } from './session.ts'
import { readWhole } from './target.ts'

// Patterns, not paths: a host mounts the chat once or a few times.
const MOUNTS = 100

/** A handshake of this chat: the code of a room, as it was typed, and the place that it was asked at. */
export interface Knock {
  readonly code: string
  readonly place: Place
}

/** Where a host has mounted the chat: that only shows in what is asked for. */
export class Mounts {
  #assets: Place['assets']
  #sessions: Sessions
  #codeOf: (typed: string) => string | undefined
  #base: string | undefined
  /** The one place there is, where the base is known. */
  #only: Place | undefined
  /** The same for all who come to the same base, because each connection keeps it. */
  #last: Place | undefined
  #patterns = new Set<string>()
  #router = new TrieRouter<true>()

  /**
   * @param codeOf reads the code of a room
   * @param base the one path at which the chat is, where that is known
   */
  constructor(
    assets: Place['assets'],
    sessions: Sessions,
    codeOf: (typed: string) => string | undefined,
    base?: string,
  ) {
    this.#assets = assets
    this.#sessions = sessions
    this.#codeOf = codeOf
    this.#base = base
    this.#only = base === undefined ? undefined : this.#at(base)
  }

  /**
   * The place that a request was sent to.
   * @param depth how many segments of its path are the chat's own
   */
  placeOf(c: Context, depth: number): Place {
    if (this.#only) return this.#only
    this.#learn(baseRoutePath(c))
    const segments = new URL(c.req.url).pathname.split('/')
    return this.#at(segments.slice(0, segments.length - depth).join('/'))
  }

  /** What a request knocks at, if it is a handshake of this chat. */
  knockOf(request: IncomingMessage): Knock | undefined {
    const path = pathOf(request)
    const [, base, code] = /^(.*)\/rooms\/([^/]+)\/socket$/.exec(path) ?? []
    return code !== undefined && this.#isOurs(request, path, base, code) ? { code, place: this.#at(base) } : undefined
  }

  #isOurs({ headers }: IncomingMessage, path: string, base: string, code: string): boolean {
    if (this.#base !== undefined) return base === this.#base
    if (this.#patterns.size > 0) return this.#router.match('GET', decoded(path))[0].length > 0
    // After a restart pages open their sockets again before anything is asked for: then a session of this chat tells.
    const room = this.#codeOf(code)
    return room !== undefined && this.#sessions.find(room, headers.authorization, headers.cookie) !== undefined
  }

  #learn(pattern: string): void {
    if (this.#patterns.has(pattern) || this.#patterns.size === MOUNTS) return
    this.#patterns.add(pattern)
    this.#router.add('GET', `${pattern.replace(/\/$/, '')}/rooms/:code/socket`, true)
  }

  #at(path: string): Place {
    const base = asBase(path)
    if (this.#last?.base !== base) this.#last = { base, assets: this.#assets }
    return this.#last
  }
}

/** A path to put others behind: two slashes would lead to another host, and a semicolon ends the path of a cookie. */
function asBase(path: string): string {
  return path
    .replace(/^\/{2,}/, '/')
    .replace(/\/$/, '')
    .replaceAll(';', '%3B')
}

/** The path of a request as browsers read it; empty where it has none. */
function pathOf({ url = '' }: IncomingMessage): string {
  const path = readWhole(url)?.path ?? url
  try {
    return path.startsWith('/') ? new URL(`http://localhost${path}`).pathname : ''
  } catch {
    return ''
  }
}

/** A path as Hono compares it with patterns. */
function decoded(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}
