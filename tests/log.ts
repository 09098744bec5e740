import type { Browser, Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { type Cursor, readCursor } from '../rooms/cursor.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { browserSuite } from './support/browser.ts'
import { bring, count, enter, enterByProxy, hide, texts } from './support/page.ts'
import type { Person, Said } from './support/person.ts'
import { serve, type TestServer } from './support/server.ts'

const { all, test } = browserSuite('log')

test('what is changed twice in a moment, or just after it was said, is shown as it was changed last', async ({
  browser,
}) => {
  const store = new MemoryStore({ history: 500, bytes: 1_000_000, rooms: 10 })
  const server = await serve({ store })
  const { page, member } = await enter(browser, server)
  // A key that is sent again has everybody look at the log, and adds nothing to it.
  const change = async (said: Said, text?: string) => {
    const of = readCursor(said.cursor) as Cursor
    const act = { by: member.id, at: Date.now(), of }
    await store.append(member.code, text === undefined ? { ...act, kind: 'deleted' } : { ...act, kind: 'edited', text })
    await member.say('one', 'a key')
  }
  const one = await member.say('one', 'a key')
  await page.waitForSelector('#m1')
  await change(one, 'changed')
  await change(one)
  const two = await member.say('two')
  await change(two, 'changed')
  await change(two, 'changed again')
  const three = await member.say('three')
  await change(three)
  await member.say('last')
  await page.waitForSelector('.message:has-text("last")')
  assert.equal(await texts(page), ['changed again', 'last'])
  assert.is(await page.locator('.message.deleted').count(), 2)
  await hide(page, true)
  await change(two, 'changed while away')
  await hide(page, false)
  await page.waitForSelector('.edited:has-text("changed while away")')
  assert.equal(await texts(page), ['changed while away', 'last'])
  assert.is(await page.locator('.message').count(), 4)
  assert.equal(page.problems, [])
  await server.stop()
})

test('a gap that a long return would push out of the page stays at its top, and says the same', async ({
  server,
  browser,
}) => {
  const { page, member } = await enter(browser, server)
  await tell(member, 1, 5)
  await page.waitForSelector('#m5')
  await hide(page, true)
  await tell(member, 6, 525)
  await hide(page, false)
  await page.waitForSelector('#m525')
  await page.waitForFunction(() => document.querySelectorAll('.pages li').length <= 500)
  assert.equal(await page.locator('.gap').allTextContents(), ['20 messages are no longer kept.'])
  assert.ok(await isAbove(page, '.gap', '.older'))
  await readUp(page)
  // Everything that the page shows begins behind what it says is gone.
  assert.equal(await page.locator('.gap').allTextContents(), ['25 messages are no longer kept.'])
  assert.equal(await numbers(page), range(26, 525))
  assert.ok(await isAbove(page, '.gap', '#m26'))
})

test('a gap after a restart stays, above the history that began after it', async ({ browser }) => {
  const first = await serve()
  const { page, member } = await enter(browser, first)
  await tell(member, 1, 60)
  await page.waitForSelector('#m60')
  await hide(page, true)
  await first.stop()
  const second = await serve({ port: first.port })
  await untilServed(second.url)
  await tell(member, 1, 480)
  await hide(page, false)
  await page.waitForSelector('#m480')
  await page.waitForFunction(() => document.querySelectorAll('.pages li').length <= 500)
  await readUp(page)
  assert.equal(await page.locator('.gap').allTextContents(), ['Some messages are no longer kept.'])
  assert.equal(await numbers(page), range(1, 480))
  assert.ok(await isAbove(page, '.gap', '#m1'))
  await second.stop()
})

test('paging back over a restart says what is gone, and puts nothing newer above what is older', async ({
  browser,
}) => {
  const first = await serve()
  const { page, member } = await enter(browser, first)
  await tell(member, 1, 120)
  await page.reload()
  await page.waitForSelector('#m120')
  await first.stop()
  const second = await serve({ port: first.port })
  await page.waitForSelector('#log .gap')
  await tell(member, 1, 3)
  await page.waitForFunction(count, 53)
  await readUp(page)
  assert.equal(await page.locator('.gap').allTextContents(), [
    'Some messages are no longer kept.',
    'Some messages are no longer kept.',
  ])
  assert.equal(await numbers(page), [...range(71, 120), 1, 2, 3])
  await second.stop()
})

test('earlier messages that could not be had are asked for again by themselves', async ({ server, browser }) => {
  const { page, proxy } = await enterLong(browser, server)
  await page.route('**/messages?before=*', (route) => route.abort(), { times: 1 })
  const failed = page.waitForEvent('requestfailed')
  await page.locator('#scroll').evaluate((scroll) => scroll.scrollTo(0, -1e6))
  await failed
  await page.clock.runFor(4000)
  await page.waitForSelector('#m31')
  assert.equal((await numbers(page)).slice(0, 50), range(31, 80))
  proxy.close()
})

test('a page of somebody who reads older lines stays bounded, and loses nothing on the way down', async ({
  browser,
}) => {
  const server = await serve({ history: 3000 })
  const { page, member } = await enter(browser, server)
  await tell(member, 1, 200)
  await page.waitForSelector('#m200')
  await page.locator('#m20').evaluate((line) => line.scrollIntoView())
  const before = await page.locator('#m20').boundingBox()
  await tell(member, 201, 1600)
  await page.waitForFunction(count, 990)
  await tell(member, 1601, 1900)
  await page.waitForFunction(() => document.querySelectorAll('.pages li').length <= 1000)
  assert.equal(await numbers(page), range(1, (await numbers(page)).length))
  assert.ok(Math.abs(((await page.locator('#m20').boundingBox())?.y ?? 0) - (before?.y ?? 0)) < 2)
  await page.waitForFunction(() => {
    document.querySelector('#scroll')?.scrollTo(0, 0)
    return document.querySelector('#m1900')
  })
  await page.waitForFunction(() => document.querySelectorAll('.pages li').length <= 1000)
  const shown = await numbers(page)
  assert.equal(shown, range(shown[0], 1900))
  await server.stop()
})

test('what an older place would bring again is not added, though it has left the page', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  await tell(member, 1, 700)
  await page.waitForSelector('#m700')
  await page.waitForFunction(() => !document.querySelector('#m1'))
  // A line that stalled with all of it under way, and flows again.
  const after = await page.locator('#m400').getAttribute('data-cursor')
  const headers = { 'HX-Request': 'true' }
  const late = await page.context().request.get(`${member.room}/messages?after=${after}&limit=200`, { headers })
  await bring(page, await late.text())
  await tell(member, 701, 701)
  await page.waitForSelector('#m701')
  const shown = await numbers(page)
  assert.equal(shown, range(shown[0], 701))
  assert.equal((await texts(page)).at(-1), 'message 701')
})

test('what was said before hundreds came and went can still be had', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  await tell(member, 1, 3)
  await page.waitForSelector('#m3')
  await crowdOut(page)
  assert.equal(await numbers(page), [3])
  await readUp(page)
  assert.equal(await numbers(page), [1, 2, 3])
})

test('a gap with which a new history began stays, though hundreds came and went since', async ({ browser }) => {
  const first = await serve()
  const { page, member } = await enter(browser, first)
  await tell(member, 1, 3)
  await page.waitForSelector('#m3')
  await first.stop()
  const second = await serve({ port: first.port })
  await page.waitForSelector('#log .gap')
  await crowdOut(page)
  assert.equal(await numbers(page), [3])
  assert.ok(await isAbove(page, '#m3', '.gap'))
  await second.stop()
})

test('somebody who reads near the end of a long page is not thrown about, and has one line', async ({ browser }) => {
  const server = await serve({ history: 3000 })
  const { page, member } = await enter(browser, server)
  let sockets = 0
  page.on('websocket', () => (sockets += 1))
  await tell(member, 1, 200)
  await page.waitForSelector('#m200')
  await page.locator('#m20').evaluate((line) => line.scrollIntoView())
  await tell(member, 201, 1600)
  await page.waitForFunction(count, 990)
  await page.waitForFunction(() => document.querySelectorAll('.pages li').length <= 1000)
  // Lines that still come put more and more between the reader and the end.
  await page.waitForFunction(() => {
    document.querySelector('#scroll')?.scrollTo(0, -300)
    return document.querySelector('#m1600')
  })
  for (let seq = 1601; seq <= 1650; seq += 1) {
    await tell(member, seq, seq)
    await page.waitForSelector(`#m${seq}`, { state: 'attached' })
  }
  assert.is(sockets, 1)
  const shown = await numbers(page)
  assert.equal(shown, range(shown[0], 1650))
  await server.stop()
})

test('after the farewell nobody asks for earlier messages by themselves', async ({ server, browser }) => {
  const { page, member, proxy } = await enterLong(browser, server)
  await page.context().request.post(`${member.room}/leave`, { headers: { Origin: server.url } })
  await page.waitForSelector('#status.gone')
  let asked = 0
  page.on('request', () => (asked += 1))
  const refused = page.waitForResponse((response) => response.url().includes('before=') && response.status() === 401)
  await page.locator('#scroll').evaluate((scroll) => scroll.scrollTo(0, -1e6))
  await (await refused).finished()
  for (let turn = 0; turn < 10; turn += 1) {
    await page.clock.runFor(1000)
    await page.evaluate(() => new Promise(requestAnimationFrame))
    await page.context().request.get(`${proxy.url}/health`)
  }
  assert.is(asked, 1)
  proxy.close()
})

all.run()

/** The page of ann, reloaded after 130 messages: it shows the newest and leads to the others. */
async function enterLong(browser: Browser, server: TestServer) {
  const entered = await enterByProxy(browser, server)
  await tell(entered.member, 1, 130)
  await entered.page.reload()
  await entered.page.waitForSelector('#m130')
  return entered
}

/** Lets more notices come than a page holds, and waits until the oldest lines are gone. */
async function crowdOut(page: Page): Promise<void> {
  await bring(page, '<li class="notice">somebody joined</li>'.repeat(520))
  await page.waitForFunction(
    () =>
      document.querySelectorAll('.pages .notice').length > 300 && document.querySelectorAll('.pages li').length <= 500,
  )
}

async function tell(member: Person, first: number, last: number): Promise<void> {
  for (let seq = first; seq <= last; seq += 1) await member.say(`message ${seq}`)
}

/** Until no connection to the server before is used any more. */
async function untilServed(url: string): Promise<void> {
  await fetch(`${url}/health`).catch(() => untilServed(url))
}

/** Scrolls up until there is nothing earlier to be had. */
async function readUp(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    document.querySelector('#scroll')?.scrollTo(0, -1e6)
    return !document.querySelector('.older')
  })
}

/** The numbers of the messages on the page, from top to bottom. */
function numbers(page: Page): Promise<number[]> {
  return page.locator('.pages .message').evaluateAll((all) => all.map(({ id }) => Number(id.slice(1))))
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** Whether one thing on the page comes before another. */
function isAbove(page: Page, one: string, other: string): Promise<boolean> {
  return page.evaluate(
    ([one, other]) => {
      const [upper, lower] = [one, other].map((selector) => document.querySelector(selector) as Element)
      return (upper.compareDocumentPosition(lower) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0
    },
    [one, other] as const,
  )
}
