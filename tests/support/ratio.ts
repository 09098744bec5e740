const ROUNDS = 15
const TRIES = 5
// Below this a clock measures itself.
const LEAST_MS = 0.02

/**
 * Whether the second takes no more than so many times what the first takes. The quickest of many rounds in turns counts,
 * and more tries where that fails, so that a busy machine does not decide; what grows faster fails every try.
 */
export function isWithin(times: number, first: () => unknown, second: () => unknown): boolean {
  for (let turn = 0; turn < TRIES; turn += 1) {
    let [one, other] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    for (let round = 0; round < ROUNDS; round += 1) {
      one = Math.min(one, duration(first))
      other = Math.min(other, duration(second))
    }
    if (other <= times * Math.max(one, LEAST_MS)) return true
  }
  return false
}

function duration(act: () => unknown): number {
  const start = performance.now()
  act()
  return performance.now() - start
}
