import type { Clock } from './clock.ts'
import { FIXED_GENERATION } from './make.ts'
import type { Store } from './stores/store.ts'
import { type Room, UNCHANGED } from './types.ts'

/** A room that always exists. */
export interface FixedRoom {
  readonly code: string
  readonly title: string
}

/** The same store, in which these rooms always are: one that is missing is made when it is asked for. */
export function holding(store: Store, rooms: readonly FixedRoom[], clock: Clock): Store {
  if (rooms.length === 0) return store
  const titles = new Map(rooms.map(({ code, title }) => [code, title]))
  const find = async (code: string): Promise<Room | undefined> => {
    const found = await store.find(code)
    const title = titles.get(code)
    if (found || title === undefined) return found
    return store.establish({ ...UNCHANGED, code, title, created: clock.now(), generation: FIXED_GENERATION })
  }
  return { ...store, find }
}
