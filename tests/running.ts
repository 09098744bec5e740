import { spawnSync } from 'node:child_process'
import { cp, chmod, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Person } from './support/person.ts'
import { ServerProcess } from './support/process.ts'
import { needing } from './support/tools.ts'

// The files that run Parlour elsewhere, followed to the letter as far as this machine goes.

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const UNIT = join(ROOT, 'tests/examples/parlour.service')
const MOST_EXPOSED = 2
// From the server's own longest stop.
const LONGEST_STOP_SECONDS = 10
const NOBODY = '65534'

const test = suite('running')
const units = needing('systemd-analyze', test)

units('the unit of systemd is well formed and exposes little', () => {
  const { status, stdout, stderr } = analyze(['verify', UNIT])
  // The program of the unit is on the machine that it is for.
  const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line && !/\/usr\/bin\/node/.test(line))
  assert.equal(complaints, [], String(status))
  const security = analyze(['security', '--offline=true', UNIT]).stdout
  const [, exposure] = /Overall exposure level for parlour\.service: ([\d.]+)/.exec(security) ?? []
  assert.ok(Number(exposure) <= MOST_EXPOSED, security)
})

test('the unit gives the server its rights, its secret and the time to say goodbye, and lets Node compile', async () => {
  const unit = await readFile(UNIT, 'utf8')
  const of = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1]
  assert.equal(['DynamicUser', 'StateDirectory', 'Restart', 'RestartPreventExitStatus', 'EnvironmentFile'].map(of), [
    'yes',
    'parlour',
    'on-failure',
    '2',
    '/etc/parlour.secret',
  ])
  assert.ok(Number(of('TimeoutStopSec')) > LONGEST_STOP_SECONDS)
  assert.is(of('MemoryDenyWriteExecute'), undefined)
  assert.match(of('ExecStart') ?? '', /^\/usr\/bin\/node \/\S+\/main\.js$/)
  // Without it nobody can be told at which addresses others find the chat.
  assert.match(of('RestrictAddressFamilies') ?? '', 'AF_NETLINK')
})

test('the container runs as nobody, without a shell, with one volume, and says when it is unwell', async () => {
  const { build, last } = await stages()
  assert.equal([one(last, 'USER'), one(last, 'VOLUME'), one(last, 'EXPOSE')], ['1000:1000', '/data', '8000'])
  assert.equal(last.filter(({ name }) => name === 'VOLUME' || name === 'USER').length, 2)
  assert.not(last.some(({ name }) => name === 'RUN' || name === 'SHELL'))
  assert.equal(JSON.parse(one(last, 'ENTRYPOINT')), ['node', '/app/main.js'])
  assert.match(one(last, 'ENV'), 'HOST=0.0.0.0 PORT=8000')
  assert.is(one(last, 'STOPSIGNAL'), 'SIGTERM')
  assert.equal(new Set([build, last].map((stage) => stage[0].rest.split(' ')[0])), new Set(['node:24-alpine']))
})

// The container is one of Node.
const onNode = 'deno' in process.versions ? () => {} : test
onNode(
  'by the steps of the container file the server serves as nobody from what cannot be written, and stops',
  async () => {
    const { build, last } = await stages()
    const folder = await mkdtemp(join(tmpdir(), 'parlour-'))
    for (const { rest } of build.filter(({ name }) => name === 'COPY')) {
      const sources = rest.split(' ').slice(0, -1)
      for (const source of sources) await cp(join(ROOT, source), join(folder, source), { recursive: true })
    }
    await rm(join(folder, 'static/built.ts'), { force: true })
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    const { scripts } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    assert.is(spawnSync('sh', ['-c', scripts.prepare], { cwd: folder }).status, 0)
    await chmod(folder, 0o755)
    const server = await ServerProcess.start(
      { HOST: '0.0.0.0', BASE_PATH: '/chat/' },
      [join(folder, 'main.js')],
      lock(),
    )
    const url = `${server.url}/chat`
    const ann = await Person.create(url, 'ann')
    const line = await ann.listen()
    await ann.say('hello')
    await line.count(1)
    const check = JSON.parse(/CMD (\[.*\])$/.exec(one(last, 'HEALTHCHECK'))?.[1] ?? '')
    const look = () => {
      const env = { PATH: process.env.PATH, PORT: String(server.port), BASE_PATH: '/chat/' }
      return spawnSync(process.execPath, check.slice(1), { env }).status
    }
    assert.is(look(), 0)
    assert.is(await server.stop('SIGTERM'), 0)
    assert.is(await line.closed, 1012)
    assert.is(look(), 1)
    assert.is(server.errors, '')
    await rm(folder, { recursive: true })
  },
)

test.run()

interface Instruction {
  readonly name: string
  readonly rest: string
}

/** The instructions of the container file, from each `FROM` to the next. */
async function stages(): Promise<{ build: Instruction[]; last: Instruction[] }> {
  const file = await readFile(join(ROOT, 'tests/examples/Containerfile'), 'utf8')
  const lines = file.split('\n').filter((line) => line && !line.startsWith('#'))
  const all = lines.map((line) => {
    const [, name, rest] = /^([A-Z]+) (.+)$/.exec(line) ?? assert.unreachable(line) ?? []
    return { name, rest }
  })
  const start = all.findLastIndex(({ name }) => name === 'FROM')
  return { build: all.slice(0, start), last: all.slice(start) }
}

function one(stage: Instruction[], wanted: string): string {
  return stage.find(({ name }) => name === wanted)?.rest ?? ''
}

/** What runs a program as nobody, and where that is allowed on a file system that nobody can write. */
function lock(): string[] {
  if (process.getuid?.() !== 0) return []
  const nobody = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs']
  const readOnly = ['unshare', '--mount', 'sh', '-c', 'mount -o remount,bind,ro / && exec "$@"', 'sh']
  const canLock = spawnSync(readOnly[0], [...readOnly.slice(1), 'true']).status === 0
  return canLock ? [...readOnly, ...nobody] : nobody
}

function analyze(flags: string[]) {
  return spawnSync('systemd-analyze', ['--no-pager', ...flags], { encoding: 'utf8' })
}
