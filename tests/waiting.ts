import type { Browser, Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { TcpProxy } from './faults/proxy.ts'
import { browserSuite } from './support/browser.ts'
import { answer, bring, count, enter, enterByProxy, exactly, say, texts } from './support/page.ts'
import { Person } from './support/person.ts'
import { serve } from './support/server.ts'

const AWAY = { status: 502, contentType: 'text/html', body: 'Bad gateway' }

// What ends a catch-up in which nothing had been said yet.
const PLACE = `<input type="hidden" id="since" name="since" value="0.aaaaaa" hx-swap-oob="true">
<span id="count" hx-swap-oob="innerHTML">2</span>`

const { all, test } = browserSuite('waiting')

test('what one sent is in view at every moment: as waiting, as sent, and in the log', async ({ server, browser }) => {
  const { page, proxy } = await enterByProxy(browser, server)
  await watch(page, 'mine')
  for (const link of proxy.links) link.stall()
  await sendBeside(page)
  await say(page, 'mine')
  await page.waitForSelector('#waiting small:text-is("Sent")')
  assert.is(await page.locator('#log .message').count(), 0)
  for (const link of proxy.links) link.flow()
  await page.waitForFunction(count, 1)
  assert.equal(await waiting(page), [])
  assert.is(await holes(page), 0)
  proxy.close()
})

test('what was sent and is skipped by a gap goes with the gap', async ({ browser }) => {
  const server = await serve({ history: 5 })
  const { page, member, proxy } = await enterByProxy(browser, server)
  await lose(page, proxy)
  await answer(page, () => say(page, 'mine'))
  assert.equal(await waiting(page), ['mine: Sent'])
  for (let index = 0; index < 10; index += 1) await member.say(`message ${index}`)
  await page.clock.resume()
  await page.waitForSelector('.gap')
  await page.waitForFunction(count, 5)
  assert.equal(await waiting(page), [])
  proxy.close()
  await server.stop()
})

test('what a server took and forgot goes once the new history is told, and is not sent again', async ({ browser }) => {
  const { page, proxy, restart } = await enterOneThatForgets(browser)
  await lose(page, proxy)
  await answer(page, () => say(page, 'forgotten'))
  assert.equal(await waiting(page), ['forgotten: Sent'])
  let posts = 0
  page.on('request', (request) => {
    if (request.method() === 'POST') posts += 1
  })
  const second = await restart()
  await page.clock.resume()
  await page.waitForSelector('.gap')
  await page.waitForFunction(() => document.querySelectorAll('#waiting li').length === 0)
  assert.is(posts, 0)
  proxy.close()
  await second.stop()
})

test('what the server took after it forgot stays until its line comes, however low its number', async ({ browser }) => {
  const { page, proxy, restart } = await enterOneThatForgets(browser)
  await lose(page, proxy)
  const second = await restart()
  await watch(page, 'new')
  await answer(page, () => say(page, 'new'))
  assert.equal(await waiting(page), ['new: Sent'])
  await page.clock.resume()
  await page.waitForFunction(count, 6)
  assert.is((await texts(page)).at(-1), 'new')
  assert.equal(await waiting(page), [])
  assert.is(await holes(page), 0)
  proxy.close()
  await second.stop()
})

test('what was answered before a new history was told stays until its line comes, however late that is', async ({
  server,
  browser,
}) => {
  const { page, proxy } = await enterByProxy(browser, server)
  await answer(page, () => say(page, 'old'))
  await page.waitForFunction(count, 1)
  for (const link of proxy.links) link.stall()
  await sendBeside(page)
  await answer(page, () => say(page, 'new'))
  const looked = page.waitForResponse(/after=2/)
  await bring(page, `<li class="gap">Some messages are no longer kept.</li>${PLACE}`)
  await (await looked).finished()
  await page.clock.runFor(10_000)
  assert.equal(await waiting(page), ['new: Sent'])
  for (const link of proxy.links) link.flow()
  await page.waitForFunction(count, 2)
  assert.equal(await waiting(page), [])
  proxy.close()
})

test('what a new history took stays while the page still brings what the old one said', async ({ server, browser }) => {
  const { page, member, proxy } = await enterByProxy(browser, server)
  for (const text of ['one', 'two']) await member.say(text)
  await page.waitForFunction(count, 2)
  // A server in this one's place, which knows only what it took itself.
  let asked = 0
  await page.route(/\/messages(\?|$)/, async (route) => {
    const request = route.request()
    const key = new URLSearchParams(request.postData() ?? '').get('key')
    if (key)
      return route.fulfill({ status: 200, body: `<span class="sent" data-key="${key}" data-cursor="1.aaaaaa"></span>` })
    asked += 1
    const gap = request.url().includes('1.aaaaaa') ? undefined : { missed: null }
    return route.fulfill({ status: 200, json: { messages: [], more: false, gap } })
  })
  await answer(page, () => say(page, 'new'))
  assert.equal(await waiting(page), ['new: Sent'])
  const looked = page.waitForResponse(
    (response) => response.url().includes('after=') && !response.url().includes('1.aaaaaa'),
  )
  await Person.join(server.url, member.code, 'bob')
  await (await looked).finished()
  assert.is(asked, 2)
  assert.equal(await waiting(page), ['new: Sent'])
  proxy.close()
})

test('what was shown and trimmed before its answer came goes when the next line comes', async ({ server, browser }) => {
  const { page, member, proxy } = await enterByProxy(browser, server)
  const later = { ...AWAY, headers: { 'Retry-After': '60' } }
  await page.route('**/messages', (route) => route.fetch().then(() => route.fulfill(later)), { times: 1 })
  await answer(page, () => say(page, 'long ago'))
  await page.waitForFunction(count, 1)
  await page.evaluate(() => document.querySelector('.pages .message')?.remove())
  await answer(page, () => page.clock.fastForward(60_000))
  assert.equal(await waiting(page), ['long ago: Sent'])
  await member.say('next')
  await page.waitForFunction(() => document.querySelectorAll('#waiting li').length === 0)
  proxy.close()
})

test('a text is in view at once, and said to wait if it does, however quickly others follow', async ({
  server,
  browser,
}) => {
  const { page } = await enter(browser, server)
  await page.route('**/messages', () => {})
  await say(page, 'first')
  const item = page.locator('#waiting li').first()
  assert.ok(await item.isVisible())
  const opacity = () => item.locator('small').evaluate((words) => getComputedStyle(words).opacity)
  assert.is(await opacity(), '0')
  await page.evaluate(() => document.getAnimations().forEach((animation) => animation.finish()))
  await say(page, 'second')
  assert.is(await opacity(), '1')
  assert.equal(await waiting(page), ['first: Waiting to be sent', 'second: Waiting to be sent'])
})

test('closing the tab or leaving asks first while something waits to be sent, and not once it was sent', async ({
  server,
  browser,
}) => {
  const { page, proxy } = await enterByProxy(browser, server)
  // A browser ends with its last page.
  await page.context().newPage()
  await page.bringToFront()
  let asked = 0
  page.on('dialog', (dialog) => {
    asked += 1
    return dialog.dismiss()
  })
  await page.route('**/messages', (route) => route.fulfill(AWAY))
  await say(page, 'waits')
  await Promise.all([page.waitForEvent('dialog'), page.close({ runBeforeUnload: true })])
  await Promise.all([page.waitForEvent('dialog'), page.click('button:has-text("Leave")', { noWaitAfter: true })])
  for (const link of proxy.links) link.stall()
  await page.unroute('**/messages')
  await sendBeside(page)
  await page.clock.runFor(30_000)
  await page.waitForSelector('#waiting small:text-is("Sent")')
  await Promise.all([page.waitForEvent('close'), page.close({ runBeforeUnload: true })])
  assert.is(asked, 2)
  proxy.close()
})

all.run()

/** A page with five messages by a server that can be replaced by one that knows nothing of them. */
async function enterOneThatForgets(browser: Browser) {
  const first = await serve()
  const entered = await enterByProxy(browser, first)
  for (let index = 0; index < 5; index += 1) await entered.member.say(`message ${index}`)
  await entered.page.waitForFunction(count, 5)
  const restart = async () => {
    await first.stop()
    return serve({ port: first.port })
  }
  return { ...entered, restart }
}

/** Breaks the page's line. It comes back when its clock goes on. */
async function lose(page: Page, proxy: TcpProxy): Promise<void> {
  await exactly(page)
  const lost = await page.evaluateHandle(() => ({
    yet: new Promise((resolve) => document.addEventListener('htmx-ws-close', resolve, { once: true })),
  }))
  for (const link of proxy.links) link.reset()
  await lost.evaluate(({ yet }) => yet.then(() => {}))
}

/** Lets requests about messages reach the server by connections of their own. */
function sendBeside(page: Page): Promise<unknown> {
  return page.route(/\/messages(\?|$)/, async (route) => route.fulfill({ response: await route.fetch() }))
}

/** From now on it is noted whenever a text that was once in view is not. */
function watch(page: Page, text: string): Promise<void> {
  return page.evaluate((text) => {
    let isThere = false
    document.body.dataset.holes = '0'
    new MutationObserver(() => {
      const shown = [...document.querySelectorAll('.pages .text, #waiting .text')]
      const wasThere = isThere
      isThere = shown.some((one) => one.textContent === text)
      if (wasThere && !isThere) document.body.dataset.holes = `${Number(document.body.dataset.holes) + 1}`
    }).observe(document.body, { childList: true, subtree: true })
  }, text)
}

async function holes(page: Page): Promise<number> {
  return Number(await page.evaluate(() => document.body.dataset.holes))
}

/** What is on its way, and how it stands with it. */
function waiting(page: Page): Promise<string[]> {
  return page
    .locator('#waiting li')
    .evaluateAll((items) => items.map((item) => [...item.children].map((part) => part.textContent).join(': ')))
}
