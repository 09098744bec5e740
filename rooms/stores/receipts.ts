import { hash } from 'node:crypto'
import { KEY_MS, KEYS, MOST_KEYS } from './store.ts'
import { readTag, writeTag } from './tag.ts'

/** Enough to say which message a key was used for. The text is not kept: the log is the only place for texts. */
export interface Receipt {
  readonly seq: number
  readonly tag: string
  readonly at: number
}

// A key's hash, the number, tag and time of its message, and when it was kept.
const FIELDS = 5
const KEPT = 4
const FIELD_BYTES = 8
const FEWEST = 4
const FREE = -1

/**
 * What one member has said last, by key: all of the last day up to a bound, and a few however old. It is kept as numbers
 * in one ring of rows, because a map of texts and objects would take ten times as much.
 */
export class Receipts {
  #rows: number[] = []
  #capacity = 0
  /** The row of the oldest. */
  #first = 0
  #size = 0
  /** Only where there are too many to look at each. */
  #index: Index | undefined

  get size(): number {
    return this.#size
  }

  /** Bytes of memory that they take, about. */
  get bytes(): number {
    return this.#capacity * FIELDS * FIELD_BYTES + (this.#index?.bytes ?? 0)
  }

  /** When the last one was kept. */
  get newest(): number | undefined {
    return this.#size > 0 ? this.#rows[this.#row(this.#size - 1) + KEPT] : undefined
  }

  /** @param hash the key's, by `hashOf` */
  find(hash: number): Receipt | undefined {
    const rows = this.#rows
    const at = this.#index ? this.#index.find(hash, rows) : rowWith(hash, rows)
    return at === undefined ? undefined : { seq: rows[at + 1], tag: writeTag(rows[at + 2]), at: rows[at + 3] }
  }

  /**
   * Remembers what a key was used for, and forgets what is too old or too much.
   * @param now milliseconds that never run backwards
   */
  keep(hash: number, { seq, tag, at }: Receipt, now: number): void {
    while (this.#size >= KEYS && (this.#size >= MOST_KEYS || this.#oldest < now - KEY_MS)) this.#drop()
    if (this.#size === this.#capacity) this.#lay(Math.max(this.#capacity * 2, FEWEST))
    const [rows, row] = [this.#rows, this.#row(this.#size)]
    rows[row] = hash
    rows[row + 1] = seq
    rows[row + 2] = readTag(tag)
    rows[row + 3] = at
    rows[row + KEPT] = now
    this.#size += 1
    if (this.#index && !this.#index.add(hash, row)) this.#lay(this.#fitting)
  }

  /** Forgets all but a few. */
  shrink(): void {
    while (this.#size > KEYS) this.#drop()
    if (this.#capacity > KEYS) this.#lay(KEYS)
  }

  get #oldest(): number {
    return this.#rows[this.#row(0) + KEPT]
  }

  /** Where a row begins, by its number from the oldest on. */
  #row(number: number): number {
    return ((this.#first + number) % this.#capacity) * FIELDS
  }

  /** Half of the space where no more than a quarter of it is taken, and otherwise all of it. */
  get #fitting(): number {
    return this.#size * 4 > this.#capacity ? this.#capacity : this.#capacity / 2
  }

  #drop(): void {
    this.#rows[this.#row(0)] = FREE
    this.#first = (this.#first + 1) % this.#capacity
    this.#size -= 1
  }

  /** Lays all out anew, in a ring of so many rows. */
  #lay(capacity: number): void {
    const rows = Array<number>(capacity * FIELDS).fill(FREE)
    const index = capacity > KEYS ? new Index(capacity) : undefined
    for (let number = 0; number < this.#size; number += 1) {
      const from = this.#row(number)
      for (let field = 0; field < FIELDS; field += 1) rows[number * FIELDS + field] = this.#rows[from + field]
      index?.add(rows[number * FIELDS], number * FIELDS)
    }
    this.#rows = rows
    this.#capacity = capacity
    this.#first = 0
    this.#index = index
  }
}

/** Where the row of each hash begins. What points to a row that was given to another stays until all is made anew. */
class Index {
  /** From the place of a hash on: the number of a row, from 1. */
  #places: Uint16Array
  #taken = 0

  constructor(rows: number) {
    this.#places = new Uint16Array(rows * 4)
  }

  get bytes(): number {
    return this.#places.byteLength
  }

  find(hash: number, rows: readonly number[]): number | undefined {
    const places = this.#places
    for (let place = this.#first(hash); places[place] > 0; place = this.#next(place)) {
      const row = (places[place] - 1) * FIELDS
      if (rows[row] === hash) return row
    }
    return undefined
  }

  /** False where it is half full from now on. */
  add(hash: number, row: number): boolean {
    let place = this.#first(hash)
    while (this.#places[place] > 0) place = this.#next(place)
    this.#places[place] = row / FIELDS + 1
    this.#taken += 1
    return this.#taken * 2 < this.#places.length
  }

  #first(hash: number): number {
    return hash & (this.#places.length - 1)
  }

  #next(place: number): number {
    return (place + 1) & (this.#places.length - 1)
  }
}

function rowWith(hash: number, rows: readonly number[]): number | undefined {
  for (let row = 0; row < rows.length; row += FIELDS) if (rows[row] === hash) return row
  return undefined
}

/** The first 52 bits of a hash: a number holds as many, and no two of a member's keys share them. */
export function hashOf(key: string): number {
  return Number.parseInt(hash('sha256', key).slice(0, 13), 16)
}
