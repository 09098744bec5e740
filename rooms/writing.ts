import type { Clock } from './clock.ts'
import type { Act } from './entries.ts'
import type { Bus, Next } from './stores/bus.ts'
import type { Appended, Store } from './stores/store.ts'
import { type Member, type Result, refuse } from './types.ts'

/** What members do, on its way into the logs of rooms. */
export class Writing {
  #store: Store
  #bus: Bus
  #clock: Clock
  #hasStopped = false
  /** What is on its way into the store. */
  #appending = new Set<Promise<unknown>>()

  constructor(store: Store, bus: Bus, clock: Clock) {
    this.#store = store
    this.#bus = bus
    this.#clock = clock
  }

  /** What each act says of who does it, and when. */
  by({ id }: Member): { by: string; at: number } {
    return { by: id, at: this.#clock.now() }
  }

  /** Has the store keep an act, and everyone look at it. What failed may have been kept all the same. */
  async append(code: string, act: Act): Promise<Result<Appended>> {
    if (this.#hasStopped) return refuse('draining', { retryAfter: 3 })
    const appending = this.#store.append(code, act)
    this.#appending.add(appending)
    let next: Next | undefined
    try {
      const appended = await appending
      if (appended.ok) next = nextOf(appended)
      return appended
    } finally {
      this.#appending.delete(appending)
      this.#bus.hint(code, { about: 'log', next })
    }
  }

  /** Takes no more; settles once what was taken is kept, or has failed. */
  stop(): Promise<unknown> {
    this.#hasStopped = true
    return Promise.allSettled(this.#appending)
  }
}

/** What a hint can bring of an act: only messages, because an edit or a deletion also takes back what waits to be sent. */
function nextOf({ entry, before }: Appended): Next | undefined {
  return before && entry.kind === 'message' ? { message: entry, before } : undefined
}
