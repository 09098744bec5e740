import type { Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { browserSuite } from './support/browser.ts'
import { enter, enterByProxy, join, say } from './support/page.ts'

const SIGN_IN = { status: 200, contentType: 'text/html', body: '<title>Hotel</title><form>Please sign in</form>' }
const TOO_MANY = { status: 429, contentType: 'text/html', body: 'Slowly, please' }

const { all, test } = browserSuite('outbox')

test('a page to sign in that answers in the server’s place takes no text: it waits, and goes out once', async ({
  server,
  browser,
}) => {
  const { page, member, proxy } = await enterByProxy(browser, server)
  const line = await member.listen()
  await exactly(page)
  await page.route('**/messages', (route) => route.fulfill(SIGN_IN))
  await answer(page, () => say(page, 'kept'))
  for (const wait of [1000, 2000]) await answer(page, () => page.clock.runFor(wait))
  assert.match(await page.innerText('#reason'), 'Something on the way answers')
  assert.equal(await page.locator('#waiting .text').allTextContents(), ['kept'])
  assert.not.match(await page.content(), 'Please sign in')
  assert.not.match(await page.title(), 'Hotel')
  await page.unroute('**/messages')
  await page.clock.runFor(4000)
  await line.count(1)
  await page.waitForFunction(() => document.querySelectorAll('#waiting li').length === 0)
  await page.waitForSelector('#reason', { state: 'hidden' })
  assert.equal(line.texts, ['kept'])
  proxy.close()
})

test('an answer to another message is no answer to this one', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  const body = '<span class="sent" data-key="another" data-cursor="1.aaaaaa"></span>'
  await page.route('**/messages', (route) => route.fulfill({ status: 200, contentType: 'text/html', body }), {
    times: 1,
  })
  await say(page, 'this one')
  await line.count(1)
  assert.equal(line.texts, ['this one'])
})

test('whoever is told to wait waits a second, then two, whatever is typed meanwhile', async ({ server, browser }) => {
  const { page, proxy } = await enterByProxy(browser, server)
  await exactly(page)
  let asked = 0
  await page.route('**/messages', (route) => {
    asked += 1
    return route.fulfill(TOO_MANY)
  })
  await answer(page, () => say(page, 'one'))
  await say(page, 'two')
  await page.clock.runFor(990)
  assert.is(asked, 1)
  await answer(page, () => page.clock.runFor(10))
  await page.clock.runFor(1990)
  assert.is(asked, 2)
  await answer(page, () => page.clock.runFor(10))
  assert.is(asked, 3)
  assert.equal(await page.locator('#waiting .text').allTextContents(), ['one', 'two'])
  proxy.close()
})

test('a date to wait for is waited for, by the clock of who named it', async ({ server, browser }) => {
  const { page, proxy } = await enterByProxy(browser, server)
  await exactly(page)
  let asked = 0
  await page.route('**/messages', (route) => {
    asked += 1
    const headers = { Date: 'Tue, 01 Nov 2022 10:00:00 GMT', 'Retry-After': 'Tue, 01 Nov 2022 10:00:07 GMT' }
    return route.fulfill({ ...TOO_MANY, headers })
  })
  await answer(page, () => say(page, 'one'))
  await page.clock.runFor(6990)
  assert.is(asked, 1)
  await answer(page, () => page.clock.runFor(10))
  assert.is(asked, 2)
  proxy.close()
})

test('texts that something on the way will not pass come back to the field in order, and can be sent again', async ({
  server,
  browser,
}) => {
  const { page, member, proxy } = await enterByProxy(browser, server)
  const line = await member.listen()
  await exactly(page)
  const forbidden = { status: 403, contentType: 'text/html', body: '<h1>Forbidden</h1>' }
  await page.route('**/messages', (route) => route.fulfill(forbidden))
  await answer(page, () => say(page, 'one'))
  await answer(page, () => say(page, 'two'))
  await page.fill('#text', 'half')
  for (const wait of [2000, 1, 1000, 2000]) await answer(page, () => page.clock.runFor(wait))
  assert.is(await page.inputValue('#text'), 'one\ntwo\nhalf')
  assert.match(await page.innerText('#reason'), 'does not let this through')
  assert.not.match(await page.content(), 'Forbidden')
  await page.unroute('**/messages')
  await page.press('#text', 'Enter')
  await line.count(1)
  assert.equal(line.texts, ['one\ntwo\nhalf'])
  proxy.close()
})

test('a text that waits becomes visible however quickly others follow', async ({ server, browser }) => {
  const { page } = await enter(browser, server)
  await page.route('**/messages', () => {})
  await say(page, 'first')
  const opacity = () =>
    page
      .locator('#waiting li')
      .first()
      .evaluate((item) => getComputedStyle(item).opacity)
  assert.is(await opacity(), '0')
  await page.evaluate(() => document.getAnimations().forEach((animation) => animation.finish()))
  await say(page, 'second')
  assert.is(await opacity(), '1')
  assert.equal(await page.locator('#waiting .text').allTextContents(), ['first', 'second'])
})

test('a text that the server cannot take just now stays and goes out when it can', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  let status = 503
  await page.route(
    '**/messages',
    (route) => {
      const answer = { status, contentType: 'text/html', body: '<p class="refusal">The server is restarting.</p>' }
      status = 401
      return route.fulfill(answer)
    },
    { times: 2 },
  )
  await say(page, 'kept')
  await page.fill('#text', 'half')
  await line.count(1)
  assert.equal(line.texts, ['kept'])
  assert.is(await page.inputValue('#text'), 'half')
})

test('a request that could not even be made is made again', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  await page.evaluate(() => {
    const Real = FormData
    window.FormData = new Proxy(Real, {
      construct() {
        window.FormData = Real
        throw new Error('out of memory')
      },
    })
  })
  await say(page, 'after all')
  await line.count(1)
  assert.equal(line.texts, ['after all'])
})

test('a browser that may keep nothing still sends', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  await page.addInitScript(() =>
    Object.defineProperty(window, 'sessionStorage', {
      get() {
        throw new DOMException('no', 'SecurityError')
      },
    }),
  )
  await page.reload()
  await say(page, 'hello')
  await line.count(1)
  await page.waitForFunction(() => document.querySelectorAll('#waiting li').length === 0)
  assert.equal(page.problems, [])
})

test('what waits under one name is not said under another, but stays to be said', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  await page.route('**/messages', (route) => route.abort())
  await say(page, 'as ann')
  await page.fill('#text', 'half')
  await page.context().clearCookies()
  await page.unroute('**/messages')
  await join(page, member.room, 'bea')
  await page.waitForSelector('#status:has-text("Connected")')
  assert.is(await page.inputValue('#text'), 'as ann\nhalf')
  assert.is(await page.locator('#waiting li').count(), 0)
  await page.press('#text', 'Enter')
  await line.count(1)
  assert.equal(
    line.messages.map(({ name, text }) => [name, text]),
    [['bea', 'as ann\nhalf']],
  )
})

all.run()

/** Stops the page's clock, and makes it wait exactly as long as it means to. */
async function exactly(page: Page): Promise<void> {
  await page.clock.pauseAt(Date.now() + 5000)
  await page.evaluate('Math.random = () => 0')
}

/** Does something, and waits until a post that follows it was answered. */
async function answer(page: Page, action: () => Promise<unknown>): Promise<void> {
  await page.evaluate(() => {
    delete document.body.dataset.answered
    document.addEventListener('htmx-finally-request', () => document.body.setAttribute('data-answered', ''), {
      once: true,
    })
  })
  await action()
  await page.waitForSelector('[data-answered]')
}
