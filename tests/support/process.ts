import { type ChildProcess, spawn } from 'node:child_process'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const PATIENCE = 60_000
const MAIN = fileURLToPath(new URL('../../main.js', import.meta.url))

// A test that ends in any other way must not leave its servers behind.
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A real server in a process of its own, as somebody would start it. */
export class ServerProcess {
  readonly port: number
  /** What it ended with: a code, or the name of a signal. */
  readonly ended: Promise<number | string>
  /** When it was started, for telling its messages from those of one before it. */
  readonly started: number
  /** What it has said on standard error, and the errors among what it has reported. */
  errors = ''
  /** What it has said on standard output. */
  said: string
  #child: ChildProcess
  #heard = () => {}
  #hasEnded = false

  private constructor(child: ChildProcess, started: number, port: number, said: string) {
    this.#child = child
    this.started = started
    this.port = port
    this.said = said
    const complain = (text: string) => {
      this.errors += text
      process.stderr.write(text)
    }
    child.stderr?.on('data', complain)
    child.stdout?.on('data', (text) => {
      this.said += text
      this.#heard()
      for (const line of String(text).split('\n')) if (line.includes('"event":"error"')) complain(`${line}\n`)
    })
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#hasEnded = true
        running.delete(child)
        resolve(code ?? signal ?? '')
      })
    })
  }

  /** The same without its reports. */
  get faults(): string {
    return this.errors.replace(/^\{"at":.*\}\n/gm, '')
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get id(): number {
    return this.#child.pid as number
  }

  /**
   * Starts `main.js`, or another program, and waits until it listens; throws where it ends instead.
   * @param through a command that runs the runtime
   */
  static async start(
    settings: Record<string, string> = {},
    program = [MAIN],
    through: string[] = [],
  ): Promise<ServerProcess> {
    const started = Date.now()
    const [command, ...words] = [...through, process.execPath, ...program]
    const env = { ...process.env, PORT: '0', RATE_LIMITS: 'off', SECRET: 'a secret of the tests', ...settings }
    const child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    let said = ''
    const port = await new Promise<number>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)))
      child.stdout?.on('data', (text) => {
        said += text
        const match = /listening on http:\/\/[^/]*:(\d+)/.exec(said)
        if (match) resolve(Number(match[1]))
      })
    })
    child.removeAllListeners('exit')
    child.stdout?.removeAllListeners('data')
    return new ServerProcess(child, started, port, said)
  }

  /** Settles once it has said this on standard output. */
  async says(words: string): Promise<void> {
    while (!this.said.includes(words))
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
  }

  /** Sends a signal and waits for the end; rejects where it does not come. */
  async stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | string> {
    // Not by the child's own `kill`: Deno then takes the signal for what it ended with.
    if (!this.#hasEnded) process.kill(this.id, signal)
    let deadline: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      deadline = setTimeout(() => reject(new Error(`the server did not end after ${signal}`)), PATIENCE)
    })
    return Promise.race([this.ended, late]).finally(() => clearTimeout(deadline))
  }
}
