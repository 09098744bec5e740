// The room in a real Chromium: what a message costs its main thread, and that the page does not grow.
import { Crowd } from '../crowd.mjs'
import { gather, speechOf } from '../people.mjs'
import { Race } from '../race.mjs'
import { settle, versions } from '../server.mjs'
import { every, missing, round, row } from '../table.mjs'
import { chromium as executablePath } from '../tools.mjs'

const WORK = 'browser: main-thread time a message at 100 a second, 500 on the page'
const WANTED = 'under 1 ms; page trimmed, no growth over 10,000 messages'
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export async function launch(flags = []) {
  const { chromium } = await import('playwright-core')
  return chromium.launch({ executablePath, args: [...FLAGS, ...flags] })
}

/** Opens the room's page as this member. */
export async function visit(browser, server, member, options = {}) {
  const context = await browser.newContext(options)
  await context.addCookies([{ name: 'parlour', value: member.token, url: `${server.url}/rooms/${member.code}` }])
  return context.newPage()
}

export async function browser({ heats, runs, seconds, before, isQuick }) {
  if (!executablePath) return [missing(WORK, WANTED, 'Chromium')]
  const chrome = await launch()
  const race = new Race()
  try {
    await race.enter(versions(before), (start) => open(start, chrome))
    await race.rounds(heats * runs, async ({ crowd, page }) => ({ cost: await costOf(crowd, page, 2500 * seconds) }))
    await race.round(({ crowd, page }) => growthOf(crowd, page, isQuick ? 1000 : 10_000))
  } finally {
    await race.end().finally(() => chrome.close())
  }
  return [told(race)]
}

async function open(start, chrome) {
  const server = await start()
  const members = await gather(server, { size: 5 })
  const crowd = new Crowd(server, members.slice(0, 4), speechOf(server))
  await crowd.open(4)
  await crowd.ask('post', 600, 4)
  const page = await visit(chrome, server, members[4])
  await page.goto(`${server.url}/rooms/${members[4].code}`)
  await page.waitForFunction(() => document.getElementById('status')?.textContent === 'Connected')
  await crowd.ask('pace', 100, 6000)
  await settle()
  return { crowd, page, end: () => crowd.end() }
}

async function costOf(crowd, page, milliseconds) {
  return (await traced(page, () => crowd.ask('pace', 100, milliseconds))) / (milliseconds / 10)
}

/** What so many messages leave behind in the page, and what was there before. */
async function growthOf(crowd, page, messages) {
  const { heap: startHeap, nodes: startNodes, lines: startLines } = await sizeOf(page)
  await crowd.ask('pace', 250, messages * 4)
  await settle(2000)
  return { messages, startHeap, startNodes, startLines, ...(await sizeOf(page)) }
}

function told(race) {
  const of = (figure) => race.of('Parlour', figure)
  const grown = of('heap') - of('startHeap')
  // The page goes from 400 lines to 500 and back: what a line leaves behind is what counts.
  const share = of('nodes') / of('lines') / (of('startNodes') / of('startLines'))
  const measured = [
    `${round(of('cost'))} ms`,
    `${of('startLines')} → ${of('lines')} lines, ${of('startNodes')} → ${of('nodes')} nodes, heap ${round(of('startHeap'))} → ${round(of('heap'))} MB after ${of('messages').toLocaleString('en')} more`,
  ]
  return row(WORK, WANTED, measured, every(of('cost') < 1, of('lines') <= 520, share <= 1.1, grown < 2), [
    ...race.before('a message', 'cost', { unit: ' ms' }),
    ...race.before('heap', 'heap', { unit: ' MB' }),
  ])
}

/** Milliseconds of CPU that the page's main thread used while something was done. */
async function traced(page, work) {
  const client = await page.context().newCDPSession(page)
  const events = []
  client.on('Tracing.dataCollected', ({ value }) => events.push(...value))
  const ended = new Promise((resolve) => client.once('Tracing.tracingComplete', resolve))
  await client.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'] },
  })
  await work()
  await client.send('Tracing.end')
  await ended
  return busiest(events) / 1000
}

/** The page's process is the one whose main thread did most; its tasks are those that stand in no other. */
function busiest(events) {
  const totals = new Map()
  const mains = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid}.${tid}`),
  )
  for (const { name, ph, pid, tid, tdur = 0 } of events) {
    const thread = `${pid}.${tid}`
    if (ph === 'X' && name === 'RunTask' && (mains.size === 0 || mains.has(thread)))
      totals.set(thread, (totals.get(thread) ?? 0) + tdur)
  }
  return Math.max(0, ...totals.values())
}

async function sizeOf(page) {
  const client = await page.context().newCDPSession(page)
  // What the first round lets go of, the second takes away.
  for (let round = 0; round < 3; round += 1) await client.send('HeapProfiler.collectGarbage')
  const { usedSize } = await client.send('Runtime.getHeapUsage')
  const { nodes } = await client.send('Memory.getDOMCounters')
  const lines = await page.locator('.pages li').count()
  return { heap: usedSize / 1024 / 1024, nodes, lines }
}
