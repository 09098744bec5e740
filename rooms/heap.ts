// V8 keeps a text in one byte a letter as long as none is beyond Latin-1.
const WIDE = /[^\0-\xff]/

/** Bytes that a text takes in memory. */
export function heapBytes(text: string): number {
  return text.length * (WIDE.test(text) ? 2 : 1)
}
