import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TYPE } from './metrics.ts'

export interface ScrapeServer {
  readonly port: number
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
export function serveMetrics(place: { host: string; port: number }, text: () => string): Promise<ScrapeServer> {
  const server = createServer(HTTP, (request, response) => answer(request, response, text))
  server.maxConnections = CONNECTIONS
  // Also for an answer that nobody reads.
  server.setTimeout(PATIENCE_MS, (socket) => socket.destroy())
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(place, () => {
      server.off('error', reject)
      resolve({ port: (server.address() as AddressInfo).port, stop: () => close(server) })
    })
  })
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

function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  return closed
}
