import { own } from './own.ts'
import { hashPassword, PASSWORD_UNITS } from './password.ts'
import { readNotice, readTitle } from './text.ts'
import { type Door, type Result, type RoomSettings, refuse } from './types.ts'

const LONGEST_SLOW_SECONDS = 3600
const DOORS: readonly Door[] = ['open', 'knock', 'locked']

/** What a host wants a room to be: a password as it is typed, and the rest as it is kept. */
export type Wanted = RoomSettings

/** Reads what a host wants changed. Refuses words that cannot be shown, and numbers that cannot be. */
export async function readChange(wanted: Partial<Wanted>): Promise<Result<{ change: Partial<RoomSettings> }>> {
  const title = readTitle(wanted.title ?? '')
  if (!title.ok) return title
  const notice = readNotice(wanted.notice ?? '')
  if (!notice.ok) return notice
  const { door, slow, password, isReadOnly } = wanted
  if (door !== undefined && !DOORS.includes(door)) return refuse('malformed')
  if (slow !== undefined && !isSlow(slow)) return refuse('malformed')
  if (password && password.length > PASSWORD_UNITS) return refuse('password-too-long', { limit: PASSWORD_UNITS })
  const change = {
    ...(wanted.title !== undefined && { title: own(title.title) }),
    ...(wanted.notice !== undefined && { notice: own(notice.notice) }),
    ...(door !== undefined && { door }),
    ...(password !== undefined && { password: await hashPassword(password) }),
    ...(slow !== undefined && { slow }),
    ...(isReadOnly !== undefined && { isReadOnly }),
  }
  return { ok: true, change }
}

function isSlow(seconds: number): boolean {
  return Number.isInteger(seconds) && seconds >= 0 && seconds <= LONGEST_SLOW_SECONDS
}
