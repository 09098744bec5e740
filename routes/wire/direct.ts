import type { Socket } from 'node:net'
import process from 'node:process'

/** What Node keeps of a write until the kernel has taken all of it. */
interface WriteRequest {
  oncomplete: () => void
  buffer: Uint8Array | undefined
}

/** What a Node socket writes by: private, so it is looked at before it is used and done without where it differs. */
interface Handle {
  /** Node 26 comes without a request where it tries whether the kernel takes all at once. */
  writeBuffer(request: WriteRequest | null, bytes: Uint8Array): number
  readonly writeQueueSize: number
  readonly constructor: { readonly name: string }
}

/** Who writes to a socket. */
export interface Writer {
  caughtUp(): void
}

type Written = 'sent' | 'queued' | 'failed'

let Request: (new () => WriteRequest) | undefined
let Tcp: unknown
let standsAside = 'deno' in process.versions
let spare: WriteRequest | undefined

/**
 * Writes to a plain TCP socket that has nothing unsent, past the queue of its stream: in a room of a thousand that queue costs
 * a tenth of the server's time.
 * @param writer is told once the kernel has taken what it did not take at once, or the socket is gone
 * @returns undefined where that cannot be done, and nothing was written
 */
export function writeDirectly(socket: Socket, bytes: Uint8Array, writer: Writer): Written | undefined {
  const handle = (socket as { _handle?: Handle | null })._handle
  if (!handle || standsAside) return undefined
  if (!Request) return learn(handle)
  // A handle of TLS aborts Node where it is written to past its socket.
  if (handle.constructor !== Tcp) return undefined
  spare ??= new Request()
  spare.buffer = bytes
  if (handle.writeBuffer(spare, bytes) !== 0) return 'failed'
  if (handle.writeQueueSize === 0) return 'sent'
  spare.oncomplete = () => writer.caughtUp()
  spare = undefined
  return 'queued'
}

/** Takes the kind of request from the next ordinary write of a socket: there is no other way to it. */
function learn(handle: Handle): undefined {
  if (handle.constructor.name !== 'TCP') return
  if (typeof handle.writeBuffer !== 'function' || handle.writeQueueSize !== 0) return
  handle.writeBuffer = (request, bytes) => {
    Tcp = handle.constructor
    // Node 26 comes without one: its own way is as short, and to look at every write would only cost.
    if (request) Request = request.constructor as typeof Request
    else standsAside = true
    delete (handle as Partial<Handle>).writeBuffer
    return handle.writeBuffer(request, bytes)
  }
}
