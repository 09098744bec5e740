import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import type { Duplex } from 'node:stream'
import { getRequestListener, serve } from '@hono/node-server'
import { Hono } from 'hono'
import { serve as otherServe } from 'other-node-server'
import type { Chat } from '../../routes/chat.ts'

/** A site of somebody else's that has chats in it. */
export interface Host {
  readonly url: string
  /** Upgrades that no chat took: the host has answered these itself. */
  readonly refused: string[]
  stop(): Promise<unknown>
}

export interface HostKind {
  readonly name: string
  /** Whether sockets reach the chat. */
  readonly isWired: boolean
  start(site: Hono, chats: readonly Chat[]): Promise<Host>
}

interface DenoServer {
  readonly addr: { readonly port: number }
  shutdown(): Promise<void>
}
interface Deno {
  serve(options: object, fetch: unknown): DenoServer
}

const isDeno = 'deno' in process.versions
/** For whoever makes a server beside others. Deno's own takes no `Response` but Deno's, and these would put one of theirs in its place. */
export const OPTIONS = isDeno ? { overrideGlobalObjects: false } : {}
const PLACE = { hostname: '127.0.0.1', port: 0, ...OPTIONS }

const node: HostKind[] = [
  {
    name: 'node:http',
    isWired: true,
    start: (site, chats) => listen(createServer(getRequestListener(site.fetch, OPTIONS)), chats),
  },
  {
    name: 'node:http without `upgrade`',
    isWired: false,
    start: (site) => listen(createServer(getRequestListener(site.fetch, OPTIONS))),
  },
  {
    name: 'the server of @hono/node-server',
    isWired: true,
    start: (site, chats) => listen(serve({ fetch: site.fetch, ...PLACE }) as Server, chats),
  },
  {
    name: 'another copy of @hono/node-server',
    isWired: true,
    start: (site, chats) => listen(otherServe({ fetch: site.fetch, ...PLACE }) as Server, chats),
  },
]

const deno: HostKind = {
  name: 'Deno.serve',
  isWired: true,
  async start(site) {
    const { Deno } = globalThis as unknown as { Deno: Deno }
    const server = Deno.serve({ hostname: '127.0.0.1', port: 0, onListen() {} }, site.fetch)
    return { url: `http://127.0.0.1:${server.addr.port}`, refused: [], stop: () => server.shutdown() }
  },
}

/** The hosts that this runtime has. */
export const HOSTS: readonly HostKind[] = isDeno ? [...node, deno] : node

/** A site with pages of its own, and chats at these paths. */
export function siteWith(chats: Readonly<Record<string, Chat>>): Hono {
  const site = new Hono()
  site.use(async (c, next) => {
    c.header('X-Host', 'yes')
    await next()
  })
  for (const [path, { app }] of Object.entries(chats)) site.route(path, app)
  site.get('/host', (c) => c.text('the host’s'))
  site.post('/host', (c) => c.text('posted to the host'))
  site.notFound((c) => c.text('nothing of the host’s', 404))
  site.onError((_, c) => c.text('an error of the host’s', 418))
  return site
}

/** @param chats those that are asked about each handshake; nobody is where none are given */
export async function listen(server: Server, chats?: readonly Chat[]): Promise<Host> {
  const refused: string[] = []
  if (chats) {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head) => {
      if (chats.some((chat) => chat.upgrade(request, socket, head))) return
      refused.push(request.url ?? '')
      socket.end('HTTP/1.1 418 No\r\nConnection: close\r\n\r\nfrom the host')
    })
  }
  if (!server.listening) {
    server.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
  }
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, refused, stop: () => stop(server) }
}

function stop(server: Server): Promise<unknown> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(resolve))
}
