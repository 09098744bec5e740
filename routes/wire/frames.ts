import { Buffer } from 'node:buffer'
import type { Entry } from '../../rooms/types.ts'
import { lines, message } from '../../templates/message.ts'

const FIN_TEXT = 0x81
const FIN_PING = 0x89
const FIN_PONG = 0x8a

/** A ping without a payload (RFC 6455, 5.5.2). */
export const PING = Buffer.from([FIN_PING, 0])

/** A pong that nobody asked for, and that nobody answers (RFC 6455, 5.5.3). */
export const PONG = Buffer.from([FIN_PONG, 0])

/** A text that changes nothing in a page, and shows it that its line carries. */
export const SIGN = '<!---->'

/** Bytes of an entry as a fragment. */
export function fragmentBytes(entry: Entry): number {
  return Buffer.byteLength(entry.kind === 'message' ? message(entry) : lines({ events: [entry] }))
}

/** A text as one whole, unmasked frame (RFC 6455, 5.2), to be written to any number of sockets. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(head + length)
  frame[0] = FIN_TEXT
  if (head === 2) frame[1] = length
  else if (head === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, head)
  return frame
}
