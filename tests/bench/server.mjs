import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { bun, deno, here, node24, pinned, python, root } from './tools.mjs'

const running = new Set()
process.on('exit', stopAll)

/** A server on the first core: its port, process and memory. */
export class Server {
  static async start(name, line, env = {}, cwd = root) {
    const [program, ...values] = pinned(0, line)
    const started = performance.now()
    const child = spawn(program, values, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    running.add(child)
    child.once('exit', () => running.delete(child))
    // What cannot be started is told by the missing ready line.
    child.on('error', () => running.delete(child))
    const port = await readyPort(name, child)
    return new Server(name, child, port, performance.now() - started)
  }

  constructor(name, child, port, readyAfter) {
    Object.assign(this, { name, child, port, readyAfter, pid: child.pid, url: `http://127.0.0.1:${port}` })
  }

  /** Resident memory in KB. */
  get resident() {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))[1])
  }

  async stop() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.kill('SIGKILL')
    await ended
  }
}

/** Ends every server that a row has left behind. */
export function stopAll() {
  for (const child of running) child.kill('SIGKILL')
}

async function readyPort(name, child) {
  let text = ''
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    const port = /listening on http:\/\/[^/]*:(\d+)/.exec((text += chunk))?.[1]
    if (!port) continue
    clearTimeout(timer)
    child.stdout.resume()
    return Number(port)
  }
  clearTimeout(timer)
  throw new Error(`${name} did not start ${text}`.trim())
}

const PARLOUR = { PORT: '0', RATE_LIMITS: 'off', SECRET: 'a secret of the benchmarks, long enough for all' }

/** What another version goes by. */
export const BEFORE = 'Parlour, before'

/** Parlour as it was built in a folder: this version or another, on this Node or another. */
export const parlour = ({ name = 'Parlour', at = root, node = process.execPath, flags = [] } = {}) =>
  Server.start(name, [node, ...profile(), ...flags, 'main.js'], PARLOUR, at)

/**
 * What starts this version and, where there is one, that of before.
 * @param before the folder of the other version
 * @param options as `parlour` takes them
 */
export const versions = (before, options = {}) => ({
  Parlour: () => parlour(options),
  ...(before && { [BEFORE]: () => parlour({ ...options, name: BEFORE, at: before }) }),
})
export const parlourOnDeno = deno && (() => Server.start('Parlour, Deno', [deno, 'run', '-A', 'main.js'], PARLOUR))

export const peers = {
  Bun: bun && (() => Server.start('Bun', [bun, `${here}peers/bun.ts`])),
  ws: () => Server.start('ws', [process.execPath, `${here}peers/ws.mjs`]),
  'Socket.IO': () => Server.start('Socket.IO', [process.execPath, `${here}peers/socketio.mjs`]),
  'Flask-SocketIO': python && (() => Server.start('Flask-SocketIO', [python, `${here}peers/flask_socketio_chat.py`])),
}
export const hono = () => Server.start('Hono', [process.execPath, `${here}peers/hono.mjs`])
export const honoOn24 = node24 && (() => Server.start('Hono, Node 24', [node24, `${here}peers/hono.mjs`]))

/** For a profile: `PROFILE=--cpu-prof npm run bench -- fanout`. */
function profile() {
  return process.env.PROFILE?.split(' ') ?? []
}

/** Long enough for what was set off to come to rest. */
export const settle = (milliseconds = 1500) => sleep(milliseconds)
