import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Line } from './support/line.ts'
import { Person } from './support/person.ts'
import { ServerProcess } from './support/process.ts'
import { needing } from './support/tools.ts'

const HOUR_SECONDS = 60 * 60
const HOUR_MS = HOUR_SECONDS * 1000
const HURRIED = [...process.execArgv, fileURLToPath(new URL('support/hurried.ts', import.meta.url))]

const all = suite<{ folder: string; running: ServerProcess[] }>('clocks')
const test = needing('faketime', all)

all.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'parlour-clock-'))
  context.running = []
})
all.after.each(async ({ folder, running }) => {
  for (const server of running) await server.stop('SIGKILL')
  await rm(folder, { recursive: true })
})

for (const hours of [-1, 72]) {
  test(`a server whose clock is set by ${hours} hours while it runs lets go of who left, and of nobody else`, async (context) => {
    const clock = await wallClock(context.folder)
    const server = await start(context, clock.settings, HURRIED)
    const ann = await Person.create(server.url, 'ann')
    const bob = await Person.join(server.url, ann.code, 'bob')
    const [anns, bobs] = [await ann.listen(), await bob.listen()]
    await Promise.all([anns.frame('id="since"'), bobs.frame('id="since"')])
    const before = await timeOf(ann)
    await ann.say('before')
    await clock.set(hours)
    bobs.close()
    const beats = beatsIn(anns)
    await anns.frame('<b><bdi>bob</bdi></b> left')
    await anns.until((line) => beatsIn(line) > beats)
    await bob.say('after')
    await anns.count(2)
    assert.is(anns.socket.readyState, anns.socket.OPEN, 'nobody was cut off')
    for (const person of [ann, bob]) assert.is((await person.fetch('')).status, 200, 'sessions stay')
    const hoursLater = ((await timeOf(await Person.create(server.url, 'zoe'))) - before) / HOUR_MS
    assert.is(Math.round(hoursLater), hours, 'the clock was set')
  })
}

test('a clock that is set forward gives nobody more to say than they may', async (context) => {
  const clock = await wallClock(context.folder)
  const server = await start(context, { ...clock.settings, RATE_LIMITS: 'on' })
  const ann = await Person.create(server.url, 'ann')
  for (let count = 0; count < 5; count += 1) await ann.say('hello')
  await clock.set(72)
  const answers = Array.from({ length: 20 }, () => ann.say('hello'))
  const said = (await Promise.allSettled(answers)).filter(({ status }) => status === 'fulfilled')
  assert.ok(said.length < 5, `${said.length}`)
})

test('a restart with the clock an hour earlier takes everybody back, and nobody who left since', async (context) => {
  const clock = await wallClock(context.folder)
  const first = await start(context, clock.settings)
  const ann = await Person.create(first.url, 'ann')
  const bob = await Person.join(first.url, ann.code, 'bob')
  await first.stop('SIGTERM')
  await clock.set(-1)
  const server = await start(context, { ...clock.settings, PORT: String(first.port) })
  const lines = await Promise.all([ann, bob].map((person) => person.listen()))
  await Promise.all(lines.map((line) => line.frame('id="since"')))
  await ann.say('here again')
  for (const line of lines) await line.count(1)
  await bob.fetch('/leave', { method: 'POST' })
  assert.is((await bob.fetch('')).status, 401)
  const zoe = await Person.join(server.url, ann.code, 'zoe')
  await zoe.fetch('/leave', { method: 'POST' })
  await clock.set(1)
  for (const person of [bob, zoe]) assert.is((await person.fetch('')).status, 401)
})

all.run()

async function start(
  { running }: { running: ServerProcess[] },
  settings: Record<string, string>,
  program?: string[],
): Promise<ServerProcess> {
  const server = await ServerProcess.start(settings, program)
  running.push(server)
  return server
}

function beatsIn({ frames }: Line): number {
  return frames.filter((frame) => frame === '<!---->').length
}

/** When somebody's room was made, by the clock on the server's wall. */
async function timeOf(person: Person): Promise<number> {
  return Date.parse((await (await person.fetch('')).json()).room.created)
}

/** What `faketime` shares between processes bears their number, and stays behind them: another of that number trips over it. */
async function sweep(): Promise<void> {
  for (const name of await readdir('/dev/shm')) {
    const [, pid] = /^(?:sem\.)?faketime_\w+_(\d+)$/.exec(name) ?? []
    if (pid && !existsSync(`/proc/${pid}`)) await rm(`/dev/shm/${name}`, { force: true })
  }
}

/** A clock on the wall that a server is shown in place of the machine's, and that can be set while it runs. */
async function wallClock(folder: string) {
  const file = join(folder, 'offset')
  const set = async (hours: number) => {
    // At no moment is there half a file.
    await writeFile(`${file}-next`, `${hours < 0 ? '' : '+'}${hours * HOUR_SECONDS}\n`)
    await rename(`${file}-next`, file)
  }
  await set(0)
  await sweep()
  const settings = {
    LD_PRELOAD: execFileSync('faketime', ['-f', '+0', 'sh', '-c', 'echo "$LD_PRELOAD"'], { encoding: 'utf8' }).trim(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // Timers and durations go by the monotonic clock, which nobody sets on a real machine either.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  return { set, settings }
}
