// The first visit to a room: what is sent over the wire, and what Lighthouse says of it on a phone.
import { gather } from '../people.mjs'
import { Race } from '../race.mjs'
import { settle, versions } from '../server.mjs'
import { every, missing, round, row } from '../table.mjs'
import { chromium, here, node24, pinned } from '../tools.mjs'
import { launch, visit as open } from './browser.mjs'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

const run = promisify(execFile)
const LIGHTHOUSE_MS = 180_000
const WORK = 'first visit, transferred; Lighthouse performance on the room page, mobile'
const MOST_KB = 22
const MOST_PLAIN_KB = 8
const WANTED = `${MOST_KB} KB with scripts, ${MOST_PLAIN_KB} KB without; 100`
// What is transferred does not change from one to the next.
const ROUNDS = 3

export async function visit({ before }) {
  if (!chromium) return [missing(WORK, WANTED, 'Chromium')]
  const browser = await launch()
  const race = new Race()
  try {
    await race.enter(versions(before), door)
    await race.rounds(ROUNDS, async ({ server, member }) => ({
      live: await transferred(browser, server, member, true),
      plain: await transferred(browser, server, member, false),
    }))
    await race.round(async ({ server, member }) => ({ score: await lighthouse(server, member) }))
  } finally {
    await race.end().finally(() => browser.close())
  }
  return [told(race)]
}

async function door(start) {
  const server = await start()
  const [member] = await gather(server, { size: 1, posters: 1 })
  return { server, member, end: () => server.stop() }
}

function told(race) {
  const [live, plain, score] = ['live', 'plain', 'score'].map((figure) => race.of('Parlour', figure))
  const measured = [
    `${round(live)} KB with scripts`,
    `${round(plain)} KB without`,
    score === undefined ? 'Lighthouse is missing' : `Lighthouse ${score}`,
  ]
  return row(WORK, WANTED, measured, every(live <= MOST_KB, plain <= MOST_PLAIN_KB, score && score === 100), [
    ...race.before('with scripts', 'live', { unit: ' KB' }),
    ...race.before('without', 'plain', { unit: ' KB' }),
    ...race.before('Lighthouse', 'score', { isMoreBetter: true }),
  ])
}
async function transferred(browser, server, member, javaScriptEnabled) {
  const page = await open(browser, server, member, { javaScriptEnabled })
  const client = await page.context().newCDPSession(page)
  await client.send('Network.enable')
  let bytes = 0
  client.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength))
  await page.goto(`${server.url}/rooms/${member.code}`, { waitUntil: 'commit' })
  await settle(1500)
  await page.context().close()
  return bytes / 1024
}

/** Lighthouse wants a newer Node than Parlour does. */
async function lighthouse(server, member) {
  const program = `${here}node_modules/lighthouse/cli/index.js`
  if (!node24 || !existsSync(program)) return undefined
  const headers = JSON.stringify({ Cookie: `parlour=${member.token}` })
  const values = [
    program,
    `${server.url}/rooms/${member.code}`,
    '--quiet',
    '--output=json',
    '--only-categories=performance',
  ]
  const flags = [
    `--extra-headers=${headers}`,
    '--chrome-flags=--headless=new --no-sandbox --disable-gpu --no-first-run',
  ]
  const [name, ...line] = pinned(1, [node24, ...values, ...flags])
  const { stdout } = await run(name, line, {
    env: { ...process.env, CHROME_PATH: chromium },
    maxBuffer: 64 * 1024 * 1024,
    timeout: LIGHTHOUSE_MS,
  })
  return Math.round(JSON.parse(stdout).categories.performance.score * 100)
}
