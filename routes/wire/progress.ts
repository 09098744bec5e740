import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'

/** What a Node socket writes by, as far as it counts; Deno's counts nothing. */
interface Counting {
  readonly bytesWritten?: number
  readonly writeQueueSize?: number
}

/** Whether bytes wait that the kernel has not taken. */
export function hasUnsent(socket: Duplex): boolean {
  return socket.writableLength > 0 || (handleOf(socket)?.writeQueueSize ?? 0) > 0
}

/** Bytes that wait because the kernel has not taken them. */
export function unsentBytes(socket: Duplex): number {
  return socket.writableLength + (handleOf(socket)?.writeQueueSize ?? 0)
}

/** Notices a reader that takes nothing of what waits for it. */
export class Progress {
  #taken = -1
  #since = 0

  /** Milliseconds since something was last taken; 0 where nothing waits. */
  stalled(socket: Socket, now: number): number {
    const taken = hasUnsent(socket) ? takenBy(socket) : -1
    if (taken === this.#taken) return taken < 0 ? 0 : now - this.#since
    this.#taken = taken
    this.#since = now
    return 0
  }
}

/** Bytes that the kernel has taken. */
function takenBy(socket: Socket): number {
  const { bytesWritten, writeQueueSize } = handleOf(socket) ?? {}
  if (bytesWritten !== undefined && writeQueueSize !== undefined) return bytesWritten - writeQueueSize
  return socket.bytesWritten - socket.writableLength
}

function handleOf(socket: object): Counting | null | undefined {
  return (socket as { _handle?: Counting | null })._handle
}
