import type { Farewell } from '../../rooms/fanout.ts'

/** What a connection is closed with, and what its page is told; nothing where the page is to come back. */
export const FAREWELLS: Record<Farewell, { code: number; words: string }> = {
  restart: { code: 1012, words: '' },
  removed: { code: 1008, words: 'You are no longer in this room.' },
  'room-gone': { code: 4000, words: 'This room is gone.' },
  busy: { code: 1013, words: '' },
}
