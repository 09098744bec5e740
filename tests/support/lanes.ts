import { type ChildProcess, spawn } from 'node:child_process'
import { basename } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

/** What suites counted, and whether one of them failed in any way. */
export interface Sum {
  readonly total: number
  readonly passed: number
  readonly skipped: number
  readonly hasFailed: boolean
}

/** A suite that is run. */
interface Running {
  readonly file: string
  readonly child: ChildProcess
  /** What it ended with, once all that it printed is there. */
  readonly ended: Promise<number | string | null>
  printed: string
}

const ALONE = fileURLToPath(new URL('alone.ts', import.meta.url))
const RUNTIME = 'deno' in process.versions ? ['run', '-A', '--v8-flags=--expose-gc'] : process.execArgv
const CLOSING = /\n {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)\n {2}Duration: .*\n/

/** What several suites counted together. */
export function add(sums: readonly Sum[]): Sum {
  const count = (kind: 'total' | 'passed' | 'skipped') => sums.reduce((sum, one) => sum + one[kind], 0)
  const hasFailed = sums.some((sum) => sum.hasFailed)
  return { total: count('total'), passed: count('passed'), skipped: count('skipped'), hasFailed }
}

/** Suites that run side by side, each in a process of its own, and are told of one after the other. */
export class Lanes {
  #say: (words: string) => void
  #running = new Set<Running>()

  constructor(say: (words: string) => void) {
    this.#say = say
  }

  /** Runs these, so many at a time, in this order. */
  async run(files: readonly string[], lanes: number): Promise<Sum> {
    const waiting = files.values()
    const sums: Sum[] = []
    const follow = async () => {
      for (const file of waiting) sums.push(await this.#runAlone(file))
    }
    await Promise.all(Array.from({ length: lanes }, follow))
    return add(sums)
  }

  /** Ends those that run, and tells what they have printed so far. */
  stop(): void {
    for (const { file, child, printed } of this.#running) {
      child.kill()
      this.#say(`${printed}\n  ${basename(file)} was not done\n\n`)
    }
  }

  async #runAlone(file: string): Promise<Sum> {
    const start = performance.now()
    const one = begin(file)
    this.#running.add(one)
    const end = await one.ended
    this.#running.delete(one)
    const { text, ...sum } = read(one.printed, end)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    this.#say(`${text}  ${seconds} s\n\n`)
    return sum
  }
}

function begin(file: string): Running {
  const colours = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}
  const env = { ...process.env, ...colours }
  const child = spawn(process.execPath, [...RUNTIME, ALONE, file], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number | string | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal))
  })
  const one = { file, child, ended, printed: '' }
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      one.printed += text
    })
  return one
}

/** Takes the closing lines out of what a suite printed. Where it ended before them, that is a test that failed. */
function read(printed: string, end: number | string | null): Sum & { text: string } {
  const start = printed.lastIndexOf('\n  Total:')
  const closing = CLOSING.exec(stripVTControlCharacters(printed.slice(start)))
  if (!closing)
    return {
      text: `${printed}\n  It ended with ${end} before its tests.\n`,
      total: 1,
      passed: 0,
      skipped: 0,
      hasFailed: true,
    }
  const [total, passed, skipped] = closing.slice(1).map(Number)
  return { text: printed.slice(0, start), total, passed, skipped, hasFailed: end !== 0 }
}
