import type { Clock } from '../../rooms/clock.ts'
import { type Report, type Reporter, SPAN_MS } from './report.ts'

// What happens in more ways than these within a minute is counted together.
const KINDS = 40
const OTHERS = 'others'

interface Told {
  readonly report: Report
  more: number
}

/** Reports what could happen a thousand times a second: the first of a kind at once, and after a minute how many more. */
export class Rarely {
  #clock: Clock
  #report: Reporter
  /** What was told in this minute, by kind. */
  #told = new Map<string, Told>()
  #cancel: (() => void) | undefined

  constructor(clock: Clock, report: Reporter) {
    this.#clock = clock
    this.#report = report
  }

  /**
   * Reports something, or counts it where one of its kind was reported within the minute.
   * @returns the report that tells of it
   */
  tell(kind: string, make: () => Report): Report {
    const key = this.#told.has(kind) || this.#told.size < KINDS ? kind : OTHERS
    const told = this.#told.get(key)
    if (told) {
      told.more += 1
      return told.report
    }
    const report = make()
    this.#told.set(key, { report, more: 0 })
    this.#cancel ??= this.#clock.after(SPAN_MS, () => this.flush())
    this.#report(report)
    return report
  }

  /** Reports what was only counted so far. */
  flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const all = [...this.#told.values()]
    this.#told.clear()
    for (const { report, more } of all) {
      const { event, id, error, act } = report
      if (more > 0) this.#report({ event, id, error, act, more })
    }
  }
}
