import type { Browser, Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { browserSuite, visit } from './support/browser.ts'
import { count, enterThrough, hide, join, pass, passUntil, say, texts } from './support/page.ts'
import { Person } from './support/person.ts'
import { withoutSockets } from './support/proxy.ts'
import { serve, type TestServer } from './support/server.ts'

const { all, test } = browserSuite('ways')

test('a handshake that is never answered leaves the line to events within ten seconds', async ({ server, browser }) => {
  const { page, member, proxy } = await enterBy(browser, server, 'hanging')
  await member.say('one')
  for (let turn = 0; turn < 20; turn += 1) await pass(page)
  await page.waitForFunction(count, 1)
  await page.waitForSelector('#status:has-text("Connected")')
  assert.is(proxy.streams.size, 1)
  await proxy.stop()
})

test('a socket over which nothing comes is not taken for a connection, and leaves the line to events', async ({
  server,
  browser,
}) => {
  const { page, member, proxy } = await enterBy(browser, server, 'silent')
  await member.say('one')
  for (let turn = 0; turn < 12; turn += 1) await pass(page)
  assert.is(await page.innerText('#status'), 'Connecting…')
  for (let turn = 0; turn < 8; turn += 1) await pass(page)
  await page.waitForFunction(count, 1)
  await page.waitForSelector('#status:has-text("Connected")')
  await proxy.stop()
})

test('where events are blocked too the page asks every few seconds, and says so', async ({ server, browser }) => {
  const { page, member, proxy } = await enterBy(browser, server, 'refused')
  proxy.answerInstead(withoutEvents)
  await passUntil(page, () => proxy.asked.some((path) => path.includes('messages?after')))
  await passUntil(page, () => shows(page, '#status:has-text("asking every few seconds")'))
  await member.say('one')
  await passUntil(page, () => shows(page, '#m1'))
  await say(page, 'two')
  await passUntil(page, () => shows(page, '#m2'))
  assert.equal(await texts(page), ['one', 'two'])
  await proxy.stop()
})

test('events that are held back on the way leave the line to plain requests', async ({ server, browser }) => {
  const { page, member, proxy } = await enterBy(browser, server, 'refused')
  proxy.buffer()
  await member.say('one')
  await passUntil(page, () => shows(page, '#m1'))
  assert.equal(await texts(page), ['one'])
  await proxy.stop()
})

test('who is removed while the page asks is told so, and the page asks no more', async ({ server, browser }) => {
  const { page, member, proxy } = await enterBy(browser, server, 'refused')
  proxy.answerInstead(withoutEvents)
  await passUntil(page, () => shows(page, '#status:has-text("asking every few seconds")'))
  await page.context().request.post(`${member.room}/leave`, { headers: { Origin: server.url } })
  await passUntil(page, () => shows(page, '#status.gone:has-text("You are no longer in this room.") a'))
  const before = proxy.asked.length
  await page.clock.runFor(60_000)
  assert.equal(proxy.asked.slice(before), [])
  await proxy.stop()
})

test('a page that asks, or has events, goes back to its socket once there is one, and to nothing else', async ({
  server,
  browser,
}) => {
  const { page, member, proxy } = await enterBy(browser, server, 'refused')
  proxy.answerInstead(withoutEvents)
  await passUntil(page, () => proxy.asked.some((path) => path.includes('messages?after')))
  proxy.answerInstead(() => undefined)
  await passUntil(page, () => shows(page, '#status:text-is("Connected")'))
  assert.is(proxy.streams.size, 1)
  proxy.treatSockets('passed')
  await passUntil(page, () => proxy.streams.size === 0)
  const before = proxy.asked.length
  await member.say('one')
  await page.waitForFunction(count, 1)
  // Shorter than the silence after which a line is taken for dead: real time stands almost still.
  await page.clock.runFor(35_000)
  assert.equal(proxy.asked.slice(before), [])
  await proxy.stop()
})

test('after restarts no stream runs beside a socket, and every line is there once', async ({ server, browser }) => {
  const { page, member, proxy } = await enterBy(browser, server, 'passed')
  const said: string[] = []
  for (let round = 1; round <= 4; round += 1) {
    proxy.treatSockets('refused')
    proxy.cutSockets()
    await passUntil(page, () => proxy.streams.size === 1)
    for (let index = 1; index <= 20; index += 1) said.push((await member.say(`${round}.${index}`)).text)
    proxy.treatSockets('passed')
    await passUntil(page, () => proxy.streams.size === 0)
    await page.waitForSelector(`#m${round * 20}`)
  }
  assert.equal(await texts(page), said)
  await proxy.stop()
})

test('four tabs of one session where sockets are blocked all follow, and do not throw each other out', async ({
  server,
  browser,
}) => {
  const { page, member, proxy } = await enterBy(browser, server, 'refused')
  const tabs: Page[] = [page]
  for (let tab = 2; tab <= 4; tab += 1) {
    const next = await page.context().newPage()
    await next.clock.install()
    await next.goto(page.url())
    await passUntil(next, () => shows(next, '#status:text-is("Connected")'))
    tabs.push(next)
  }
  await passUntil(page, () => proxy.asked.some((path) => path.includes('messages?after')))
  const before = proxy.asked.filter((path) => path.includes('/events')).length
  for (let seq = 1; seq <= 3; seq += 1) {
    await member.say('one')
    for (const tab of tabs) await passUntil(tab, () => shows(tab, `#m${seq}`))
    for (let turn = 0; turn < 8; turn += 1) for (const tab of tabs) await pass(tab)
  }
  assert.is(proxy.asked.filter((path) => path.includes('/events')).length, before)
  await proxy.stop()
})

test('a line that went dead is noticed however the clock of its computer is set', async ({ server, browser }) => {
  const { page, member, proxy } = await enterBy(browser, server, 'passed')
  await page.evaluate(() => {
    const { now } = Date
    Date.now = () => now() - 3_600_000
  })
  proxy.silence()
  await member.say('one')
  await page.clock.runFor(45_000)
  await page.waitForFunction(count, 1)
  await proxy.stop()
})

test('a page whose line is gone says so, when it comes back from behind another tab or from being offline', async ({
  server,
  browser,
}) => {
  const { page, proxy } = await enterBy(browser, server, 'passed')
  await page.context().setOffline(true)
  await passUntil(page, () => shows(page, '#status:has-text("You are offline.")'))
  proxy.treatSockets('hanging')
  proxy.answerInstead(({ url }) => (url === '/health' ? undefined : { status: 502 }))
  await page.context().setOffline(false)
  await passUntil(page, () => shows(page, '#status:text-is("Reconnecting…")'))
  proxy.treatSockets('passed')
  proxy.answerInstead(() => undefined)
  await passUntil(page, () => shows(page, '#status:text-is("Connected")'))
  await hide(page, true)
  proxy.treatSockets('hanging')
  proxy.answerInstead(({ url }) => (url === '/health' ? undefined : { status: 502 }))
  await hide(page, false)
  for (let turn = 0; turn < 5; turn += 1) await pass(page)
  assert.is(await page.innerText('#status'), 'Reconnecting…')
  await proxy.stop()
})

test('a page that leaves lines out, because its reader is far up, asks as seldom as any', async ({ browser }) => {
  const server = await serve({ history: 2000 })
  const { page, member, proxy } = await enterBy(browser, server, 'refused')
  proxy.answerInstead(withoutEvents)
  for (let seq = 1; seq <= 60; seq += 1) await member.say(`message ${seq}`)
  await passUntil(page, () => shows(page, '#m60'))
  await page.locator('#m5').evaluate((line) => line.scrollIntoView())
  for (let seq = 61; seq <= 1200; seq += 1) await member.say(`message ${seq}`)
  await passUntil(page, () => page.evaluate(count, 980))
  for (let turn = 0; turn < 20; turn += 1) await pass(page)
  const before = proxy.asked.length
  for (let turn = 0; turn < 40; turn += 1) await pass(page)
  const asked = proxy.asked.slice(before).filter((path) => path.includes('messages?after'))
  assert.ok(asked.length <= 7, `asked ${asked.length} times in 20 s`)
  await proxy.stop()
  await server.stop()
})

test('events that break off before anything came leave the line to plain requests', async ({ server, browser }) => {
  const { page, member, proxy } = await enterBy(browser, server, 'refused')
  const headers = { 'Content-Type': 'text/event-stream' }
  proxy.answerInstead(({ url }) =>
    url?.includes('/events') ? { status: 200, headers, body: 'event: beat\ndata:\n\n' } : undefined,
  )
  await member.say('one')
  await passUntil(page, () => shows(page, '#m1'))
  await proxy.stop()
})

test('a script that is never answered is asked for anew', async ({ server, browser }) => {
  const proxy = await withoutSockets(server.port)
  const page = await visit(browser)
  await page.clock.install()
  // What is neither refused nor passed on hangs.
  await page.route('**/later-*', () => {}, { times: 1 })
  const member = await Person.create(server.url, 'zoe')
  await join(page, member.room.replace(server.url, proxy.url), 'ann')
  await member.say('one')
  await passUntil(page, () => shows(page, '#m1'))
  await proxy.stop()
})

test('a tab whose socket gives way to another tab does not take one back at once', async ({ server, browser }) => {
  const { page, member, proxy } = await enterBy(browser, server, 'passed')
  let sockets = 0
  await page.routeWebSocket(/socket$/, (socket) => {
    sockets += 1
    const passed = socket.connectToServer()
    passed.onMessage((message) => {
      socket.send(message)
      void socket.close({ code: 1013 })
    })
  })
  await page.reload()
  await passUntil(page, () => proxy.asked.some((path) => path.includes('messages?after')))
  for (let turn = 0; turn < 20; turn += 1) await pass(page)
  await member.say('one')
  await passUntil(page, () => shows(page, '#m1'))
  assert.ok(sockets <= 2, `${sockets} sockets in 10 s`)
  await proxy.stop()
})

all.run()

/** The page of ann behind a proxy, with a clock that can be set. */
async function enterBy(browser: Browser, server: TestServer, sockets: Parameters<typeof withoutSockets>[1]) {
  const proxy = await withoutSockets(server.port, sockets)
  const entered = await enterThrough(proxy, browser, server)
  if (sockets === 'passed') await entered.page.waitForSelector('#status:text-is("Connected")')
  return { ...entered, proxy }
}

/** What a proxy answers that lets no events through. */
function withoutEvents({ url }: { url?: string }) {
  return url?.includes('/events') ? { status: 403 } : undefined
}

/** Whether a page shows something, now. */
function shows(page: Page, selector: string): Promise<boolean> {
  return page.locator(selector).first().isVisible()
}
