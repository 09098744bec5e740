import type { Clock } from '../../rooms/clock.ts'
import { SPAN_MS } from './report.ts'

/** How often something happened, by kind: since the start, and since that was last told. */
export class Tally<Kind extends string> {
  #clock: Clock
  #tell: (counts: Readonly<Record<string, number>>) => void
  #totals: Record<Kind, number>
  #news = new Map<Kind, number>()
  #cancel: (() => void) | undefined

  /** @param tell called with what was counted in a minute, and not where that is nothing */
  constructor(kinds: readonly Kind[], clock: Clock, tell: (counts: Readonly<Record<string, number>>) => void) {
    this.#totals = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<Kind, number>
    this.#clock = clock
    this.#tell = tell
  }

  /** Counts since the start. */
  get totals(): Readonly<Record<Kind, number>> {
    return this.#totals
  }

  /** Counts one more. */
  count(kind: Kind): void {
    this.#totals[kind] += 1
    this.#news.set(kind, (this.#news.get(kind) ?? 0) + 1)
    this.#cancel ??= this.#clock.after(SPAN_MS, () => this.flush())
  }

  /** Tells what was counted since that was last told. */
  flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#news.size === 0) return
    const counts = Object.fromEntries(this.#news)
    this.#news.clear()
    this.#tell(counts)
  }
}
