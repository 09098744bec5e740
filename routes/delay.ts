import type { Clock } from '../rooms/clock.ts'

const SAMPLE_MS = 20
// Of the last minute.
const SAMPLES = 3000

/** How late the event loop was, in seconds: at these shares of the last minute's samples, and since the start. */
export interface Delays {
  readonly quantiles: Readonly<Record<string, number>>
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
  #cancel: () => void

  constructor(clock: Clock) {
    this.#clock = clock
    this.#cancel = this.#schedule()
  }

  read(): Delays {
    const sorted = this.#last.slice(0, this.#count).sort()
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0
    return { quantiles: { 0.5: at(0.5), 0.9: at(0.9), 0.99: at(0.99), 1: at(1) }, sum: this.#sum, count: this.#count }
  }

  stop(): void {
    this.#cancel()
  }

  #schedule(): () => void {
    this.#due = this.#clock.elapsed() + SAMPLE_MS
    return this.#clock.after(SAMPLE_MS, () => this.#take())
  }

  #take(): void {
    const seconds = Math.max(0, this.#clock.elapsed() - this.#due) / 1000
    this.#last[this.#count % SAMPLES] = seconds
    this.#count += 1
    this.#sum += seconds
    this.#cancel = this.#schedule()
  }
}
