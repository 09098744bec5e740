// The whole table: `npm run bench`. A short one: `npm run bench -- --quick`. Some rows: `npm run bench -- fanout memory`. Beside
// another version, built in a folder of its own: `npm run bench -- --beside ../before`. On a Node of one's own: `--node 26=PATH`.
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
if (!crowd || !knock) stop('missing: a C compiler (cc), which the load is built with')
process.on('SIGINT', () => process.exit(1))

const { conclusion } = await import('./compare.mjs')
const { measure } = await import('./measure.mjs')
const { nodes } = await import('./nodes.mjs')
const { print } = await import('./table.mjs')
const { read } = await import('./words.mjs')
const rows = {
  load: (await import('./rows/load.mjs')).load,
  ...(await import('./rows/fanout.mjs')),
  ...(await import('./rows/crowds.mjs')),
  ...(await import('./rows/lanes.mjs')),
  ...(await import('./rows/memory.mjs')),
  ...(await import('./rows/growth.mjs')),
  ...(await import('./rows/joining.mjs')),
  ...(await import('./rows/posting.mjs')),
  ...(await import('./rows/page.mjs')),
  ...(await import('./rows/start.mjs')),
  browser: (await import('./rows/browser.mjs')).browser,
  ...(await import('./rows/visit.mjs')),
}

const { wanted, size, nodes: given } = asked(process.argv.slice(2))
const started = Date.now()
const chosen = Object.entries(rows).filter(([name]) => wanted.includes(name))
const done = await measure(Object.fromEntries(chosen), { ...size, nodes: nodes(given) }, (name) =>
  console.error(`${Math.round((Date.now() - started) / 1000)} s: ${name}`),
)
console.log(
  `${new Date().toISOString().slice(0, 10)} · ${cpus()[0].model.trim()}, ${cpus().length} cores · Node ${process.versions.node} · ${size.heats} × ${size.runs} rounds\n`,
)
console.log(print(done, Boolean(size.before)))
if (size.before) console.log(`\n${conclusion(done)}`)
console.error(`${Math.round((Date.now() - started) / 1000)} s in all`)
process.exit(0)

function asked(words) {
  try {
    return read(words, Object.keys(rows))
  } catch (error) {
    return stop(error.message)
  }
}

function stop(why) {
  console.error(why)
  process.exit(1)
}
