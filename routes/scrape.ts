import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { close, listen } from './listening.ts'
import { TYPE } from './metrics.ts'

/** A server of metrics, and of nothing else. */
export interface ScrapeServer {
  readonly port: number
  /** Stops at once. */
  stop(): Promise<void>
}

// One or two programs ask, every few seconds.
const CONNECTIONS = 16
const PATIENCE_MS = 5000

const HTTP = {
  headersTimeout: PATIENCE_MS,
  requestTimeout: PATIENCE_MS,
  connectionsCheckingInterval: 1000,
  // Whoever is asked by an address of their own need not look at the name they are asked by.
  requireHostHeader: false,
}

/**
 * Serves `/metrics` on a port of its own, so that whoever can reach the chat need not reach it; rejects where it cannot
 * listen.
 * @param text what is measured, at the moment of asking
 */
export async function serveMetrics(place: { host: string; port: number }, text: () => string): Promise<ScrapeServer> {
  const server = createServer(HTTP, (request, response) => answer(request, response, text))
  server.maxConnections = CONNECTIONS
  // Also for an answer that nobody reads.
  server.setTimeout(PATIENCE_MS, (socket) => socket.destroy())
  const port = await listen(server, place)
  return { port, stop }

  function stop(): Promise<void> {
    const closed = close(server)
    server.closeAllConnections()
    return closed
  }
}

function answer(request: IncomingMessage, response: ServerResponse, text: () => string): void {
  const { method = '', url = '' } = request
  response.setHeader('Connection', 'close')
  response.setHeader('Cache-Control', 'no-store')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  if (!/^\/metrics(\?|$)/.test(url)) return say(response, 404, 'Metrics are at /metrics.')
  if (method === 'GET' || method === 'HEAD') return say(response, 200, text(), TYPE)
  response.setHeader('Allow', 'GET, HEAD')
  say(response, 405, 'Metrics can only be read.')
}

function say(response: ServerResponse, status: number, words: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'Content-Type': type }).end(words.endsWith('\n') ? words : `${words}\n`)
}
