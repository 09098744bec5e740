import type { Clock } from '../clock.ts'
import { MemoryStore } from './memory.ts'
import type { Store } from './store.ts'

// Of text, in a room.
const HISTORY_BYTES = 1024 * 1024
const ROOMS = 10_000

export interface OpenOptions {
  /** Messages kept in a room. */
  readonly history: number
  readonly clock?: Clock
}

/** Opens the store of an address as the settings take it: `memory:`, so far. */
export function openStore(address: string, { history, clock }: OpenOptions): Store {
  if (address !== 'memory:') throw new TypeError(`no store has the address ${address}`)
  return new MemoryStore({ history, bytes: HISTORY_BYTES, rooms: ROOMS, clock })
}
