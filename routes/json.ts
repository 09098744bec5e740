import { writeCursor } from '../rooms/cursor.ts'
import type { Member, Message, Room } from '../rooms/types.ts'

/** A message as programs read it. */
export function messageJson(message: Message): object {
  const { seq, key, member, name, text, at, edited, isDeleted } = message
  const [cursor, time] = [writeCursor(message), timeJson(at)]
  if (isDeleted) return { seq, cursor, member, name, at: time, deleted: true }
  if (edited === undefined) return { seq, cursor, key, member, name, text, at: time }
  return { seq, cursor, key, member, name, text, at: time, edited: timeJson(edited) }
}

/** A member as programs read them. */
export function memberJson({ id, name, role, isMuted, isWaiting }: Member): object {
  return { id, name, role, ...(isMuted && { muted: true }), ...(isWaiting && { waiting: true }) }
}

/** A room as programs read it. */
export function roomJson({ code, title, created, notice, door, password, slow, isReadOnly }: Room): object {
  const settings = { notice, door, password: password !== '', slow, readonly: isReadOnly }
  return { code, title, created: timeJson(created), ...settings }
}

function timeJson(at: number): string {
  return new Date(at).toISOString()
}
