import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type * as Built from '../static/built.ts'
import { noticeOf, noticesIn } from './support/notice.ts'
import { run } from './support/program.ts'
import { needing } from './support/tools.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PACKED_BYTES = 200_000
/** The packages, and what else is under licences of others, in each of its files that hold code. */
const LICENCES: Readonly<Record<string, string[]>> = {
  'parlour.js': [],
  'shared.js': ['htmx.org', 'tldts', 'Public Suffix List', 'UNICODE LICENSE V3'],
  'start.js': ['@hono/node-server'],
}
const CODE = Object.keys(LICENCES)
const SOURCES = ['main.ts', 'package.json', 'tsconfig.json', 'README.md', 'LICENSE']
const FOLDERS = ['rooms', 'routes', 'templates', 'static']
const QUIET = ['--no-fund', '--no-audit', '--no-update-notifier', '--prefer-offline']
const isDeno = 'deno' in process.versions
const start = promisify(execFile)

interface Context {
  /** Where everything here is made. */
  folder: string
  /** An empty folder into which the package was installed. */
  place: string
  tarball: Uint8Array<ArrayBuffer>
}

const all = suite<Context>('package')
const test = needing('npm', all)

test.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'parlour-'))
  context.place = join(context.folder, 'place')
  const clone = join(context.folder, 'clone')
  for (const name of [...SOURCES, ...FOLDERS]) await cp(join(ROOT, name), join(clone, name), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
  const { stdout } = await start('npm', ['pack', '--json', ...QUIET], { cwd: clone })
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [{ filename: string }]
  context.tarball = new Uint8Array(await readFile(join(clone, filename)))
  const texts = await Promise.all([clone, ROOT].map((folder) => readFile(join(folder, 'package.json'), 'utf8')))
  assert.is(texts[0], texts[1], 'the manifest of a clone is as it was')
  await mkdir(context.place)
  await writeFile(join(context.place, 'package.json'), '{"private":true,"type":"module"}')
  await start('npm', ['install', ...QUIET, join(clone, filename)], { cwd: context.place })
})
test.after(({ folder }) => rm(folder, { recursive: true, force: true }))

test('it holds the program, the module and its types, and says what is true of them', async ({ place, tarball }) => {
  assert.ok(tarball.length < PACKED_BYTES, `${tarball.length} bytes`)
  const inside = join(place, 'node_modules/parlour')
  const files = ['LICENSE', 'README.md', 'package.json', 'parlour.d.ts', ...CODE]
  assert.equal((await readdir(inside)).toSorted(), files.toSorted())
  const {
    name,
    license,
    private: isPrivate,
    scripts,
    devDependencies,
    dependencies,
    peerDependencies,
  } = JSON.parse(await readFile(join(inside, 'package.json'), 'utf8'))
  assert.equal(
    [name, license, isPrivate, scripts, devDependencies],
    ['parlour', 'MIT', undefined, undefined, undefined],
  )
  assert.equal(Object.keys({ ...dependencies, ...peerDependencies }).toSorted(), ['@types/node', 'hono', 'ws'])
  const code = (await codeIn(place)).map(({ text }) => text).join('\n')
  const named = [...code.matchAll(/(?:^|;)import[^;"]*"([^"]+)"/gm)].map(([, from]) => from)
  assert.ok(named.length > 5)
  for (const from of named) assert.match(from, /^(node:[\w/]+|hono(\/[\w/-]+)?|ws|\.\/shared\.js)$/)
})

test('what the program and the module share is in it once', async ({ folder, place }) => {
  const code = await codeIn(place)
  // Another runtime may have packed those of this clone in other bytes.
  const { files, suffixes }: typeof Built = await import(join(folder, 'clone/static/built.ts'))
  for (const once of [...files.map(({ br }) => br), suffixes])
    assert.equal(
      code.filter(({ text }) => text.replaceAll('\\\n', '').includes(once)).map(({ name }) => name),
      ['shared.js'],
    )
})

test('each of its files carries the licences of what is in it, and no others', async ({ place }) => {
  const all = Object.values(LICENCES).flat()
  for (const { name, text } of await codeIn(place)) {
    const notices = noticesIn(text)
    const carried = all.filter((licence) => notices.includes(licence))
    assert.equal(carried, LICENCES[name])
    for (const licence of carried.filter((one) => !one.includes(' ')))
      assert.ok(notices.includes(await noticeOf(licence)), licence)
  }
})

test('into an empty folder it brings itself, hono and ws, each once', async ({ place }) => {
  const lock = JSON.parse(await readFile(join(place, 'package-lock.json'), 'utf8')) as { packages: object }
  const paths = Object.keys(lock.packages).filter(Boolean).toSorted()
  assert.equal(paths, ['node_modules/hono', 'node_modules/parlour', 'node_modules/ws'])
})

test('publint finds nothing in it', async ({ tarball }) => {
  const { messages } = await publint({ pack: { tarball: tarball.buffer }, level: 'suggestion', strict: true })
  assert.equal(messages, [])
})

test('its types are what its code is, for all who import', async ({ tarball }) => {
  const result = await checkPackage(createPackageFromTarballData(tarball))
  assert.ok(result.types)
  const problems = 'problems' in result ? result.problems : []
  // It has no code for CommonJS: the Nodes that it is for can `require` a module all the same.
  assert.equal(
    problems.filter(({ kind }) => kind !== 'CJSResolvesToESM'),
    [],
  )
})

test('whoever imports it gets the chat; nothing is said, started or left open, even by a chat that is made', async ({
  place,
}) => {
  const file = join(place, 'importing.mjs')
  await writeFile(
    file,
    `import * as all from 'parlour'
     const chat = all.createChat()
     if (Object.keys(all).toSorted().join() !== 'SettingsError,createChat') throw new Error(Object.keys(all).join())
     if (Object.keys(chat).toSorted().join() !== 'app,drain,upgrade') throw new Error(Object.keys(chat).join())`,
  )
  assert.equal(await run(file, []).ended, { code: 0, out: '', err: '' })
  const required = join(place, 'requiring.cjs')
  await writeFile(required, "if (typeof require('parlour').createChat !== 'function') throw new Error('nothing')")
  assert.equal(await run(required, []).ended, { code: 0, out: '', err: '' })
})

test('`npx parlour` serves a whole chat', async ({ place }) => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  assert.is((await start('npx', ['--no-install', 'parlour', '--version'], { cwd: place })).stdout, `${version}\n`)
  // It starts a shell that starts the program: as a terminal does, the group of all three is told to end.
  const child = spawn('npx', ['--no-install', 'parlour', '--port', '0'], { cwd: place, detached: true })
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (text) => resolve(String(text)))
    child.once('error', reject).once('exit', () => reject(new Error('it ended')))
  })
  const [url = ''] = /http:\S+/.exec(line) ?? []
  assert.match(await (await fetch(url)).text(), 'action="/rooms"')
  child.removeAllListeners('exit')
  const ended = new Promise((resolve) => child.once('close', resolve))
  process.kill(-(child.pid as number), 'SIGTERM')
  await ended
})

test('a strict program of ten lines is compiled against its types, and what is no option is an error', async ({
  place,
}) => {
  await mkdir(join(place, 'node_modules/@types'), { recursive: true })
  for (const name of ['@types/node', 'undici-types'])
    await symlink(join(ROOT, 'node_modules', name), join(place, 'node_modules', name))
  const program = (option: string) => `import { createServer } from 'node:http'
import { Hono } from 'hono'
import { type Chat, type ChatOptions, createChat, SettingsError, type Store } from 'parlour'
const options: ChatOptions = { ${option}: '1h', history: 10, origins: ['https://example.org'] }
const chat: Chat = createChat(options)
export const host: Hono = new Hono().route('/t/:team/chat', chat.app)
const server = createServer()
server.on('upgrade', (request, socket, head) => chat.upgrade(request, socket, head) || socket.destroy())
export const stop: Promise<void> = chat.drain()
export const store: Store | undefined = undefined
export const isWrong = (error: unknown) => error instanceof SettingsError && error.message.length > 0
`
  const files = [join(place, 'right.ts'), join(place, 'wrong.ts')]
  await Promise.all([writeFile(files[0], program('roomTtl')), writeFile(files[1], program('roomTTL'))])
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  for (const resolution of ['nodenext', 'bundler']) {
    const module = resolution === 'bundler' ? 'esnext' : 'nodenext'
    const flags = ['--ignoreConfig', '--strict', '--noEmit', '--skipLibCheck', 'false', '--target', 'es2024']
    flags.push('--module', module, '--moduleResolution', resolution)
    const [right, wrong] = await Promise.all(files.map((file) => run(compiler, [...flags, file]).ended))
    assert.equal([right.code, right.out], [0, ''], resolution)
    assert.match(wrong.out, "'roomTTL' does not exist in type 'ChatOptions'")
  }
})

if (isDeno) {
  test('`deno run npm:parlour` serves a whole chat', async ({ place }) => {
    const { child, ready, ended } = run('npm:parlour', ['--port', '0'], {}, ['run', '-A'], place)
    assert.is((await fetch(new URL('health', await ready))).status, 200)
    process.kill(child.pid as number, 'SIGTERM')
    assert.is((await ended).code, 0)
  })
}

all.run()

/** The files of the installed package that hold code. */
function codeIn(place: string): Promise<{ name: string; text: string }[]> {
  const inside = join(place, 'node_modules/parlour')
  return Promise.all(CODE.map(async (name) => ({ name, text: await readFile(join(inside, name), 'utf8') })))
}
