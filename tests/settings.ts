import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readSettings } from '../routes/settings.ts'
import { Person } from './support/person.ts'
import { run } from './support/program.ts'

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))

const SETTINGS = 'PORT HOST BASE_PATH SECRET STORE HISTORY ROOM_TTL ORIGINS RATE_LIMITS'.split(' ')

const test = suite<{ folder: string; main: string }>('settings')

// The one file, alone in an empty folder, as somebody copies it to a machine with nothing but Node.
test.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'parlour-'))
  context.main = join(context.folder, 'main.mjs')
  await copyFile(MAIN, context.main)
})
test.after(({ folder }) => rm(folder, { recursive: true }))

test('-h and --help print every setting, -v and --version the version, and end well', async ({ main }) => {
  for (const flag of ['-h', '--help']) {
    const { code, out, err } = await run(main, [flag]).ended
    assert.equal([code, err], [0, ''])
    for (const name of SETTINGS) assert.match(out, name)
    for (const option of ['-h, --help', '-v, --version']) assert.match(out, option)
  }
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
  for (const flags of [['-v'], ['--version'], ['--port', '1', '--version']])
    assert.equal(await run(main, flags).ended, { code: 0, out: `${version}\n`, err: '' })
})

test('a setting that cannot be is one clear line, and the end with 2', async ({ main }) => {
  const bad: [string, Record<string, string>, string[]][] = [
    ['PORT', { PORT: 'http' }, []],
    ['PORT', { PORT: '65536' }, []],
    ['HOST', { HOST: 'a b' }, []],
    ['BASE_PATH', { BASE_PATH: 'chat' }, []],
    ['SECRET', { SECRET: 'a secret long enough,,another long enough' }, []],
    ['SECRET', { SECRET: 'fifteen letters' }, []],
    ['SECRET', { SECRET: 'a secret long enough,short' }, []],
    ['STORE', { STORE: 'mysql://x' }, []],
    ['HISTORY', { HISTORY: '0' }, []],
    ['ROOM_TTL', { ROOM_TTL: 'soon' }, []],
    ['ORIGINS', { ORIGINS: 'example.org' }, []],
    ['FRAME_ORIGINS', { FRAME_ORIGINS: 'https://*.co.uk' }, []],
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
    SECRET: 'sixteen letters!, another such one',
  })
  assert.equal([settings.history, settings.port, settings.base, settings.areRatesLimited], [7, 1, '/chat', false])
  assert.equal(settings.secrets, ['sixteen letters!', 'another such one'])
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

test.run()
