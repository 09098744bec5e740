import type { Clock } from '../clock.ts'
import type { Store } from './store.ts'

const DEADLINE_MS = 5000

/** The store failed, or did not answer in time. Whether it did what it was asked cannot be known. */
export class StoreFailure extends Error {}

const METHODS = [
  ...([
    'check',
    'create',
    'establish',
    'find',
    'touch',
    'expire',
    'remove',
    'admit',
    'member',
    'missing',
    'mark',
  ] as const),
  ...(['isTaken', 'vouch', 'dismiss', 'append', 'messages', 'entries', 'close'] as const),
]

/**
 * The same store, whose every answer comes within five seconds or is a `StoreFailure`. Once it was let go of it answers
 * nothing: one that has forgotten its rooms would say that there are none.
 */
export function prompt(store: Store, clock: Clock): Store {
  const deadlines = new Deadlines(clock)
  let isClosed = false
  const calls = METHODS.map((name) => {
    const call = store[name] as (...args: unknown[]) => Promise<unknown>
    const ask = (...args: unknown[]): Promise<unknown> => {
      if (isClosed) return Promise.reject(new StoreFailure(`the store was let go of: ${name}`))
      isClosed = name === 'close'
      return deadlines.hold(name, () => call.apply(store, args))
    }
    return [name, ask]
  })
  return { isDurable: store.isDurable, ...Object.fromEntries(calls) } as Store
}

/** A call that was not answered yet. */
interface Call {
  readonly name: string
  readonly due: number
  readonly reject: (failure: StoreFailure) => void
}

/** Calls that wait for their answer, with one timer for all: each message takes two calls, and a timer costs as much. */
class Deadlines {
  #clock: Clock
  /** The oldest comes first, and so is due first. */
  #open = new Set<Call>()
  #isTimed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The same answer, or a failure where it fails or does not come in time. */
  hold<T>(name: string, ask: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const call: Call = { name, due: this.#clock.elapsed() + DEADLINE_MS, reject }
      const done = (value: T) => {
        this.#open.delete(call)
        resolve(value)
      }
      const failed = (cause: unknown) => {
        this.#open.delete(call)
        reject(new StoreFailure(`the store failed: ${name}`, { cause }))
      }
      this.#open.add(call)
      if (!this.#isTimed) this.#time(DEADLINE_MS)
      try {
        ask().then(done, failed)
      } catch (cause) {
        failed(cause)
      }
    })
  }

  #time(milliseconds: number): void {
    this.#isTimed = true
    this.#clock.after(milliseconds, () => this.#fail())
  }

  /** Fails what is due, and waits for the next that will be. */
  #fail(): void {
    this.#isTimed = false
    const now = this.#clock.elapsed()
    for (const call of this.#open) {
      if (call.due > now) return this.#time(call.due - now)
      this.#open.delete(call)
      call.reject(new StoreFailure(`the store did not answer: ${call.name}`))
    }
  }
}
