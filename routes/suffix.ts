import { Buffer } from 'node:buffer'
import { brotliDecompressSync } from 'node:zlib'
import { suffixes } from '../static/built.ts'

let known: ReadonlySet<string> | undefined

/**
 * Whether names below this one belong to people who have nothing to do with each other: a public suffix
 * (publicsuffix.org), or a name below which all are. Of one label every name is one.
 */
export function isPublicSuffix(host: string): boolean {
  known ??= new Set(unpack(brotliDecompressSync(Buffer.from(suffixes, 'base64')).toString()))
  const labels = host.split('.').toReversed()
  if (labels.length === 1) return true
  const name = labels.join('.')
  const above = labels.slice(0, -1).join('.')
  return known.has(name) || known.has(`${name}.*`) || (known.has(`${above}.*`) && !known.has(`!${name}`))
}

/** The names as `static/suffixes.mjs` packs them. */
function unpack(packed: string): string[] {
  let before = ''
  return packed.split('\n').map((line) => {
    before = before.slice(0, Number.parseInt(line[0], 36)) + line.slice(1)
    return before
  })
}
