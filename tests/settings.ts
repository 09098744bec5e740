import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readOptions } from '../routes/options.ts'
import { readSettings } from '../routes/settings.ts'
import { Person } from './support/person.ts'
import { run } from './support/program.ts'

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url))

const SETTINGS = (
  'PORT HOST BASE_PATH SECRET STORE HISTORY ROOM_TTL ROOMS ORIGINS FRAME_ORIGINS VISITOR_SECRET TRUSTED_PROXIES ' +
  'METRICS RATE_LIMITS'
).split(' ')

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
    for (const name of [...SETTINGS, '-h, --help', '-v, --version']) assert.match(out, name)
    const columns = out.match(/(?<=^  )[-A-Z].*?  +(?=\S)/gm) ?? []
    assert.ok(columns.length >= 14)
    assert.is(new Set(columns.map(({ length }) => length)).size, 1, 'what is said of settings stands in one column')
    assert.ok(Math.max(...out.split('\n').map(({ length }) => length)) <= 110)
  }
  assert.is((await run(main, ['--help', '--no-such'], { PORT: 'http', METRICS: 'x' }).ended).code, 0)
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
    ['VISITOR_SECRET', { VISITOR_SECRET: 'fifteen letters' }, []],
    ['VISITOR_SECRET', { VISITOR_SECRET: 'a secret long enough,' }, []],
    ['STORE', { STORE: 'mysql://x' }, []],
    ['HISTORY', { HISTORY: '0' }, []],
    ['ROOM_TTL', { ROOM_TTL: 'soon' }, []],
    ['ROOMS', { ROOMS: 'the lobby' }, []],
    ['ROOMS', { ROOMS: 'acd-efg-hjk=Taken' }, []],
    ['ORIGINS', { ORIGINS: 'example.org' }, []],
    ['TRUSTED_PROXIES.*10.0.0.0/33', { TRUSTED_PROXIES: 'loopback, 10.0.0.0/33' }, []],
    ['FRAME_ORIGINS', { FRAME_ORIGINS: 'https://*.co.uk' }, []],
    ['RATE_LIMITS', { RATE_LIMITS: 'maybe' }, []],
    ['METRICS', { METRICS: '9090' }, []],
    ['METRICS', { PORT: '8123', METRICS: '127.0.0.1:8123' }, []],
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
    const [words, ...reports] = out.trimEnd().split('\n')
    assert.is(
      words,
      `Parlour is listening on ${url} (rooms are kept in memory; sessions end with this process, because no SECRET is set)`,
    )
    assert.equal(
      reports.map((report) => JSON.parse(report).event),
      ['start', 'stop'],
    )
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
  const visitors = readSettings([], { VISITOR_SECRET: 'sixteen letters!, another such one' }).visitorSecrets
  assert.equal(visitors, settings.secrets)
  const plain = readSettings([], {})
  assert.equal([plain.visitorSecrets, plain.fixed], [[], []])
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
  assert.equal(read({}).trustedProxies, [])
  const proxies = ['loopback', '10.0.0.1', '10.0.0.0/8', '2001:db8::/32', '::1', '::ffff:10.0.0.0/104']
  assert.equal(read({ TRUSTED_PROXIES: proxies.join(' , ') }).trustedProxies, proxies)
  for (const item of [
    'nginx',
    'loopback/8',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '::/129',
    'fe80::1%eth0',
    '1.2.3.4:80',
    '::ffff:10.0.0.0/95',
  ])
    assert.throws(() => read({ TRUSTED_PROXIES: `::1,${item}` }), new RegExp(`TRUSTED_PROXIES.*“${item}”`))
  for (const path of ['chat', '/../x', '/a b', '/a?b', '/<b>', '/a//b', '/:code', '/*'])
    assert.throws(() => read({ BASE_PATH: path }), /BASE_PATH/)
  for (const time of ['', '0s', '10', '1w', '-1h', '1.5h'])
    assert.throws(() => read({ ROOM_TTL: time || ' ' }), /ROOM_TTL/)
})

test('metrics are served nowhere, or at an address that is written as in a URL', () => {
  const read = (metrics?: string) => readSettings([], { METRICS: metrics }).metrics
  assert.equal([read(), read(''), read('off')], [undefined, undefined, undefined])
  assert.equal(read('127.0.0.1:9090'), { host: '127.0.0.1', port: 9090 })
  assert.equal(read('[::1]:0'), { host: '::1', port: 0 })
  assert.equal(read('localhost:1'), { host: 'localhost', port: 1 })
  for (const wrong of [
    ':9090',
    '9090',
    '::1:9090',
    '[127.0.0.1]:1',
    '127.0.0.1',
    '127.0.0.1:65536',
    'a b:1',
    'http://a:1',
  ])
    assert.throws(() => read(wrong), /METRICS is to be an address and a port, like 127\.0\.0\.1:9090/, wrong)
  for (const port of ['8000', '08000']) assert.throws(() => read(`127.0.0.2:${port}`), /another port/)
})

test('a server says whether its secret was made at the start, and a chat in a program has no port', () => {
  assert.ok(readSettings([], {}).isSecretMade)
  assert.ok(readSettings([], { SECRET: '' }).isSecretMade)
  assert.not(readSettings([], { SECRET: 'sixteen letters!' }).isSecretMade)
  for (const option of ['port', 'host', 'metrics'])
    assert.throws(() => readOptions({ [option]: '127.0.0.1:9090' } as never), /no option/)
})

test('rooms that always exist are read with their titles, as text or as a list', () => {
  const read = (rooms: string) => readSettings([], { ROOMS: rooms }).fixed
  assert.equal(read(''), [])
  assert.equal(read('lobby=The lobby,help'), [
    { code: 'lobby', title: 'The lobby' },
    { code: 'help', title: '' },
  ])
  assert.equal(read(' Lobby =  A = b  , 24-7='), [
    { code: 'lobby', title: 'A = b' },
    { code: '24-7', title: '' },
  ])
  assert.equal(readOptions({ rooms: ['lobby=The lobby', 'help'] }).fixed, read('lobby=The lobby,help'))
  assert.is(read(Array.from({ length: 100 }, (_, index) => `r${index}`).join(',')).length, 100)
})

test('rooms that cannot always exist are named in one line that says why', () => {
  const wrong: [string, RegExp][] = [
    ['lobby,', /codes of up to 32/],
    ['=Title', /codes of up to 32/],
    ['a/b', /“a\/b”/],
    ['x'.repeat(33), /codes of up to 32/],
    ['acdefghjk', /unlike the codes of other rooms/],
    ['lobby,help,lobby=Again', /“lobby” twice/],
    ['help-desk,helpdesk', /“helpdesk” twice/],
    [`lobby=${'x'.repeat(81)}`, /title of “lobby”/],
    ['lobby=a\u202Eb', /title of “lobby”/],
    [Array.from({ length: 101 }, (_, index) => `r${index}`).join(','), /100 rooms at most/],
  ]
  for (const [rooms, words] of wrong) {
    assert.throws(() => readSettings([], { ROOMS: rooms }), words, rooms)
    assert.throws(() => readOptions({ rooms }), words, rooms)
  }
  assert.throws(() => readOptions({ rooms: ['lobby=Come in, all'] }), /cannot hold a comma/)
})

test.run()
