import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The program, as it runs. */
export interface Run {
  readonly child: ChildProcess
  /** The line that it printed when it was ready. */
  readonly line: Promise<string>
  /** The first address that it printed. */
  readonly ready: Promise<string>
  readonly ended: Promise<Ended>
}

// A test that fails must not leave its programs behind.
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** What lets the runtime of these tests run a program that may do everything. */
const FREE = 'deno' in process.versions ? ['run', '-A'] : []

/**
 * Starts the real program, with these settings and no others.
 * @param runtime the flags of the runtime itself
 * @param cwd where it is started
 */
export function run(
  main: string,
  flags: string[],
  settings: Record<string, string> = {},
  runtime = FREE,
  cwd?: string,
): Run {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...settings }
  const child = spawn(process.execPath, [...runtime, main, ...flags], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stderr.on('data', (text) => {
    err += text
  })
  const line = new Promise<string>((resolve) => {
    child.stdout.on('data', (text) => {
      out += text
      if (/listening on .*\n/.test(out)) resolve(out)
    })
  })
  running.add(child)
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      running.delete(child)
      resolve({ code, out, err })
    })
  })
  return { child, line, ready: line.then((text) => /http:\S+/.exec(text)?.[0] ?? ''), ended }
}
