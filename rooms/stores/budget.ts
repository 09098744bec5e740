/**
 * The level down to which the largest give up what they have, so that all together have no more than this; infinite
 * where they have no more already.
 */
export function waterLevel(sizes: readonly number[], total: number): number {
  const ascending = Float64Array.from(sizes).sort()
  let left = total
  for (const [index, size] of ascending.entries()) {
    const others = ascending.length - index
    if (size * others > left) return left / others
    left -= size
  }
  return Number.POSITIVE_INFINITY
}
