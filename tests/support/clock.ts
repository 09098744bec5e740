import { setImmediate } from 'node:timers'
import type { Clock } from '../../rooms/clock.ts'
import { settled } from './ground.ts'

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** A clock that stands still until it is told to go on. */
export class TestClock implements Clock {
  #start = Date.UTC(2026, 10, 22, 16)
  #elapsed = 1000
  #timers = new Set<Timer>()

  now = (): number => this.#start + this.#elapsed

  elapsed = (): number => this.#elapsed

  /** Sets the clock on the wall forward, or back, by so many milliseconds, while none pass. */
  set(milliseconds: number): void {
    this.#start += milliseconds
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { at: this.#elapsed + milliseconds, run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Lets so many milliseconds pass, and all that was to happen in them. */
  async pass(milliseconds: number): Promise<void> {
    await settled()
    const end = this.#elapsed + milliseconds
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#elapsed = Math.max(this.#elapsed, timer.at)
      this.#timers.delete(timer)
      timer.run()
      await turn()
    }
    this.#elapsed = end
    await turn()
  }

  #next(end: number): Timer | undefined {
    const due = [...this.#timers].filter(({ at }) => at <= end)
    return due.reduce<Timer | undefined>((first, timer) => (first && first.at <= timer.at ? first : timer), undefined)
  }
}

/** Settles once everything that is to happen in this turn of the event loop has happened, and what is late on this ground. */
export async function turn(): Promise<void> {
  for (let count = 0; count < 3; count += 1) await new Promise<void>((resolve) => setImmediate(resolve))
  await settled()
}
