import { randomInt } from 'node:crypto'

// No 0 O, 1 I L, 2 Z, 5 S, 8 B, U V: nothing that is misread on a whiteboard or misheard as its neighbour's shape.
const LETTERS = '34679ACDEFGHJKMNPQRTWXY'
const LENGTH = 9
const TYPED_UNITS = 64
const FIXED = /^[a-z\d-]{1,32}$/

/** Codes that somebody chose, by the letters in them. */
export type FixedCodes = ReadonlyMap<string, string>

const NONE: FixedCodes = new Map()

/** Makes a room's code, `XXX-XXX-XXX`: nine of 23 letters, 40.7 bits. */
export function makeCode(): string {
  return grouped(Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join(''))
}

/**
 * Reads a code as a person typed it: case, dashes and blanks do not matter.
 * @param fixed where there are any, whatever resembles one is a code too, because whoever tries names one by one guesses
 * @returns the code as rooms are kept under, or undefined where no room can have it
 */
export function readCode(typed: string, fixed: FixedCodes = NONE): string | undefined {
  if (typed.length > TYPED_UNITS) return undefined
  const letters = lettersOf(typed).toUpperCase()
  if (letters.length === LENGTH && [...letters].every((letter) => LETTERS.includes(letter))) return grouped(letters)
  if (fixed.size === 0) return undefined
  const name = letters.toLowerCase()
  return fixed.get(name) ?? (FIXED.test(name) ? name : undefined)
}

/** Whether a code can be chosen: 1 to 32 of a–z, 0–9 and `-`, and not what a made one could be. */
export function isFixable(code: string): boolean {
  return FIXED.test(code) && lettersOf(code) !== '' && readCode(code) === undefined
}

/** Codes that were chosen, to be read by. Those that differ only in dashes are one. */
export function fixedCodes(codes: readonly string[]): FixedCodes {
  return new Map(codes.map((code) => [lettersOf(code), code]))
}

function lettersOf(typed: string): string {
  return typed.replace(/[\s\p{Pd}_]+/gu, '')
}

function grouped(letters: string): string {
  return letters.replace(/(...)(...)(...)/, '$1-$2-$3')
}
