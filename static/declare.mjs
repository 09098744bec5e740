// Writes `parlour.d.ts`: what the package exports, and the types that this stands on, out of what the compiler declares.
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { EXPORTS } from './exports.mjs'

// Declarations of the compiler begin at the left, each with its comment.
const BEGIN = String.raw`(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class|function|const|let) `
const DECLARATION = new RegExp(
  String.raw`^(\/\*\*(?:[^*]|\*(?!\/))*\*\/\n)?${BEGIN}(\w+)[\s\S]*?(?=^(?:\/\*\*|export |import |${BEGIN})|(?![\s\S]))`,
  'gm',
)
const IMPORT = /^import (?:type )?\{([^}]*)\} from ['"]([^'"]+)['"];$/gm

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
const folder = await mkdtemp(join(tmpdir(), 'parlour-'))
const files = new Map()
/** Declarations that are taken, by their names, and what is imported from elsewhere. */
const taken = new Map()
const outside = new Map()
try {
  const compiler = fileURLToPath(import.meta.resolve('typescript/package.json')).replace(/package\.json$/, 'bin/tsc')
  const flags = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', '.', '--outDir', folder]
  execFileSync(process.execPath, [compiler, ...flags], { stdio: 'inherit' })
  for (const [name, path] of Object.entries(EXPORTS)) await takeFrom(path, name)
} finally {
  await rm(folder, { recursive: true })
}
const imports = [...outside].toSorted().map(([name, from]) => `import type { ${name} } from '${from}'`)
const head = ['// Made by static/declare.mjs.', '/// <reference types="node" />', ...imports].join('\n')
await writeFile('parlour.d.ts', [head, ...[...taken.values()].map(({ text }) => text), 'export {}\n'].join('\n\n'))

/** Takes a declaration, and all that it names. */
async function takeFrom(path, name) {
  const known = taken.get(name)
  if (known && known.path !== path) throw new Error(`${name} is declared in ${known.path} and in ${path}`)
  const { declarations, imported } = await read(path)
  const text = declarations.get(name)
  if (known || text === undefined) return
  taken.set(name, { path, text: exported(text) })
  if (!(name in EXPORTS) && !/^(?:export )?(?:declare )?(?:interface|type) /m.test(text))
    throw new Error(`${name} is no type, and not exported`)
  for (const [word] of text.replaceAll(/\/\*\*[\s\S]*?\*\//g, '').matchAll(/\b[A-Za-z_]\w*/g)) {
    const from = imported.get(word)
    if (from?.startsWith('.')) await takeFrom(posix.join(posix.dirname(path), from), word)
    else if (from) outside.set(word, from)
    else await takeFrom(path, word)
  }
}

/** A declaration as others can import it. */
function exported(text) {
  const [, comment, rest] = /^(\/\*\*[\s\S]*?\*\/\n)?(?:export )?([\s\S]*)$/.exec(text.trim())
  return `${comment ?? ''}export ${rest}`
}

/** What the compiler declares of a source. */
async function read(path) {
  if (!files.has(path)) {
    const text = await readFile(join(folder, path.replace(/\.ts$/, '.d.ts')), 'utf8')
    const imported = new Map()
    for (const [, names, from] of text.matchAll(IMPORT))
      for (const name of names.split(',')) imported.set(name.replace(/^\s*type\s/, '').trim(), from)
    const declarations = new Map([...text.matchAll(DECLARATION)].map(([whole, , name]) => [name, whole]))
    files.set(path, { imported, declarations })
  }
  return files.get(path)
}
