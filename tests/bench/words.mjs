// What the command line asks for.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

const OPTIONS = { quick: { type: 'boolean' }, beside: { type: 'string' }, node: { type: 'string', multiple: true } }
// Many short rounds rather than a few long ones: a neighbour of the machine then meets every program.
const WHOLE = { heats: 3, runs: 5, seconds: 0.4 }
const QUICK = { heats: 1, runs: 3, seconds: 0.2 }

/**
 * Reads the words of the command line. Throws an Error that says what is wrong with them.
 * @param names the rows there are
 * @returns the rows `wanted`, the `size` that each is measured in, and the `nodes` that were given, by name
 */
export function read(words, names) {
  const { values, positionals } = parseArgs({ args: words, options: OPTIONS, allowPositionals: true })
  const unknown = positionals.find((name) => !names.includes(name))
  if (unknown) throw new Error(`there is no row ${unknown}, only ${names.join(', ')}`)
  const isQuick = values.quick ?? false
  const size = { ...(isQuick ? QUICK : WHOLE), isQuick, before: values.beside && built(resolve(values.beside)) }
  const nodes = Object.fromEntries((values.node ?? []).map(named))
  return { wanted: positionals.length > 0 ? positionals : names, size, nodes }
}

function built(folder) {
  if (existsSync(`${folder}/main.js`)) return folder
  throw new Error(`${folder} has no main.js: build it there, with npm install`)
}

function named(words) {
  const [, name, path] = /^([^=]+)=(.+)$/.exec(words) ?? []
  if (!path) throw new Error(`--node wants a name and a program, as 26=/somewhere/node, and not ${words}`)
  return [name, runs(resolve(path))]
}

function runs(path) {
  try {
    execFileSync(path, ['--version'])
    return path
  } catch {
    throw new Error(`${path} does not run`)
  }
}
