import { Buffer } from 'node:buffer'

/** The same text with a memory of its own: V8 keeps the whole of a text for as long as a part of it is kept. */
export function own(text: string): string {
  return Buffer.from(text).toString()
}
