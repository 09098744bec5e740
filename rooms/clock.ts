/** The time and the future, so that a test can hold both. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Runs something once after so many milliseconds; the answer takes that back. */
  after(milliseconds: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds)
    timer.unref?.()
    return () => clearTimeout(timer)
  },
}
