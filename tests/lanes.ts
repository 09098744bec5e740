import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Lanes } from './support/lanes.ts'

const UVU = import.meta.resolve('uvu')
const SUITES = {
  good: `import { test } from '${UVU}'; test('a', () => {}); test('b', () => {}); test.skip('c'); test.run()`,
  bad: `import { test } from '${UVU}'; test('a', () => {}); test('b', () => { throw new Error('wrong') }); test.run()`,
  broken: `throw new Error('broken at once')`,
  leaving: `process.exit(0)`,
  endless: `import { test } from '${UVU}'; test('a', () => new Promise(() => setInterval(() => {}, 1000))); test.run()`,
}

const test = suite<{ folder: string }>('lanes')

test.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'parlour-'))
  for (const [name, text] of Object.entries(SUITES)) await writeFile(join(context.folder, `${name}.mjs`), text)
})
test.after(({ folder }) => rm(folder, { recursive: true }))

test('what suites count is added up, whatever runs beside them, and each is told whole', async ({ folder }) => {
  const told: string[] = []
  const files = ['good', 'bad', 'good'].map((name) => join(folder, `${name}.mjs`))
  const sum = await new Lanes((words) => told.push(words)).run(files, 2)
  assert.equal(sum, { total: 6, passed: 5, skipped: 2, hasFailed: true })
  assert.equal(told.map((words) => /^\w+/.exec(words)?.[0]).sort(), ['bad', 'good', 'good'])
  for (const words of told) assert.not.match(words, 'Total')
  assert.match(told.find((words) => words.startsWith('bad')) ?? '', /FAIL[\s\S]*wrong/)
})

test('suites that all pass are no failure', async () => {
  const file = fileURLToPath(new URL('bucket.ts', import.meta.url))
  const { total, passed, hasFailed } = await new Lanes(() => {}).run([file], 1)
  assert.ok(total > 0)
  assert.equal([passed, hasFailed], [total, false])
})

test('a suite that ends before its tests are done counts as one that failed', async ({ folder }) => {
  for (const name of ['broken', 'leaving']) {
    const told: string[] = []
    const sum = await new Lanes((words) => told.push(words)).run([join(folder, `${name}.mjs`)], 1)
    assert.equal(sum, { total: 1, passed: 0, skipped: 0, hasFailed: true }, name)
    if (name === 'broken') assert.match(told.join(''), 'broken at once')
  }
})

test('what is stopped has failed, and is named with what it said', async ({ folder }) => {
  const told: string[] = []
  const lanes = new Lanes((words) => {
    told.push(words)
  })
  const run = lanes.run([join(folder, 'endless.mjs')], 1)
  lanes.stop()
  assert.match(told.join(''), 'endless.mjs was not done')
  assert.is((await run).hasFailed, true)
})

test.run()
