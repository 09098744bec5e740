// Runs one suite in a process of its own: what it holds, changes or leaves open is nobody else's.
import { basename } from 'node:path'
import process from 'node:process'
import fc from 'fast-check'
import { run } from 'uvu/run'
import { SEED } from './seed.ts'

const file = process.argv[2]
fc.configureGlobal({ seed: SEED })
await run([{ name: basename(file), file }])
// What a suite left open must not keep the run from ending.
process.exit(process.exitCode ?? 0)
