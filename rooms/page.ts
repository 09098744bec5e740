import { writeCursor } from './cursor.ts'
import type { Entry, Page } from './types.ts'

/** Bytes of one page of the log. With the days that stand between its entries that is 256 KB of HTML. */
export const PAGE_BYTES = 240_000

/** Tells the bytes that an entry takes in the form in which it is asked for. */
export type SizeOf = (entry: Entry) => number

/**
 * Leaves out of a page what is more than so many bytes, but never all of it.
 * @param kept the end that stays: the last entries where one pages back, the first where one goes on
 */
export function boundPage(page: Page, bytes: number, sizeOf: SizeOf, kept: 'first' | 'last'): Page {
  const { entries } = page
  const order = kept === 'first' ? entries : entries.toReversed()
  const count = countWithin(order, bytes, sizeOf)
  if (count === entries.length) return page
  if (kept === 'first') {
    return { ...page, entries: entries.slice(0, count), more: true, cursor: writeCursor(entries[count - 1]) }
  }
  const previous = entries[entries.length - count - 1]
  // What is gone is gone before the entries that are left out here.
  return { ...page, entries: entries.slice(-count), more: true, gap: undefined, previous, start: writeCursor(previous) }
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
