import { graphemesOf, isDrawn, isLong, isUnseen, type LineLimit, tidy } from './line.ts'
import { skeleton } from './skeleton.ts'
import { type Result, refuse } from './types.ts'

const LIMIT: LineLimit = { graphemes: 32, bytes: 128 }
const RESERVED = ['system', 'admin', 'host']

// What a sign is folded to may resemble another one; no chain in the table is as long as this.
const ROUNDS = 8

let reservedLooks: Set<string> | undefined
const RIGHT_TO_LEFT = String.raw`(?![\p{N}\p{M}])[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]`
const LEFT_TO_RIGHT = String.raw`(?!${RIGHT_TO_LEFT})\p{L}`
const MIXED = new RegExp(String.raw`(?=.*${RIGHT_TO_LEFT})(?=.*(?:${LEFT_TO_RIGHT}|\p{N}))`, 'su')
const RUN = new RegExp(String.raw`(?:${RIGHT_TO_LEFT}\p{M}*)+|(?:${LEFT_TO_RIGHT}\p{M}*)+|\p{N}+|.`, 'gsu')

/**
 * Reads a name as it was typed.
 * @returns the name trimmed and with single blanks, or why it cannot be one
 */
export function readName(typed: string): Result<{ name: string }> {
  const name = tidy(typed)
  if (isUnseen(name)) return refuse('name-blank')
  if (isLong(name, LIMIT)) return refuse('name-too-long', { limit: LIMIT.graphemes })
  if (isReserved(name)) return refuse('name-reserved')
  return isDrawn(name) ? { ok: true, name } : refuse('name-not-allowed')
}

/**
 * What a name looks like: names that share a look cannot be told apart by a reader. A name has several, because `I`
 * resembles `l` while `i` does not, and some letters resemble others than those that they stand for.
 */
export function looks(name: string): string[] {
  const spellings = [name, name.normalize('NFKC')].flatMap((form) => [form, form.toLowerCase()])
  // Most of them are the same text, and what is looked up for each is what a name costs.
  const forms = [...new Set(spellings)]
  return [...new Set([...forms.map(look), ...(MIXED.test(name) ? forms.map(mixedLook) : [])])]
}

/** A name near one that is taken: `ann 2` for `ann`. */
export function suggestName(name: string, number: number): string {
  const ending = ` ${number}`
  const stem = Array.from(graphemesOf(name), ({ segment }) => segment)
  const suggestion = () => tidy(stem.join('') + ending)
  while (isLong(suggestion(), LIMIT)) stem.pop()
  return suggestion()
}

function isReserved(name: string): boolean {
  reservedLooks ??= new Set(RESERVED.flatMap(looks))
  return looks(name).some((one) => reservedLooks?.has(one))
}

function look(text: string): string {
  // What resembles a letter goes first: folded, it would be another one.
  let before = text
  let after = skeleton(text)
  for (let round = 0; after !== before && round < ROUNDS; round += 1)
    [before, after] = [after, skeleton(after.normalize('NFKC').toLowerCase())]
  return after
}

/** Of a name in both directions a reader cannot see in which order its parts were typed, nor how a bracket was turned. */
function mixedLook(text: string): string {
  const runs = text.replace(/\p{Bidi_Mirrored}/gu, '').match(RUN) ?? []
  return runs.map(look).sort().join('')
}
