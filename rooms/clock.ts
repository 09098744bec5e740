/** The time and the future, so that a test can hold both. */
export interface Clock {
  /** Milliseconds since 1970, for what is shown or signed: somebody may set this clock, forward or back. */
  now(): number
  /** Milliseconds since some moment, for all that lasts or is waited for: they only ever go forward. */
  elapsed(): number
  /** Runs something once after so many milliseconds; the answer takes that back. */
  after(milliseconds: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds)
    timer.unref?.()
    return () => clearTimeout(timer)
  },
}
