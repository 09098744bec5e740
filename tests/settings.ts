import { type ChildProcess, spawn } from 'node:child_process'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readSettings } from '../routes/settings.ts'
import { Person } from './support/person.ts'

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))

const test = suite<{ folder: string; main: string }>('settings')

// The one file, alone in an empty folder, as somebody copies it to a machine with nothing but Node.
test.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'parlour-'))
  context.main = join(context.folder, 'main.mjs')
  await copyFile(MAIN, context.main)
})
test.after(({ folder }) => rm(folder, { recursive: true }))

test('--help prints every setting and ends well', async ({ main }) => {
  const { code, out, err } = await run(main, ['--help']).ended
  assert.equal([code, err], [0, ''])
  for (const name of [
    'PORT',
    'HOST',
    'BASE_PATH',
    'SECRET',
    'STORE',
    'HISTORY',
    'ROOM_TTL',
    'ORIGINS',
    'RATE_LIMITS',
  ]) {
    assert.match(out, name)
  }
})

test('a setting that cannot be is one clear line, and the end with 2', async ({ main }) => {
  const bad: [string, Record<string, string>, string[]][] = [
    ['PORT', { PORT: 'http' }, []],
    ['PORT', { PORT: '65536' }, []],
    ['HOST', { HOST: 'a b' }, []],
    ['BASE_PATH', { BASE_PATH: 'chat' }, []],
    ['SECRET', { SECRET: 'a,,b' }, []],
    ['STORE', { STORE: 'mysql://x' }, []],
    ['HISTORY', { HISTORY: '0' }, []],
    ['ROOM_TTL', { ROOM_TTL: 'soon' }, []],
    ['ORIGINS', { ORIGINS: 'example.org' }, []],
    ['RATE_LIMITS', { RATE_LIMITS: 'maybe' }, []],
    ['PORT', {}, ['--port', '-1']],
    ['port', {}, ['--port']],
    ['--colour', {}, ['--colour', 'red']],
    ['extra', {}, ['extra']],
    ['HOST', { HOST: 'no-such-host.invalid' }, []],
  ]
  const ends = await Promise.all(bad.map(([, environment, flags]) => run(main, flags, environment).ended))
  for (const [index, { code, out, err }] of ends.entries()) {
    const [name] = bad[index]
    assert.equal([code, out], [2, ''], `${name} ${err}`)
    assert.match(err, /^parlour: [^\n]+\n$/, name)
    assert.match(err, name.startsWith('no-such') ? 'HOST' : new RegExp(name, 'i'))
  }
})

test('a port that is taken is one clear line, and the end with 2', async ({ main }) => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const { port } = other.address() as AddressInfo
  const { code, err } = await run(main, ['--port', String(port)]).ended
  assert.is(code, 2)
  assert.match(err, new RegExp(`^parlour: [^\\n]*${port}[^\\n]*\\n$`))
  other.close()
})

test('the one file serves the whole chat, and ends with 0 when it is asked to', async ({ main }) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const server = run(main, [], { PORT: '0', BASE_PATH: '/chat' })
    const url = await server.ready
    assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d*\/chat\/$/)
    const home = await (await fetch(url)).text()
    const ann = await Person.create(url.slice(0, -1), 'ann')
    const line = await ann.listen()
    await ann.say('hello')
    await line.count(1)
    const room = await (await ann.fetch('', { headers: { Accept: 'text/html' } })).text()
    const files = [...(home + room).matchAll(/(?:href|src)="(\/chat\/(?:static|own)\/[^"]+)"/g)].map(([, path]) => path)
    assert.ok(['.css', '.js', '.svg'].every((ending) => files.some((path) => path.endsWith(ending))))
    for (const path of files) {
      const file = await fetch(new URL(path, url))
      assert.is(file.status, 200, path)
      assert.match(file.headers.get('cache-control') ?? '', 'immutable')
      const text = await file.text()
      if (path.endsWith('.js')) assert.match(text, /htmx/)
    }
    // Not `child.kill`: Deno then tells of the signal, whatever the program ended with.
    process.kill(server.child.pid as number, signal)
    const { code, out, err } = await server.ended
    assert.equal([code, err], [0, ''])
    assert.is(await line.closed, 1012)
    assert.is(out, `Parlour is listening on ${url}\n`, 'one line, and no other')
  }
})

test('a flag wins over the environment, and what neither says has a default', () => {
  const settings = readSettings(['--history', '7', '--base-path=/chat/', '--rate-limits', 'off'], {
    HISTORY: '9',
    PORT: '1',
    SECRET: 'a, b',
  })
  assert.equal([settings.history, settings.port, settings.base, settings.areRatesLimited], [7, 1, '/chat', false])
  assert.equal(settings.secrets, ['a', 'b'])
  const plain = readSettings([], {})
  assert.equal(
    [plain.port, plain.host, plain.base, plain.history, plain.ttl, plain.origins, plain.areRatesLimited],
    [8000, '127.0.0.1', '', 500, 24 * 60 * 60 * 1000, [], true],
  )
  assert.not.equal(plain.secrets, readSettings([], {}).secrets, 'a secret is made at each start')
})

test('times, origins and paths are read in the ways that people write them', () => {
  const read = (environment: Record<string, string>) => readSettings([], environment)
  assert.equal(
    ['500ms', '2s', '30m', '24h', '7d'].map((time) => read({ ROOM_TTL: time }).ttl),
    [500, 2000, 1_800_000, 86_400_000, 604_800_000],
  )
  assert.equal(read({ ORIGINS: 'https://a.example, http://b.example:81' }).origins, [
    'https://a.example',
    'http://b.example:81',
  ])
  assert.equal(
    ['', '/', '/chat', '/chat/', '/a/b'].map((path) => read({ BASE_PATH: path }).base),
    ['', '', '/chat', '/chat', '/a/b'],
  )
  for (const path of ['chat', '/../x', '/a b', '/a?b', '/<b>', '/a//b', '/:code', '/*'])
    assert.throws(() => read({ BASE_PATH: path }), /BASE_PATH/)
  for (const time of ['', '0s', '10', '1w', '-1h', '1.5h'])
    assert.throws(() => read({ ROOM_TTL: time || ' ' }), /ROOM_TTL/)
})

interface Run {
  readonly child: ChildProcess
  /** The address that it printed. */
  readonly ready: Promise<string>
  readonly ended: Promise<{ code: number | null; out: string; err: string }>
}

/** Starts the real program, with these settings and no others. */
function run(main: string, flags: string[], settings: Record<string, string> = {}): Run {
  const flag = 'deno' in process.versions ? ['run', '-A'] : []
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...settings }
  const child = spawn(process.execPath, [...flag, main, ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stderr.on('data', (text) => {
    err += text
  })
  const ready = new Promise<string>((resolve) => {
    child.stdout.on('data', (text) => {
      out += text
      const address = /listening on (\S+)\n/.exec(out)?.[1]
      if (address) resolve(address)
    })
  })
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, out, err }))
  })
  return { child, ready, ended }
}

test.run()
