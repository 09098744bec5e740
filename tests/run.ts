// Runs every suite of this folder, or those whose name holds the word given: `npm test -- socket`.
import { readdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { add, Lanes } from './support/lanes.ts'

// A test that waits for what never comes must end as a failure, not as a run without an end.
const PATIENCE = 15 * 60_000
// Most suites mostly wait, so that one more than there are cores to work keeps all of them busy.
const LANES = availableParallelism() + 1
// What takes longest begins first, so that at the end nothing is waited for alone.
const FIRST = [
  ...['page.ts', 'hostile.ts', 'faults.ts', 'screens.ts', 'outbox.ts', 'plain.ts', 'log.ts', 'waiting.ts', 'ways.ts'],
  ...['access.ts', 'naughty-page.ts', 'embedding.ts', 'mounting.ts'],
]

// These wait for a minute and more and need no core meanwhile, so they stand in nobody's way.
const ASIDE = ['proxies.ts']

const folder = fileURLToPath(new URL('.', import.meta.url))
const word = process.argv[2] ?? ''
const names = (await readdir(folder)).filter((name) => name.endsWith('.ts') && name !== 'run.ts' && name.includes(word))
const ordered = [...new Set([...FIRST.filter((name) => names.includes(name)), ...names.toSorted()])]
const start = performance.now()
const lanes = new Lanes((words) => process.stdout.write(words))
setTimeout(() => {
  lanes.stop()
  console.error(`\nThe tests were not done after ${PATIENCE / 60_000} minutes.`)
  process.exit(1)
}, PATIENCE)
const { total, passed, skipped, hasFailed } = add(
  await Promise.all([
    lanes.run(filesOf(ordered.filter((name) => ASIDE.includes(name))), ASIDE.length),
    lanes.run(filesOf(ordered.filter((name) => !ASIDE.includes(name))), LANES),
  ]),
)
const seconds = ((performance.now() - start) / 1000).toFixed(1)
console.log(`\n  Total:     ${total}\n  Passed:    ${passed}\n  Skipped:   ${skipped}\n  Duration:  ${seconds} s\n`)
process.exit(hasFailed ? 1 : 0)

function filesOf(suites: readonly string[]): string[] {
  return suites.map((name) => folder + name)
}
