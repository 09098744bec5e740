// Runs every suite of this folder, or those whose name holds the word given: `npm test -- socket`.
import { readdir } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { run } from 'uvu/run'
import { SEED } from './support/seed.ts'

// A test that waits for what never comes must end as a failure, not as a run without an end.
const PATIENCE = 15 * 60_000

const folder = fileURLToPath(new URL('.', import.meta.url))
const word = process.argv[2] ?? ''
const names = (await readdir(folder)).filter((name) => name.endsWith('.ts') && name !== 'run.ts' && name.includes(word))
fc.configureGlobal({ seed: SEED })
setTimeout(() => {
  console.error(`\nThe tests were not done after ${PATIENCE / 60_000} minutes.`)
  process.exit(1)
}, PATIENCE)
await run(names.toSorted().map((name) => ({ name, file: folder + name })))
// What a suite left open must not keep the run from ending.
process.exit(process.exitCode ?? 0)
