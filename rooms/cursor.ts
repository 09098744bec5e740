/** A place in a room's log: after the entry with this number, if it still carries this tag. */
export interface Cursor {
  readonly seq: number
  readonly tag: string
}

/** Writes a cursor as clients hold it: `seq.tag`. */
export function writeCursor(cursor: Cursor): string {
  return `${cursor.seq}.${cursor.tag}`
}

/** Reads a cursor; undefined where it cannot be one. */
export function readCursor(text: string): Cursor | undefined {
  const match = /^(\d{1,15})\.([0-9a-z]{1,16})$/.exec(text)
  return match ? { seq: Number(match[1]), tag: match[2] } : undefined
}

/** Whether two are the same place of the same history. */
export function isSame(one: Cursor, other: Cursor): boolean {
  return one.seq === other.seq && one.tag === other.tag
}
