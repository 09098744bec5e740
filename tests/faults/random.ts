/** Chance that repeats: the same seed gives the same choices (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A number from 0 up to, and without, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from `least` up to, and without, `end`. */
  whole(least: number, end: number): number {
    return least + Math.floor(this.next() * (end - least))
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length)]
  }

  /** About this share of them, at least one if there are any. */
  some<T>(all: readonly T[], share: number): T[] {
    const some = all.filter(() => this.next() < share)
    return some.length > 0 || all.length === 0 ? some : [this.pick(all)]
  }
}
