/** Who came to a room and who went, as far as its store has not been told. */
export class Marks {
  #tell: (marks: ReadonlyMap<string, boolean>) => Promise<void>
  #failed: (error: unknown) => void
  #untold = new Map<string, boolean>()
  #isTelling = false

  /** @param failed called where the store could not be told, which is tried again later */
  constructor(tell: (marks: ReadonlyMap<string, boolean>) => Promise<void>, failed: (error: unknown) => void) {
    this.#tell = tell
    this.#failed = failed
  }

  /** Whether there is nothing that the store has still to be told. */
  get areTold(): boolean {
    return !this.#isTelling && this.#untold.size === 0
  }

  /** Notes that a member came or went. The store is told of all of one turn together. */
  set(id: string, isHere: boolean): void {
    this.#untold.set(id, isHere)
    // What fails is told again with the next look.
    queueMicrotask(() => void this.tell().catch(this.#failed))
  }

  /** Tells what is left. One telling ends before the next begins: a store that answers out of order would keep the earlier. */
  async tell(): Promise<void> {
    if (this.#isTelling) return
    this.#isTelling = true
    try {
      while (this.#untold.size > 0) await this.#tellOnce()
    } finally {
      this.#isTelling = false
    }
  }

  async #tellOnce(): Promise<void> {
    const marks = this.#untold
    this.#untold = new Map()
    try {
      await this.#tell(marks)
    } catch (error) {
      this.#untold = new Map([...marks, ...this.#untold])
      throw error
    }
  }
}
