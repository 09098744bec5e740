import { writeCursor } from './cursor.ts'
import type { Entry, Page, Stretch } from './types.ts'

/** Bytes of one page of the log. With the days that stand between its messages that is 256 KB of HTML. */
export const PAGE_BYTES = 240_000

/** Tells the bytes that an entry takes in the form in which it is asked for. */
export type SizeOf = (entry: Entry) => number

/** Leaves out of a page the earlier messages that are more than so many bytes, but never all of them. */
export function boundPage(page: Page, bytes: number, sizeOf: SizeOf): Page {
  const { messages } = page
  const count = countWithin(messages.toReversed(), bytes, sizeOf)
  if (count === messages.length) return page
  const previous = messages[messages.length - count - 1]
  // What is gone is gone before the messages that are left out here.
  return {
    ...page,
    messages: messages.slice(-count),
    more: true,
    gap: undefined,
    previous,
    start: writeCursor(previous),
  }
}

/**
 * Leaves out of a stretch the later entries that are more than so many bytes, but never all of them. Where it would end
 * within a gap what hosts did there is left out instead.
 */
export function boundStretch(stretch: Stretch, bytes: number, sizeOf: SizeOf): Stretch {
  const { entries, gapEnd = 0 } = stretch
  const count = countWithin(entries, bytes, sizeOf)
  if (count === entries.length) return stretch
  if (entries[count - 1].seq < gapEnd)
    return boundStretch({ ...stretch, entries: entries.filter(({ seq }) => seq > gapEnd) }, bytes, sizeOf)
  return { ...stretch, entries: entries.slice(0, count), more: true, cursor: writeCursor(entries[count - 1]) }
}

/** How many of the first entries fit; at least one. */
function countWithin(entries: readonly Entry[], bytes: number, sizeOf: SizeOf): number {
  let left = bytes
  for (const [index, entry] of entries.entries()) {
    left -= sizeOf(entry)
    if (left < 0) return Math.max(index, 1)
  }
  return entries.length
}
