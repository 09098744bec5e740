import { createHash } from 'node:crypto'
import { readTag, writeTag } from './log.ts'
import { KEYS } from './store.ts'

/** Enough to say which message a key was used for. The text is not kept: the log is the only place for texts. */
export interface Receipt {
  readonly seq: number
  readonly tag: string
  readonly at: number
}

// A key's hash, and the number, tag and time of its message.
const FIELDS = 4

/**
 * What one member has said last, by key. It is kept as numbers in one row, because a map of texts and objects
 * would take ten times as much.
 */
export class Receipts {
  #row: number[] = []
  #next = 0

  get size(): number {
    return this.#row.length / FIELDS
  }

  /** @param hash the key's, by `hashOf` */
  find(hash: number): Receipt | undefined {
    const row = this.#row
    for (let at = 0; at < row.length; at += FIELDS)
      if (row[at] === hash) return { seq: row[at + 1], tag: writeTag(row[at + 2]), at: row[at + 3] }
    return undefined
  }

  /** Remembers what a key was used for, in place of the oldest where there are too many. */
  keep(hash: number, { seq, tag, at }: Receipt): void {
    for (const [index, field] of [hash, seq, readTag(tag), at].entries()) this.#row[this.#next + index] = field
    this.#next = (this.#next + FIELDS) % (KEYS * FIELDS)
  }
}

/** The first 53 bits of a hash: as many as a number holds, and enough that no two of a member's keys share one. */
export function hashOf(key: string): number {
  const digest = createHash('sha256').update(key).digest()
  return digest.readUIntBE(0, 6) * 32 + (digest[6] & 31)
}
