import type { IncomingMessage } from 'node:http'

/** What the head of a request says about its shape. */
export interface Head {
  /** Whether it names its host as it must (RFC 9112, 3.2): once and well, or before HTTP/1.1 not at all. */
  readonly isLawful: boolean
  readonly hasBody: boolean
}

// RFC 3986, 3.2.2 and 3.2.3; empty where what is asked for has no host.
const HOST = /^(\[[\w:.%~-]+\]|[\w.~!$&'()*+,;=%-]*)(:\d*)?$/

/** Reads what Node keeps silent about: of two `Host` headers it gives the first. */
export function readHead({ rawHeaders, httpVersion }: IncomingMessage): Head {
  let hosts = 0
  let isHost = false
  let hasBody = false
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    // Most names are sorted out by their length: this is asked of every request.
    if (name.length === 4 && is(name, 'host')) {
      hosts += 1
      isHost = HOST.test(rawHeaders[index + 1])
    }
    if (name.length === 14) hasBody ||= is(name, 'content-length') && Number(rawHeaders[index + 1]) > 0
    else if (name.length === 17) hasBody ||= is(name, 'transfer-encoding')
  }
  return { isLawful: hosts === 1 ? isHost : hosts === 0 && httpVersion !== '1.1', hasBody }
}

function is(name: string, other: string): boolean {
  return name.toLowerCase() === other
}

/**
 * Whether a request asks for a WebSocket, and not for another protocol. Before HTTP/1.1 nothing can be asked for in this
 * way (RFC 9110, 7.8; RFC 6455, 4.1).
 */
export function asksForSocket({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && httpVersion === '1.1'
}
