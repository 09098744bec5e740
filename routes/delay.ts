import type { Clock } from '../rooms/clock.ts'

const SAMPLE_MS = 20
// Of the last minute.
const SAMPLES = 3000
const SHARES = [0.5, 0.9, 0.99, 1]

/** A share of the samples, and the seconds that none of those were above. */
export type Quantile = readonly [share: string, seconds: number]

/** How late the event loop was, in seconds: at these shares of the last minute's samples, and since the start. */
export interface Delays {
  readonly quantiles: readonly Quantile[]
  readonly sum: number
  readonly count: number
}

/** Measures how late timers come. Whatever holds up the event loop holds them up too. */
export class DelayMeter {
  #clock: Clock
  #last = new Float64Array(SAMPLES)
  #sum = 0
  #count = 0
  #due = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#schedule()
  }

  /** How late they came so far. */
  read(): Delays {
    const sorted = this.#last.slice(0, this.#count).sort()
    const quantiles = SHARES.map((share): Quantile => {
      return [String(share), sorted[Math.ceil(sorted.length * share) - 1] ?? 0]
    })
    return { quantiles, sum: this.#sum, count: this.#count }
  }

  #schedule(): void {
    this.#due = this.#clock.elapsed() + SAMPLE_MS
    this.#clock.after(SAMPLE_MS, () => this.#take())
  }

  #take(): void {
    const seconds = Math.max(0, this.#clock.elapsed() - this.#due) / 1000
    this.#last[this.#count % SAMPLES] = seconds
    this.#count += 1
    this.#sum += seconds
    this.#schedule()
  }
}
