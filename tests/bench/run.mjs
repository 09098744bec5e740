// The whole table: `npm run bench`. A short one: `npm run bench -- --quick`. Some rows: `npm run bench -- fanout memory`.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import process from 'node:process'
import { here, root } from './tools.mjs'

if (!existsSync(`${here}node_modules/.package-lock.json`)) {
  console.error('Installing what Parlour is measured against, once.')
  spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' })
}
if (!existsSync(`${root}main.js`)) execFileSync(process.execPath, ['static/build.mjs'], { cwd: root })

const { program: crowd } = await import('./crowd.mjs')
const { program: knock } = await import('./knock.mjs')
if (!crowd || !knock) {
  console.error('missing: a C compiler (cc), which the load is built with')
  process.exit(1)
}
process.on('SIGINT', () => process.exit(1))

const { measure } = await import('./measure.mjs')
const { print } = await import('./table.mjs')
const rows = {
  load: (await import('./rows/load.mjs')).load,
  ...(await import('./rows/fanout.mjs')),
  ...(await import('./rows/crowds.mjs')),
  ...(await import('./rows/memory.mjs')),
  ...(await import('./rows/requests.mjs')),
  start: (await import('./rows/start.mjs')).start,
  browser: (await import('./rows/browser.mjs')).browser,
  visit: (await import('./rows/visit.mjs')).visit,
}

const isQuick = process.argv.includes('--quick')
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('-'))
const size = isQuick ? { runs: 1, seconds: 1, isQuick } : { runs: 5, seconds: 1, isQuick }
const started = Date.now()
const chosen = Object.entries(rows).filter(([name]) => wanted.length === 0 || wanted.includes(name))
const done = await measure(Object.fromEntries(chosen), size, (name) =>
  console.error(`${Math.round((Date.now() - started) / 1000)} s: ${name}`),
)
console.log(
  `${new Date().toISOString().slice(0, 10)} · ${cpus()[0].model.trim()}, ${cpus().length} cores · Node ${process.versions.node}\n`,
)
console.log(print(done))
process.exit(0)
