// Of the space that is laid out no more than this share stands empty.
const EMPTY_SHARE = 0.25

/** A row that grows at its end and shrinks at its beginning, for the same price however long it is. */
export class Queue<T> {
  #items: (T | undefined)[] = []
  #first = 0

  get length(): number {
    return this.#items.length - this.#first
  }

  at(index: number): T | undefined {
    return this.#items[this.#first + index]
  }

  set(index: number, item: T): void {
    this.#items[this.#first + index] = item
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    const item = this.#items[this.#first]
    this.#items[this.#first] = undefined
    this.#first += 1
    if (this.#first > this.#items.length * EMPTY_SHARE) {
      this.#items.splice(0, this.#first)
      this.#first = 0
    }
    return item
  }

  /** Takes one out of the middle. */
  remove(index: number): void {
    this.#items.splice(this.#first + index, 1)
  }

  slice(from: number, to: number): T[] {
    return this.#items.slice(this.#first + from, this.#first + to) as T[]
  }
}
