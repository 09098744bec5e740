import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { blockOf } from './address.ts'
import { type Proxies, saidAt, type Way } from './proxies.ts'
import { hostOf, readHost, readWhole } from './target.ts'

/** A request as it came to this process, by whatever way. */
interface Received {
  /** The address at the other end of the connection. */
  readonly peer: string | undefined
  readonly scheme: string
  readonly host: string | undefined
  header(name: string): string | undefined
}

/** What a route is asked with; only a server of Node has the request and its socket, and Deno's the address. */
interface Routed {
  readonly req: { readonly url: string; header(name: string): string | undefined }
  readonly env?: {
    readonly incoming?: { readonly url?: string; readonly socket?: { readonly remoteAddress?: string } }
    readonly remoteAddr?: { readonly hostname?: string }
  }
}

// Some proxies name the scheme of a handshake after the socket that it asks for.
const SCHEMES = new Map(Object.entries({ http: 'http', https: 'https', ws: 'http', wss: 'https' }))

const FORWARDING = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded']

/**
 * A request as it looks from outside: before the proxies that are trusted, and nobody else's word for it. Nothing is
 * looked at before it is asked for.
 */
export class Outside {
  #received: Received
  #proxies: Proxies
  #way: Way | undefined

  constructor(received: Received, proxies: Proxies) {
    this.#received = received
    this.#proxies = proxies
  }

  /** Who asks, as far as the network tells; a network of IPv6 counts as one. */
  get address(): string {
    return blockOf(this.#followed.client)
  }

  /** The scheme that the browser speaks. */
  get scheme(): string {
    return SCHEMES.get(this.#said('x-forwarded-proto')?.toLowerCase() ?? '') ?? this.#received.scheme
  }

  /** The host that the browser asks, with its port; undefined where that is no host, or could be made up. */
  get host(): string | undefined {
    return readHost(this.#said('x-forwarded-host')) ?? readHost(this.#received.host)
  }

  /** The origin at which the browser finds this (RFC 6454, 4); undefined where the host is. */
  get origin(): string | undefined {
    const { host } = this
    return host && `${this.scheme}://${host}`
  }

  /** The peer that spoke for somebody else without being trusted to; undefined where none did. */
  get stranger(): string | undefined {
    const { peer } = this.#received
    const isForwarded = FORWARDING.some((name) => this.#received.header(name) !== undefined)
    return isForwarded && this.#followed.hops === 0 ? peer : undefined
  }

  /** What the outermost proxy that is trusted says in a header. */
  #said(name: string): string | undefined {
    const { hops } = this.#followed
    return hops === 0 ? undefined : saidAt(this.#received.header(name), hops)
  }

  get #followed(): Way {
    this.#way ??= this.#proxies.follow(this.#received.peer, () => this.#received.header('x-forwarded-for'))
    return this.#way
  }
}

/** The outside of a request that a route was asked with. */
export function outsideOf(routed: Routed, proxies: Proxies): Outside {
  return new Outside(new RoutedRequest(routed), proxies)
}

/** The outside of a request that no route was asked with, as a handshake. */
export function outsideOfRequest(request: IncomingMessage, proxies: Proxies): Outside {
  return new Outside(new PlainRequest(request), proxies)
}

// These are classes because getters of a literal make a shape of its own for each object, which outlives its request.
class RoutedRequest implements Received {
  #routed: Routed

  constructor(routed: Routed) {
    this.#routed = routed
  }

  get peer(): string | undefined {
    const { env } = this.#routed
    return env?.incoming?.socket?.remoteAddress ?? env?.remoteAddr?.hostname
  }

  get scheme(): string {
    return this.#routed.req.url.startsWith('https:') ? 'https' : 'http'
  }

  get host(): string | undefined {
    const { req, env } = this.#routed
    return hostOf(env?.incoming?.url, req.header('host') ?? new URL(req.url).host)
  }

  header(name: string): string | undefined {
    return this.#routed.req.header(name)
  }
}

class PlainRequest implements Received {
  #request: IncomingMessage

  constructor(request: IncomingMessage) {
    this.#request = request
  }

  get peer(): string | undefined {
    return this.#request.socket.remoteAddress
  }

  get scheme(): string {
    const { url, socket } = this.#request
    return readWhole(url)?.scheme ?? ((socket as TLSSocket).encrypted ? 'https' : 'http')
  }

  get host(): string | undefined {
    const { url, headers } = this.#request
    return hostOf(url, headers.host)
  }

  header(name: string): string | undefined {
    return this.#request.headers[name]?.toString()
  }
}
