import type { Clock } from '../../rooms/clock.ts'
import { type Report, type Reporter, SPAN_MS } from './report.ts'

/**
 * The same reporter, which tells of each kind once a minute, and counts nothing.
 * @returns takes a kind, of which there are a few, and what makes its report
 */
export function seldom(clock: Clock, report: Reporter): (kind: string, make: () => Report) => void {
  const told = new Map<string, number>()
  return (kind, make) => {
    const now = clock.elapsed()
    if (now - (told.get(kind) ?? Number.NEGATIVE_INFINITY) < SPAN_MS) return
    told.set(kind, now)
    report(make())
  }
}
