import { Buffer } from 'node:buffer'

/** What may be typed into a field of one line, and kept. */
export interface LineLimit {
  /** Letters as a reader counts them. */
  readonly graphemes: number
  readonly bytes: number
}

// Composing makes no text shorter than a quarter, so what is longer than this is no line that anyone keeps.
const LINE_UNITS = 4096

/** What draws nothing: blanks, marks of direction and format, fillers, notes without a head. */
export const UNSEEN = String.raw`\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cf}\u2800\uFFFC\u{1D159}\u{16FE4}`

// One class, so that this is linear: two that overlap would be tried in all their combinations.
const SEEN = new RegExp(String.raw`[^\p{Cc}${UNSEEN}]`, 'u')
// Five marks on one letter, whatever invisible stands between them, grow into the lines above and below.
const STACKED = /\p{M}(?:\p{Default_Ignorable_Code_Point}*\p{M}){4}/u
const UNDRAWN = new RegExp(String.raw`(?! )[${UNSEEN}]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|\uFFFD`, 'u')

// What is not seen itself and yet changes how its neighbours are drawn, where they are of the kind that it is meant for.
const JOINED_SCRIPTS = [
  ...['Adlm', 'Arab', 'Mand', 'Mong', 'Nkoo', 'Rohg', 'Syrc', 'Beng', 'Deva', 'Gujr', 'Guru', 'Knda', 'Mlym', 'Orya'],
  ...['Sinh', 'Taml', 'Telu', 'Khmr', 'Mymr', 'Bali', 'Java', 'Lana', 'Cakm', 'Newa', 'Tirh', 'Mtei', 'Sund', 'Tibt'],
]
const JOINED = JOINED_SCRIPTS.map((script) => String.raw`\p{scx=${script}}`).join('')
const FITTING = new RegExp(
  [
    String.raw`(?<=[${JOINED}])[\u200C\u200D](?![\u200C\u200D])`,
    String.raw`(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F])\u200D(?=\p{Extended_Pictographic})`,
    String.raw`(?<=\p{Emoji})[\uFE0E\uFE0F]`,
    // The flags of lands within a land.
    String.raw`(?<=\u{1F3F4})[\u{E0030}-\u{E0039}\u{E0061}-\u{E007A}]{3,6}\u{E007F}`,
    // Forms of ideographs, as in Japanese family names, and of letters in Mongolian and Myanmar script.
    String.raw`(?<=\p{Ideographic})[\uFE00-\uFE02\u{E0100}-\u{E01EF}]`,
    String.raw`(?<=\p{scx=Mong})[\u180B-\u180F]`,
    String.raw`(?<=\p{scx=Mymr})\uFE00`,
  ].join('|'),
  'gu',
)

let segmenter: Intl.Segmenter | undefined

/**
 * One line without blanks at its ends or two in a row. Composing takes the square of the marks on a letter,
 * so what has too many of them, or is too long for any line, is left as it was typed.
 */
export function tidy(typed: string): string {
  const line = typed
    .replace(/\p{Cs}/gu, '')
    .replace(/\p{White_Space}+/gu, ' ')
    .trim()
  return line.length > LINE_UNITS || STACKED.test(line) ? line : line.normalize('NFC')
}

/** Whether there is nothing in a text that could be seen. */
export function isUnseen(text: string): boolean {
  return !SEEN.test(text)
}

/** Whether a line that was tidied is more than this. */
export function isLong(line: string, { graphemes, bytes }: LineLimit): boolean {
  if (line.length > bytes || Buffer.byteLength(line) > bytes) return true
  if (line.length <= graphemes) return false
  let count = 0
  for (const _ of graphemesOf(line)) if (++count > graphemes) return true
  return false
}

/** Whether all of a line is drawn, within its line. A line that is too long is not to be asked about. */
export function isDrawn(line: string): boolean {
  return !UNDRAWN.test(line.replace(FITTING, '')) && !STACKED.test(line) && !STACKED.test(line.normalize('NFD'))
}

/** Letters as a reader counts them (UAX #29). What this needs is only loaded for a line that may be too long. */
export function graphemesOf(line: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(line)
}
