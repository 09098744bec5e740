import { Queue } from './queue.ts'

/** What is kept of a row of numbered things: in their order, and found by halving. */
export class Window<T extends { readonly seq: number }> {
  #items = new Queue<T>()

  get size(): number {
    return this.#items.length
  }

  get last(): T | undefined {
    return this.#items.at(this.#items.length - 1)
  }

  /** Keeps one whose number is higher than all others. */
  push(item: T): void {
    this.#items.push(item)
  }

  /** Lets go of the first. */
  shift(): T | undefined {
    return this.#items.shift()
  }

  find(seq: number): T | undefined {
    const item = this.lastUpTo(seq)
    return item?.seq === seq ? item : undefined
  }

  /** The last one whose number is no higher than this. */
  lastUpTo(seq: number): T | undefined {
    const index = this.upTo(seq) - 1
    return index < 0 ? undefined : this.#items.at(index)
  }

  /** Puts one in the place of the one with its number. */
  replace(item: T): void {
    this.#items.set(this.upTo(item.seq) - 1, item)
  }

  remove({ seq }: T): void {
    this.#items.remove(this.upTo(seq) - 1)
  }

  slice(from: number, to = this.size): T[] {
    return this.#items.slice(from, to)
  }

  /** How many have this number or a lower one. */
  upTo(seq: number): number {
    return countUpTo(this.#items.length, (index) => (this.#items.at(index) as T).seq, seq)
  }
}

/** How many of so many rising numbers are no higher than this. */
export function countUpTo(length: number, numberAt: (index: number) => number, most: number): number {
  let [low, high] = [0, length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (numberAt(middle) <= most) low = middle + 1
    else high = middle
  }
  return low
}
