import { Buffer } from 'node:buffer'
import { isLong, tidy } from './name.ts'
import { type Result, refuse } from './types.ts'

const TEXT = 4000
const TITLE = 80
const KEY = 128

const BLANK = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\u2800]*$/u

/** Reads what is to be said: any text that is not blank, with plain line breaks. */
export function readText(typed: string): Result<{ text: string }> {
  // HTML cannot carry U+0000, and half of a surrogate pair is no text.
  const text = typed.toWellFormed().replace(/\r\n?/g, '\n').replaceAll('\0', '\uFFFD')
  if (BLANK.test(text)) return refuse('text-blank')
  if (hasMore(text, TEXT)) return refuse('text-too-long', { limit: TEXT })
  return { ok: true, text }
}

/** Reads a room's title; it may be empty. */
export function readTitle(typed: string): Result<{ title: string }> {
  const title = tidy(typed)
  if (isLong(title, TITLE) || Buffer.byteLength(title) > TITLE * 8) return refuse('title-too-long', { limit: TITLE })
  if (/[\p{Cc}\u202A-\u202E\u2066-\u2069]/u.test(title)) return refuse('title-not-allowed')
  return { ok: true, title }
}

/** Whether a sender's own id for a message can be kept. */
export function isKey(key: string): boolean {
  return key.length <= KEY
}

function hasMore(text: string, limit: number): boolean {
  if (text.length <= limit) return false
  if (text.length > limit * 2) return true
  let count = 0
  for (const _ of text) count += 1
  return count > limit
}
