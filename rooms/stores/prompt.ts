import type { Clock } from '../clock.ts'
import type { Store } from './store.ts'

const DEADLINE_MS = 5000

/** The store failed, or did not answer in time. Whether it did what it was asked cannot be known. */
export class StoreFailure extends Error {}

const METHODS = [
  ...(['check', 'create', 'find', 'touch', 'expire', 'remove', 'admit', 'member', 'missing', 'mark'] as const),
  ...(['isTaken', 'dismiss', 'append', 'messages', 'entries', 'close'] as const),
]

/**
 * The same store, whose every answer comes within five seconds or is a `StoreFailure`. Once it was let go of it answers
 * nothing: one that has forgotten its rooms would say that there are none.
 */
export function prompt(store: Store, clock: Clock): Store {
  let isClosed = false
  const calls = METHODS.map((name) => {
    const call = store[name] as (...args: unknown[]) => Promise<unknown>
    const ask = async (...args: unknown[]) => {
      if (isClosed) throw new StoreFailure(`the store was let go of: ${name}`)
      isClosed = name === 'close'
      return withDeadline(() => call.apply(store, args), name, clock)
    }
    return [name, ask]
  })
  return { isDurable: store.isDurable, ...Object.fromEntries(calls) } as Store
}

async function withDeadline<T>(ask: () => Promise<T>, name: string, clock: Clock): Promise<T> {
  let cancel = () => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(DEADLINE_MS, () => reject(new StoreFailure(`the store did not answer: ${name}`)))
  })
  try {
    return await Promise.race([ask(), late])
  } catch (cause) {
    throw cause instanceof StoreFailure ? cause : new StoreFailure(`the store failed: ${name}`, { cause })
  } finally {
    cancel()
  }
}
