import type { Cursor } from '../cursor.ts'
import type { Message } from '../types.ts'

/** What everybody who has a room open is told: where to look. What is there stands in the store. */
export type Hint =
  | { readonly about: 'log'; readonly next?: Next }
  | { readonly about: 'room-gone' }
  | { readonly about: 'member-gone'; readonly id: string }

/**
 * A message that was just kept, and the place before it: it need not be read. Only a bus that loses nothing and keeps the
 * order may hand it on; where a later hint is lost, what was taken back meanwhile would be shown.
 */
export interface Next {
  readonly message: Message
  readonly before: Cursor
}

/**
 * Carries hints between all who have a room open, in this process or another: the seam. A hint may be lost, doubled or
 * late. That costs time and nothing else, because a live room also looks by itself now and then.
 */
export interface Bus {
  /** Tells all who listen to this room, in this process before it returns. */
  hint(code: string, hint: Hint): void
  /** Calls the listener with each hint about a room; the answer ends that. */
  listen(code: string, listener: (hint: Hint) => void): () => void
}

/** The bus of one process. */
export class LocalBus implements Bus {
  #listeners = new Map<string, Set<(hint: Hint) => void>>()

  hint(code: string, hint: Hint): void {
    for (const listener of this.#listeners.get(code) ?? []) listener(hint)
  }

  listen(code: string, listener: (hint: Hint) => void): () => void {
    const listeners = this.#listeners.get(code) ?? new Set()
    this.#listeners.set(code, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(code) === listeners) this.#listeners.delete(code)
    }
  }
}
