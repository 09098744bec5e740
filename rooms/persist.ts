import type { Clock } from './clock.ts'

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 2000
const PATIENCE_MS = 10_000

/** Asks until there is an answer, less and less often; rejects with the last error after ten seconds. */
export async function persist<T>(clock: Clock, ask: () => Promise<T>): Promise<T> {
  const end = clock.elapsed() + PATIENCE_MS
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await ask()
    } catch (error) {
      if (clock.elapsed() + wait > end) throw error
    }
    await new Promise<void>((resolve) => clock.after(wait, resolve))
  }
}
