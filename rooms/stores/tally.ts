import { countUpTo } from './window.ts'

const NUMBERS = 4096
const NUMBER_BYTES = 8

/** Tells how many of the entries after a place were messages, from the numbers of those that were none. */
export class Tally {
  /** The place, or the last number that was forgotten, and how many were. */
  #from: number
  #known: number
  #forgotten = 0
  #numbers: number[] = []

  /** @param from the number of the place */
  constructor(from: number) {
    this.#from = from
    this.#known = from
  }

  get bytes(): number {
    return this.#numbers.length * NUMBER_BYTES
  }

  /** This entry is no message. */
  add(seq: number): void {
    if (this.#numbers.length >= NUMBERS) this.#forget(NUMBERS / 2)
    this.#numbers.push(seq)
  }

  /** How many messages there were after the place, up to a number; undefined where that was forgotten. */
  upTo(seq: number): number | undefined {
    if (seq < this.#known) return seq <= this.#from ? 0 : undefined
    const others = countUpTo(this.#numbers.length, (index) => this.#numbers[index], seq)
    return seq - this.#from - this.#forgotten - others
  }

  #forget(count: number): void {
    this.#known = this.#numbers[count - 1]
    this.#numbers.splice(0, count)
    this.#forgotten += count
  }
}
