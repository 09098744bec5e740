import { Buffer } from 'node:buffer'
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { type BuildOptions, build } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { files } from '../static/built.ts'
import { noticeOf, noticesIn } from './support/notice.ts'
import { run } from './support/program.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

const test = suite('build')

test('`main.js` carries the licence of everything that is packed into it', async () => {
  const main = await readFile(join(ROOT, 'main.js'), 'utf8')
  const options = {
    absWorkingDir: ROOT,
    entryPoints: ['main.ts'],
    platform: 'node',
    format: 'esm',
  } satisfies BuildOptions
  const { metafile } = await build({
    ...options,
    bundle: true,
    write: false,
    metafile: true as const,
    logLevel: 'error',
  })
  const packed = Object.keys(metafile.inputs).map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
  const names = new Set([...packed.filter((name) => name !== undefined), 'htmx.org'])
  assert.ok(names.size >= 4, [...names].join())
  const notices = noticesIn(main)
  for (const name of names) assert.ok(notices.includes(await noticeOf(name)), name)
  assert.match(notices, /UNICODE LICENSE V3/)
})

test('it is built in a folder of any name, from wherever one stands', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'parlour-'))
  const folder = join(parent, 'a b #1 50%25 ü')
  for (const part of ['main.ts', 'package.json', 'rooms', 'routes', 'templates', 'static'])
    await cp(join(ROOT, part), join(folder, part), { recursive: true, filter: (path) => !path.endsWith('built.ts') })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const built = await run(join(folder, 'static/build.mjs'), []).ended
  assert.equal(built, { code: 0, out: '', err: '' })
  const { code, out, err } = await run(join(folder, 'main.js'), ['--version']).ended
  assert.equal([code, err, /^\d/.test(out)], [0, '', true])
  await rm(parent, { recursive: true })
})

test('what builds it is installed for production too, and no package runs a script of its own meanwhile', async () => {
  const { dependencies, allowScripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  for (const file of ['build.mjs', 'notices.mjs']) {
    const text = await readFile(join(ROOT, 'static', file), 'utf8')
    for (const [, name] of text.matchAll(/^import .* from '(?!node:|\.)([^']+)'/gm)) assert.ok(dependencies[name], name)
  }
  const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'))
  for (const [path, { hasInstallScript }] of Object.entries<{ hasInstallScript?: boolean }>(packages)) {
    if (hasInstallScript && path) assert.is(allowScripts[path.replace(/^.*node_modules\//, '')], false, path)
  }
})

test('what browsers load says the same in every encoding, so it names none', () => {
  for (const { name, type, gzip } of files) {
    assert.not.match(type, 'charset')
    assert.match(gunzipSync(Buffer.from(gzip, 'base64')).toString(), /^[\t\n -~]*$/, name)
  }
})

test.run()
