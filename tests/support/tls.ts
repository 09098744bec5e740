import type { IncomingMessage, ServerResponse } from 'node:http'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

// Of this machine's own names, signed by itself, for nothing but these tests.
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgnxxskQVexJWb0xRU
Djt9Q3o/SQZ5uQkXIDbcwp7TktahRANCAARZPATGAL5R+vGOr83aTilaKPoGoBfd
3J3U9vULtowIVo/QxCBsgEICyiwYsXbkabytE0gYXuzQHa3iXIt6saoN
-----END PRIVATE KEY-----`
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUe14RRrW0500zDWEiRSv/TpgmZIgwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNTE4MzEyOVoYDzIxMjYxMTAx
MTgzMTI5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARZPATGAL5R+vGOr83aTilaKPoGoBfd3J3U9vULtowIVo/QxCBsgEIC
yiwYsXbkabytE0gYXuzQHa3iXIt6saoNo28wbTAdBgNVHQ4EFgQUgI34amYnQuc6
uYaE7YvxIrx/lo8wHwYDVR0jBBgwFoAUgI34amYnQuc6uYaE7YvxIrx/lo8wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAL15PGiTHuzRtvuVs4vZBRRsxku8o32cRiHKdonR9250AiBv
6Q/pap4mo1CIvRh3UOa7CZ0qzAlyvXoO5bgemZ1oAg==
-----END CERTIFICATE-----`

export interface TlsSite {
  readonly port: number
  /** What was asked for: methods and paths. */
  readonly asked: string[]
  stop(): Promise<unknown>
}

/** What a proxy that ends TLS does besides. */
export interface TlsRules {
  readonly areSocketsRefused?: boolean
  /** Whether browsers are told nothing of partitions, as if they knew none. */
  readonly isUnpartitioned?: boolean
}

/** A site over TLS that shows one page. */
export function showPage(html: () => string): Promise<TlsSite> {
  return listen((_, answer) => answer.setHeader('Content-Type', 'text/html; charset=utf-8').end(html()), refuse)
}

/** A proxy that ends TLS in front of a server. */
export function endTls(port: number, rules: TlsRules = {}): Promise<TlsSite> {
  return listen(
    (incoming, answer) => pass(incoming, answer, port, rules),
    (incoming, socket) => (rules.areSocketsRefused ? refuse(incoming, socket) : passSocket(incoming, socket, port)),
  )
}

async function listen(
  meet: (incoming: IncomingMessage, answer: ServerResponse) => void,
  upgrade: (incoming: IncomingMessage, socket: Duplex) => void,
): Promise<TlsSite> {
  const asked: string[] = []
  const sockets = new Set<Duplex>()
  const server = createServer({ key: KEY, cert: CERTIFICATE }, (incoming, answer) => {
    asked.push(`${incoming.method} ${incoming.url}`)
    meet(incoming, answer)
  })
  server.on('upgrade', (incoming, socket) => {
    sockets.add(socket.on('error', () => socket.destroy()))
    upgrade(incoming, socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    stop: () => {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

function pass(incoming: IncomingMessage, answer: ServerResponse, port: number, rules: TlsRules): void {
  const { method, url: path } = incoming
  const headers = { ...incoming.headers, 'x-forwarded-proto': 'https' }
  const passed = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
    const cookies = response.headers['set-cookie']?.map((cookie) =>
      rules.isUnpartitioned ? cookie.replace('; Partitioned', '') : cookie,
    )
    answer.writeHead(response.statusCode ?? 502, { ...response.headers, ...(cookies && { 'set-cookie': cookies }) })
    answer.flushHeaders()
    response.on('error', () => answer.destroy()).pipe(answer)
  })
  passed.on('error', () => answer.destroy())
  answer.on('close', () => passed.destroy())
  incoming.on('error', () => passed.destroy()).pipe(passed)
}

function passSocket({ method, url, rawHeaders }: IncomingMessage, socket: Duplex, port: number): void {
  const passed = connect(port, '127.0.0.1')
  const lines = rawHeaders.map((part, index) => (index % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join('')
  passed.write(`${method} ${url} HTTP/1.1\r\n${lines}X-Forwarded-Proto: https\r\n\r\n`)
  passed.pipe(socket).pipe(passed)
  for (const end of [passed, socket])
    end.on('error', () => end.destroy()).on('close', () => [passed, socket].map((each) => each.destroy()))
}

function refuse(_: IncomingMessage, socket: Duplex): void {
  socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
}
