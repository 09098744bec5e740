import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Ended, type Run, run } from './support/program.ts'

const ROOT = new URL('..', import.meta.url)
const MAIN = fileURLToPath(new URL('main.js', ROOT))
const isDeno = 'deno' in process.versions
// Node 20 runs no TypeScript by itself.
const SOURCES = isDeno ? [MAIN, fileURLToPath(new URL('main.ts', ROOT))] : [MAIN]

const test = suite<{ folder: string }>('starting')

test.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'parlour-'))
})
test.after(({ folder }) => rm(folder, { recursive: true }))

test('an address that cannot be listened on is one line that says which and why, and the end with 2', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => other.once('listening', resolve))
  const port = String((other.address() as AddressInfo).port)
  const wrong: [Record<string, string>, string, RegExp][] = [
    [{ PORT: port }, `127.0.0.1, port ${port}`, /already \(EADDRINUSE\)/],
    // A block of documentation (RFC 5737), which no machine has.
    [{ HOST: '198.51.100.1', PORT: '0' }, '198.51.100.1', /no such address \(\w+\)/],
    [{ HOST: 'no-such-host.invalid', PORT: '0' }, 'no-such-host.invalid', /name.* \((ENOTFOUND|EAI_AGAIN)\)/],
  ]
  for (const main of SOURCES) {
    for (const [settings, place, reason] of wrong) {
      const { code, out, err } = await run(main, [], settings).ended
      assert.equal([code, out], [2, ''], err)
      assert.match(err, /^parlour: cannot listen on [^\n]+\. Choose another with PORT or HOST[^\n]*\n$/)
      assert.match(err, place)
      assert.match(err, reason)
      assert.not.match(err, 'undefined')
    }
  }
  other.close()
})

test('whatever else fails at the start is told as what it is', async ({ folder }) => {
  const broken = join(folder, 'broken.mjs')
  await writeFile(
    broken,
    `import { Server } from 'node:net'\nServer.prototype.listen = () => { throw new TypeError('a fault of its own') }\n`,
  )
  const { code, err } = await run(MAIN, [], {}, isDeno ? ['run', '-A', '--preload', broken] : ['--import', broken])
    .ended
  assert.is(code, 1)
  assert.match(err, /TypeError: a fault of its own/)
  assert.not.match(err, 'cannot listen')
})

test('on every address of the machine, those that others can open are printed, in one line', async () => {
  for (const [host, loopback] of [
    ['0.0.0.0', '127.0.0.1'],
    ['0', '127.0.0.1'],
    ['::', '[::1]'],
  ]) {
    const server = run(MAIN, [], { HOST: host, PORT: '0', BASE_PATH: '/chat' })
    // Not every machine speaks IPv6.
    if (host === '::' && (await hasEnded(server))) continue
    const urls = (await server.line).match(/http:\S+/g) ?? []
    for (const url of urls) assert.is((await fetch(new URL('health', url))).status, 200, url)
    const { port } = new URL(urls[0] ?? '')
    assert.is(urls.at(-1), `http://${loopback}:${port}/chat/`)
    for (const url of urls) assert.not.match(url, /\/\/(0|\[::\]|\[fe80)/)
    const { out } = await stop(server)
    assert.ok(out.startsWith(`Parlour is listening on ${urls.join(' and ')} (rooms are kept in memory; `), out)
  }
})

if (isDeno) {
  test('`deno task start` permits all that the server needs, and no more than the network and its settings', async () => {
    const { tasks } = JSON.parse(await readFile(new URL('deno.json', ROOT), 'utf8'))
    const [, ...flags] = (tasks.start.command as string).split(' ').slice(0, -1)
    assert.equal(
      flags.filter((flag) => !/^(run|--allow-net|--allow-env=[A-Z_8,]+|--allow-sys=networkInterfaces)$/.test(flag)),
      [],
    )
    for (const main of SOURCES) {
      const server = run(main, [], { HOST: '0.0.0.0', PORT: '0' }, [...flags, '--no-prompt'])
      assert.is((await fetch(new URL('health', await server.ready))).status, 200)
      assert.is((await stop(server)).err, '')
    }
    const bare = run(MAIN, [], { HOST: '0.0.0.0', PORT: '0' }, [
      ...flags.filter((flag) => !flag.startsWith('--allow-sys')),
      '--no-prompt',
    ])
    assert.match(await bare.ready, 'http://127.0.0.1:')
    await stop(bare)
  })
} else if (process.allowedNodeEnvironmentFlags.has('--permission')) {
  test('the line of the README starts a server that may do nothing but serve', async () => {
    const readme = await readFile(new URL('README.md', ROOT), 'utf8')
    const line = /^node (--permission .*)main\.js\b/m.exec(readme)?.[1].trim().split(' ') ?? []
    const flags = line.filter((flag) => flag !== '--allow-net' || process.allowedNodeEnvironmentFlags.has(flag))
    const server = run(
      MAIN,
      [],
      { PORT: '0' },
      flags.map((flag) => flag.replace('main.js', MAIN)),
    )
    assert.is((await fetch(new URL('health', await server.ready))).status, 200)
    assert.is((await stop(server)).code, 0)
  })
}

test.run()

/** Ends a server that is ready. */
async function stop({ line, child, ended }: Run): Promise<Ended> {
  await line
  // Not `child.kill`: Deno then tells of the signal, whatever the program ended with.
  process.kill(child.pid as number, 'SIGTERM')
  return ended
}

/** Whether it ended instead of listening, as where there is no IPv6. */
function hasEnded({ ready, ended }: Run): Promise<boolean> {
  return Promise.race([ready.then(() => false), ended.then(() => true)])
}
