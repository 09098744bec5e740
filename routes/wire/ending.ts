import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../rooms/clock.ts'

const LINGER_MS = 2000
const SWALLOWED_BYTES = 16 * 1024 * 1024

/** Closes a socket once its last words are out, or a moment later where nobody takes them. */
export function endSocket(socket: Duplex, clock: Clock, words?: string): void {
  if (socket.destroyed) return
  if (!socket.writableEnded) socket.end(words)
  if (socket.writableFinished) return void socket.destroy()
  boundEnd(socket, clock)
  socket.once('finish', () => socket.destroy())
}

/** Refuses a handshake before the upgrade. */
export function rejectHandshake(socket: Duplex, clock: Clock, status: number): void {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
  endSocket(socket, clock, head)
}

/**
 * Lets a request's body come in unread after its answer, a bounded amount for a bounded time, and then closes. A socket
 * that is closed with unread bytes sends RST, which takes the answer away from a client that has not read it.
 */
export function endAfterBody(request: IncomingMessage, clock: Clock): void {
  const { socket } = request
  let left = SWALLOWED_BYTES
  request.removeAllListeners('data').on('data', (bytes: Uint8Array) => {
    left -= bytes.length
    if (left < 0) socket.destroy()
  })
  request.resume()
  // Node calls this once the answer is out, and would destroy the socket with the next turn.
  socket.destroySoon = () => linger(request, socket, clock)
}

function linger(request: IncomingMessage, socket: Socket, clock: Clock): void {
  if (request.readableEnded) return endSocket(socket, clock)
  socket.end()
  boundEnd(socket, clock)
  request.once('close', () => endSocket(socket, clock))
}

function boundEnd(socket: Duplex, clock: Clock): void {
  socket.once(
    'close',
    clock.after(LINGER_MS, () => socket.destroy()),
  )
}
