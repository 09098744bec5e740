const TAG_BASE = 36
const HALF_TAG = 3
const TAG_SPACE = TAG_BASE ** HALF_TAG

/** A tag as the number that takes less to keep. */
export function readTag(tag: string): number {
  return Number.parseInt(tag, TAG_BASE)
}

/** The tag of that number. */
export function writeTag(tag: number): string {
  return tag.toString(TAG_BASE).padStart(HALF_TAG * 2, '0')
}

/** Half a tag, by chance: the first half tells one history from another, the second one entry from another. */
export function makeHalfTag(): string {
  return Math.floor(Math.random() * TAG_SPACE)
    .toString(TAG_BASE)
    .padStart(HALF_TAG, '0')
}
