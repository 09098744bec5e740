// Writes `rooms/confusables.ts` from the Unicode data that Node carries in its own program: the table of confusables
// that ICU keeps for UTS #39. Run it after a new version of Unicode has come to Node: `node static/confusables.mjs`.
import { readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'

// ICU's `uspoof_impl.h` describes what follows: a header, and a magic number before the counts and places.
const NAME = 'Cfu '
const NAME_AT = 12
const MAGIC = 0x3845fdef
const WIDTH = 110

/** The confusables in a program that carries ICU's data, each with what it is taken for; undefined where there are none. */
export function confusablesIn(program) {
  for (let at = -1; (at = program.indexOf(NAME, at + 1, 'latin1')) >= 0;) {
    const start = at - NAME_AT
    const table = start >= 0 && program.subarray(start + program.readUInt16LE(start))
    if (table && table.readUInt32LE(0) === MAGIC) return readTable(table)
  }
  return undefined
}

function readTable(table) {
  const [, , , keys, count, values, , texts] = Array.from({ length: 8 }, (_, index) => table.readInt32LE(index * 4))
  return Array.from({ length: count }, (_, index) => {
    const key = table.readUInt32LE(keys + index * 4)
    const value = table.readUInt16LE(values + index * 2)
    const [sign, length] = [String.fromCodePoint(key & 0xffffff), (key >>> 24) + 1]
    // A single unit stands in place of where it would be found.
    const start = texts + value * 2
    return [sign, length === 1 ? String.fromCharCode(value) : table.toString('utf16le', start, start + length * 2)]
  })
}

/** Each as the distance of its code point from the one before it, and the code points that it is taken for, in base 36. */
function pack(confusables) {
  let before = 0
  return confusables.map(([sign, taken]) => {
    const [distance, ...points] = [sign.codePointAt(0) - before, ...Array.from(taken, (part) => part.codePointAt(0))]
    before += distance
    return `${distance.toString(36)}:${points.map((point) => point.toString(36)).join('+')}`
  })
}

function fold(words) {
  const lines = ['']
  for (const word of words) {
    if (lines.at(-1).length + word.length >= WIDTH) lines.push('')
    lines[lines.length - 1] += lines.at(-1) ? ` ${word}` : word
  }
  return lines.join('\n')
}

if (process.argv[1] === import.meta.filename) {
  const confusables = confusablesIn(await readFile(process.execPath))
  if (!confusables) throw new Error('This Node carries no table of confusables.')
  const text = `// Made by static/confusables.mjs.
export const UNICODE = '${process.versions.unicode}'
// Copyright © 1991-2025 Unicode, Inc., Unicode License V3 (https://www.unicode.org/license.txt).
export const CONFUSABLES = \`
${fold(pack(confusables))}\`
`
  await writeFile(new URL('../rooms/confusables.ts', import.meta.url), text)
}
