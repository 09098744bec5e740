/** One message, as somebody saw it or was told of it. */
export interface Sighting {
  readonly seq: number
  readonly cursor: string
  readonly text: string
  /** When it was said, by the server's clock. */
  readonly at: number
}

/**
 * What was said, put together from all that anybody saw and every answer to a post. A server whose store forgets
 * numbers anew after each restart: what it said between two starts is one life, and is told by its time.
 */
export class Record {
  /** Each life's messages by number. */
  readonly lives: Map<number, Sighting>[] = []
  #conflicts: string[] = []
  /** Texts that were stored once more, and in which words to say so. */
  #twins: { readonly text: string; readonly words: string }[] = []
  /** How often somebody said a text again that came back to them. */
  #again = new Map<string, number>()
  #starts: number[] = []
  #byCursor = new Map<string, Sighting>()
  #texts: Map<string, Sighting>[] = []

  /** A server was started; what it says belongs to a new life. */
  begin(at: number): void {
    this.#starts.push(at)
    this.lives.push(new Map())
    this.#texts.push(new Map())
  }

  lifeOf({ at }: Pick<Sighting, 'at'>): number {
    return this.#starts.findLastIndex((start) => start <= at)
  }

  /** What cannot be true together. */
  get conflicts(): string[] {
    const left = new Map(this.#again)
    const twins = this.#twins.filter(({ text }) => {
      const again = left.get(text) ?? 0
      left.set(text, again - 1)
      return again <= 0
    })
    return [...this.#conflicts, ...twins.map(({ words }) => words)]
  }

  /** Somebody says a text that they said before: then it may be stored once more. */
  sayAgain(text: string): void {
    this.#again.set(text, (this.#again.get(text) ?? 0) + 1)
  }

  /** How many were said in a life. */
  size(life: number): number {
    return this.lives[life]?.size ?? 0
  }

  /** Takes down what somebody saw. */
  see(seen: Sighting): Sighting {
    const known = this.#byCursor.get(seen.cursor)
    if (!known) return this.#add(seen)
    if (known.text !== seen.text || known.at !== seen.at)
      this.#conflicts.push(`${seen.cursor} is both ${known.text} and ${seen.text}`)
    return known
  }

  /** The last life in which something was said. */
  get newestLife(): number {
    return this.lives.findLastIndex(({ size }) => size > 0)
  }

  /** Whether a text is in any life. */
  has(text: string): boolean {
    return this.find(text).length > 0
  }

  /** The messages that hold a text as one of their lines: one in each life at most. */
  find(text: string): Sighting[] {
    return this.#texts.flatMap((texts) => texts.get(text) ?? [])
  }

  /** The numbers that nobody saw, though later ones were seen. */
  holes(): string[] {
    return this.lives.flatMap((life, index) =>
      Array.from({ length: Math.max(0, ...life.keys()) }, (_, before) => before + 1)
        .filter((seq) => !life.has(seq))
        .map((seq) => `${seq} of life ${index}`),
    )
  }

  #add(seen: Sighting): Sighting {
    const life = this.lifeOf(seen)
    const [messages, texts] = [this.lives[life], this.#texts[life]]
    if (!messages) throw new Error(`${seen.cursor} was said before any server was started`)
    const other = messages.get(seen.seq)
    if (other) this.#conflicts.push(`${seen.seq} of life ${life} is both ${other.cursor} and ${seen.cursor}`)
    // What came back to be said again may be said together with what was written next.
    for (const line of seen.text.split('\n')) {
      const twin = texts.get(line)
      if (twin) this.#twins.push({ text: line, words: `${line} is stored twice: ${twin.cursor} and ${seen.cursor}` })
      texts.set(line, seen)
    }
    this.#byCursor.set(seen.cursor, seen)
    messages.set(seen.seq, seen)
    return seen
  }
}
