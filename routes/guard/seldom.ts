import type { Clock } from '../../rooms/clock.ts'
import type { Report, Reporter } from './report.ts'

const SPAN_MS = 60_000

/** The same reporter, which tells of each reason once a minute: strangers can bring about what it tells of. */
export function seldom(clock: Clock, report: Reporter): (report: Report & { readonly why: string }) => void {
  const told = new Map<string, number>()
  return (one) => {
    const now = clock.elapsed()
    if (now - (told.get(one.why) ?? Number.NEGATIVE_INFINITY) < SPAN_MS) return
    told.set(one.why, now)
    report(one)
  }
}
