import { isDrawn, isLong, isUnseen, type LineLimit, tidy } from './line.ts'
import { type Result, refuse } from './types.ts'

const TEXT_CHARACTERS = 4000
const TITLE: LineLimit = { graphemes: 80, bytes: 640 }
const NOTICE: LineLimit = { graphemes: 280, bytes: 2240 }
const KEY_UNITS = 128

/** Reads what is to be said: any text that is not blank, with plain line breaks. */
export function readText(typed: string): Result<{ text: string }> {
  // HTML cannot carry U+0000, and half of a surrogate pair is no text.
  const text = typed.toWellFormed().replace(/\r\n?/g, '\n').replaceAll('\0', '\uFFFD')
  if (isUnseen(text)) return refuse('text-blank')
  if (hasMore(text, TEXT_CHARACTERS)) return refuse('text-too-long', { limit: TEXT_CHARACTERS })
  return { ok: true, text }
}

/** Reads a room's title; it may be empty. */
export function readTitle(typed: string): Result<{ title: string }> {
  const title = tidy(typed)
  if (isLong(title, TITLE)) return refuse('title-too-long', { limit: TITLE.graphemes })
  return isDrawn(title) ? { ok: true, title } : refuse('title-not-allowed')
}

/** Reads the words that a host keeps in view; they may be empty. */
export function readNotice(typed: string): Result<{ notice: string }> {
  const notice = tidy(typed)
  if (isLong(notice, NOTICE)) return refuse('notice-too-long', { limit: NOTICE.graphemes })
  return isDrawn(notice) ? { ok: true, notice } : refuse('notice-not-allowed')
}

/** Whether a sender's own id for a message can be kept. */
export function isKey(key: string): boolean {
  return key.length <= KEY_UNITS
}

function hasMore(text: string, limit: number): boolean {
  if (text.length <= limit) return false
  if (text.length > limit * 2) return true
  let count = 0
  for (const _ of text) count += 1
  return count > limit
}
