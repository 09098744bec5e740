import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Knock } from '../../routes/guard/mounts.ts'
import { Handshakes } from '../../routes/wire/handshake.ts'
import { Sockets } from '../../routes/wire/socket.ts'
import { turn } from './clock.ts'
import { type Guest, makeHouse } from './site.ts'

const WEBSOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'

/** What a test leaves open. */
export interface Closing {
  closing: (() => void)[]
}

/** A socket in a room: the client's end of it, which does nothing by itself, and the server's. */
export async function knock(context: Closing, { clock, site, house } = makeHouse(), guest?: Guest) {
  const ann = guest ?? (await house.open())
  const sockets = new Sockets(site.clock)
  const handshakes = new Handshakes(site, sockets)
  context.closing.push(() => sockets.stop())
  const server = createServer().on('upgrade', (request: IncomingMessage, socket: Duplex, rest) =>
    handshakes.accept(request, socket, rest, site.mounts.knockOf(request) as Knock),
  )
  const { near, far } = await meet(context, server, head(ann, '/socket', WEBSOCKET))
  while (site.rooms.attendance(ann.code).count === 0) await turn()
  return { clock, near, far }
}

/** The request of a program in a room. */
export function head({ code, token }: { code: string; token: string }, path: string, more: string): string {
  return `GET /rooms/${code}${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n${more}\r\n`
}

/** A client that has sent something and does not read, and the server's end of its connection. */
export async function meet(
  { closing }: Closing,
  server: Server,
  request: string,
): Promise<{ near: Socket; far: Socket }> {
  const met = new Promise<Socket>((resolve) => server.once('connection', resolve))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
  near.setNoDelay(true)
  near.on('error', () => {}).pause()
  near.write(request)
  const far = await met
  closing.push(() => {
    near.destroy()
    far.destroy()
    server.close()
  })
  while (far.bytesWritten === 0) await turn()
  await turn()
  return { near, far }
}
