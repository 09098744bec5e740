import { randomInt } from 'node:crypto'

// No 0 O, 1 I L, 2 Z, 5 S, 8 B, U V: nothing that is misread on a whiteboard or misheard as its neighbour's shape.
const LETTERS = '34679ACDEFGHJKMNPQRTWXY'
const LENGTH = 9

/** Makes a room's code, `XXX-XXX-XXX`: nine of 23 letters, 40.7 bits. */
export function makeCode(): string {
  return grouped(Array.from({ length: LENGTH }, () => LETTERS[randomInt(LETTERS.length)]).join(''))
}

/**
 * Reads a code as a person typed it: case, dashes and blanks do not matter.
 * @returns the code as rooms are kept under, or undefined where no room can have it
 */
export function readCode(typed: string): string | undefined {
  if (typed.length > 64) return undefined
  const letters = typed.toUpperCase().replace(/[\s\p{Pd}_]+/gu, '')
  if (letters.length !== LENGTH || [...letters].some((letter) => !LETTERS.includes(letter))) return undefined
  return grouped(letters)
}

function grouped(letters: string): string {
  return letters.replace(/(...)(...)(...)/, '$1-$2-$3')
}
