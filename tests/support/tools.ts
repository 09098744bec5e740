import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import process from 'node:process'
import type { Test } from 'uvu'

/**
 * The tests of a suite that needs a tool of the machine: skipped, and said so, where the tool is missing.
 * @param tool a command, or the path of a file
 * @param name what a person calls it
 */
export function needing<T>(tool: string, suite: Test<T>, name = tool): Test<T> {
  if (hasTool(tool)) return suite
  process.stdout.write(`skipped, because ${name} is not on this machine: `)
  const skipped = (test: string) => {
    process.stdout.write(`${test}; `)
    suite.skip()
  }
  return Object.assign(skipped, suite) as unknown as Test<T>
}

/** Whether a command, or the file of this path, is to be had. */
export function hasTool(tool: string): boolean {
  return tool.includes('/') ? existsSync(tool) : spawnSync('sh', ['-c', `command -v "${tool}"`]).status === 0
}
