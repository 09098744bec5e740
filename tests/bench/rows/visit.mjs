// The first visit to a room: what is sent over the wire, and what Lighthouse says of it on a phone.
import { gather } from '../people.mjs'
import { parlour, settle } from '../server.mjs'
import { every, missing, round, row } from '../table.mjs'
import { chromium, here, node24, pinned } from '../tools.mjs'
import { launch, visit as open } from './browser.mjs'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

const run = promisify(execFile)
const LIGHTHOUSE_MS = 180_000
const WORK = 'first visit, transferred; Lighthouse performance on the room page, mobile'
const WANTED = '22 KB with scripts, 8 KB without; 100'

export async function visit() {
  if (!chromium) return [missing(WORK, WANTED, 'Chromium')]
  const server = await parlour()
  const [member] = await gather(server, { size: 1, posters: 1 })
  const browser = await launch()
  const [live, plain] = await both(browser, server, member).finally(() => browser.close())
  const score = await lighthouse(server, member)
  await server.stop()
  const measured = [
    `${round(live)} KB with scripts`,
    `${round(plain)} KB without`,
    score === undefined ? 'Lighthouse is missing' : `Lighthouse ${score}`,
  ]
  return [row(WORK, WANTED, measured, every(live <= 22, plain <= 8, score && score === 100))]
}

async function both(browser, server, member) {
  const live = await transferred(browser, server, member, true)
  return [live, await transferred(browser, server, member, false)]
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
