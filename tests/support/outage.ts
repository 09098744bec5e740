import type { Store } from '../../rooms/stores/store.ts'

/** What is wrong with a store: nothing, until a test says so. */
export interface Outage {
  /** The calls that fail. */
  of: readonly (keyof Store)[] | 'all'
  /** Whether they are done all the same. */
  isDone: boolean
  /** Calls that have failed. */
  failed: number
}

/**
 * The same store, whose calls fail for as long as the outage lasts. It does not say what a message came after, so that
 * rooms have to read.
 */
export function withOutage(store: Store): { store: Store; outage: Outage } {
  const outage: Outage = { of: [], isDone: false, failed: 0 }
  const get = (_: Store, name: keyof Store) => {
    const call = store[name] as unknown
    if (typeof call !== 'function') return call
    return async (...asked: unknown[]) => {
      const isFailing = outage.of === 'all' || outage.of.includes(name)
      if (isFailing && !outage.isDone) return fail(outage, name)
      const answer = await call.apply(store, asked)
      if (isFailing) return fail(outage, name)
      return name === 'append' ? { ...(answer as object), before: undefined } : answer
    }
  }
  return { store: new Proxy(store, { get: get as ProxyHandler<Store>['get'] }), outage }
}

function fail(outage: Outage, name: string): never {
  outage.failed += 1
  throw new Error(`told to fail: ${name}`)
}
