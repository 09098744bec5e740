import type { Browser, Page, Route } from 'playwright-core'
import * as assert from 'uvu/assert'
import { browserSuite } from './support/browser.ts'
import { answer, enter, enterByProxy, enterThrough, exactly, join, say } from './support/page.ts'
import { withoutSockets } from './support/proxy.ts'
import type { TestServer } from './support/server.ts'

const SIGN_IN = { status: 200, contentType: 'text/html', body: '<title>Hotel</title><form>Please sign in</form>' }
const TOO_MANY = { status: 429, contentType: 'text/html', body: 'Slowly, please' }
const AWAY = { status: 502, contentType: 'text/html', body: 'Bad gateway' }
const FORBIDDEN = { status: 403, contentType: 'text/html', body: '<h1>Forbidden</h1>' }
const REFUSED = { status: 422, contentType: 'text/html', body: '<p class="refusal">That will not do.</p>' }

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

test('a text that may have been taken is not given back, whatever then answers in the server’s place', async ({
  server,
  browser,
}) => {
  const { page, member, proxy } = await enterByProxy(browser, server)
  const line = await member.listen()
  await exactly(page)
  let asked = 0
  await page.route('**/messages', async (route) => {
    asked += 1
    if (asked > 1) return route.fulfill(FORBIDDEN)
    await route.fetch()
    return route.abort()
  })
  await Promise.all([page.waitForEvent('requestfailed'), say(page, 'once')])
  for (const wait of [1000, 2000, 4000]) await answer(page, () => page.clock.runFor(wait))
  assert.is(await page.inputValue('#text'), '')
  assert.equal(await page.locator('#waiting .text').allTextContents(), ['once'])
  await page.unroute('**/messages')
  await answer(page, () => page.clock.runFor(8000))
  await page.clock.runFor(1000)
  await page.waitForFunction(() => document.querySelectorAll('#waiting li').length === 0)
  assert.equal(line.texts, ['once'])
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
  await page.route('**/messages', (route) => route.fulfill(FORBIDDEN))
  await answer(page, () => say(page, 'one'))
  await answer(page, () => say(page, 'two'))
  await page.fill('#text', 'half')
  await answer(page, () => page.clock.runFor(2000), 2)
  for (const wait of [1000, 2000]) await answer(page, () => page.clock.runFor(wait))
  await page.waitForFunction(() => document.querySelectorAll('#waiting li').length === 0)
  assert.is(await page.inputValue('#text'), 'one\ntwo\nhalf')
  assert.match(await page.innerText('#reason'), 'does not let this through')
  assert.not.match(await page.content(), 'Forbidden')
  await page.unroute('**/messages')
  await page.press('#text', 'Enter')
  await line.count(1)
  assert.equal(line.texts, ['one\ntwo\nhalf'])
  proxy.close()
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
    const real = fetch
    window.fetch = () => {
      window.fetch = real
      throw new Error('out of memory')
    }
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

test('an answer that takes a minute counts: each attempt is given more time, and what was learned stays', async ({
  server,
  browser,
}) => {
  const { page, member, proxy } = await enterWithoutLines(browser, server)
  const line = await member.listen()
  await exactly(page)
  const posts = await hold(page)
  for (const text of ['one', 'two']) await say(page, text)
  let latest = await posts.next()
  for (const [index, wait] of [10_000, 20_000].entries()) {
    await page.clock.runFor(wait - 10)
    assert.is(posts.count, index + 1)
    await page.clock.runFor(10)
    latest = await posts.next()
  }
  await page.clock.runFor(39_990)
  assert.is(posts.count, 3)
  await pass(latest)
  await posts.next()
  await page.clock.runFor(59_990)
  assert.is(posts.count, 4)
  await page.clock.runFor(10)
  await pass(await posts.next())
  await line.count(2)
  await page.waitForSelector('#waiting li:nth-child(2) small:text-is("Sent")')
  assert.equal(line.texts, ['one', 'two'])
  await proxy.stop()
})

test('an answer that comes while the text is sent again counts too', async ({ server, browser }) => {
  const { page, proxy } = await enterByProxy(browser, server)
  await exactly(page)
  const posts = await hold(page)
  await say(page, 'slow')
  const first = await posts.next()
  await page.clock.runFor(10_000)
  await posts.next()
  await pass(first)
  await nothingWaits(page)
  assert.is(posts.count, 2)
  proxy.close()
})

test('the wait between two attempts never grows beyond half a minute', async ({ server, browser }) => {
  const { page, proxy } = await enterByProxy(browser, server)
  await exactly(page, 0.999)
  await page.route('**/messages', (route) => route.fulfill(AWAY))
  await answer(page, () => say(page, 'patience'))
  for (let attempt = 2; attempt < 9; attempt += 1) await answer(page, () => page.clock.runFor(30_000))
  proxy.close()
})

test('what waited over a reload goes out at once and in order, though nothing brings lines', async ({
  server,
  browser,
}) => {
  const { page, member, proxy } = await enterWithoutLines(browser, server)
  const line = await member.listen()
  await page.route('**/messages', (route) => route.fulfill(AWAY))
  for (const text of ['one', 'two']) await say(page, text)
  await page.unroute('**/messages')
  await page.reload()
  await line.count(2)
  assert.equal(line.texts, ['one', 'two'])
  await proxy.stop()
})

test('what waits goes out as soon as the browser is online again', async ({ server, browser }) => {
  const { page, member, proxy } = await enterWithoutLines(browser, server)
  const line = await member.listen()
  await exactly(page)
  await page.route('**/messages', (route) => route.fulfill(AWAY))
  await answer(page, () => say(page, 'waits'))
  await page.unroute('**/messages')
  await page.evaluate(() => window.dispatchEvent(new Event('online')))
  await line.count(1)
  await proxy.stop()
})

test('what has been under way for long goes out anew when there is a line again', async ({ server, browser }) => {
  const { page, member, proxy } = await enterByProxy(browser, server)
  const line = await member.listen()
  await exactly(page)
  const posts = await hold(page)
  await say(page, 'into the void')
  await posts.next()
  await page.clock.runFor(10_000)
  await posts.next()
  await page.clock.runFor(10_010)
  await page.evaluate(() => window.dispatchEvent(new Event('online')))
  await pass(await posts.next())
  await line.count(1)
  proxy.close()
})

test('refused texts come back in their order over a reload', async ({ server, browser }) => {
  const { page, posts } = await enterRefused(browser, server)
  await posts.next()
  await page.reload()
  await (await posts.next()).fulfill(REFUSED)
  await nothingWaits(page)
  assert.is(await page.inputValue('#text'), 'one\ntwo')
})

test('a refused text stands behind one that came back before it and was changed', async ({ server, browser }) => {
  const { page, posts } = await enterRefused(browser, server)
  const second = await posts.next()
  await page.fill('#text', '1')
  await second.fulfill(REFUSED)
  await nothingWaits(page)
  assert.is(await page.inputValue('#text'), '1\ntwo')
})

test('the reason of a refused text stays while those behind it go out', async ({ server, browser }) => {
  const { page, posts } = await enterRefused(browser, server)
  await pass(await posts.next())
  await nothingWaits(page)
  assert.is(await page.innerText('#reason'), 'That will not do.')
  assert.is(await page.inputValue('#text'), 'one')
})

test('texts that are too long together come back whole, and who sends them is told', async ({ server, browser }) => {
  const { page } = await enter(browser, server)
  const posts = await hold(page)
  const whole = ['a', 'b', 'c'].map((letter) => letter.repeat(3000))
  for (const text of whole) await say(page, text)
  for (const _ of whole) await (await posts.next()).fulfill(REFUSED)
  await nothingWaits(page)
  assert.is(await page.inputValue('#text'), whole.join('\n'))
  await page.press('#text', 'Enter')
  await pass(await posts.next())
  await page.waitForSelector('#reason:has-text("too long to send at once")')
  assert.is(await page.inputValue('#text'), whole.join('\n'))
})

test('a text of a hundred thousand letters comes back as well', async ({ server, browser }) => {
  const { page } = await enter(browser, server)
  await page.evaluate(() => document.querySelector('#text')?.removeAttribute('maxlength'))
  await say(page, 'x'.repeat(100_000))
  await page.waitForSelector('#reason:has-text("too much at once")')
  assert.is((await page.inputValue('#text')).length, 100_000)
})

test('what waits for somebody who joins again is still there, and is not sent by itself', async ({
  server,
  browser,
}) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  await page.route('**/messages', (route) => route.fulfill(AWAY))
  for (const text of ['one', 'two']) await say(page, text)
  await page.context().request.post(`${member.room}/leave`, { headers: { Origin: server.url } })
  await page.waitForSelector('#status:has-text("You are no longer in this room.")')
  await page.unroute('**/messages')
  await join(page, member.room, 'ann')
  assert.is(await page.inputValue('#text'), 'one\ntwo')
  await page.reload()
  assert.is(await page.inputValue('#text'), 'one\ntwo')
  await page.press('#text', 'Enter')
  await line.count(1)
  assert.equal(line.texts, ['one\ntwo'])
})

test('what waits in one tab is not said under the name that another tab has joined with since', async ({
  server,
  browser,
}) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  await page.route('**/messages', (route) => route.fulfill(AWAY))
  await say(page, 'as ann')
  await page.context().clearCookies()
  const second = Object.assign(await page.context().newPage(), { problems: [] })
  await join(second, member.room, 'bea')
  const [answered] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/messages') && response.status() !== 502),
    page.unroute('**/messages'),
  ])
  assert.is(answered.status(), 401)
  await say(second, 'as bea')
  await line.count(1)
  assert.equal(line.texts, ['as bea'])
  assert.equal(await page.locator('#waiting .text').allTextContents(), ['as ann'])
})

test('a tab that was duplicated sends what waits there once, and nothing waits in either', async ({
  server,
  browser,
}) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  await page.context().route('**/messages', (route) => route.fulfill(AWAY))
  for (const text of ['one', 'two']) await say(page, text)
  const copy = await page.evaluate(() => ({ ...sessionStorage }))
  const second = await page.context().newPage()
  await second.addInitScript((copy) => Object.assign(sessionStorage, copy), copy)
  await second.goto(page.url())
  assert.is(await second.locator('#waiting li').count(), 2)
  await page.context().unroute('**/messages')
  for (const tab of [page, second]) await nothingWaits(tab)
  await member.say('after')
  await line.count(3)
  assert.equal(line.texts, ['one', 'two', 'after'])
})

test('a browser that can keep no more still sends', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  await page.evaluate(() => {
    let more = 'x'.repeat(1 << 20)
    while (more)
      try {
        sessionStorage[`${Math.random()}`] = more
      } catch {
        more = more.slice(more.length / 2 + 1)
      }
  })
  await say(page, 'hello')
  await line.count(1)
  await nothingWaits(page)
  assert.equal(page.problems, [])
})

all.run()

/** The page of ann, who said two things, of which the first was refused. */
async function enterRefused(browser: Browser, server: TestServer) {
  const { page } = await enter(browser, server)
  const posts = await hold(page)
  for (const text of ['one', 'two']) await say(page, text)
  await (await posts.next()).fulfill(REFUSED)
  return { page, posts }
}

/** The page of ann where nothing brings lines: sockets and streams are blocked. */
async function enterWithoutLines(browser: Browser, server: TestServer) {
  const proxy = await withoutSockets(server.port)
  proxy.answerInstead(({ method, url = '' }) => (method === 'GET' && /events|messages/.test(url) ? AWAY : undefined))
  return { ...(await enterThrough(proxy, browser, server)), proxy }
}

/** Holds back every post that a page makes, to be answered one by one. */
async function hold(page: Page) {
  const posts: Route[] = []
  let taken = 0
  let come = () => {}
  await page.route('**/messages', (route) => {
    posts.push(route)
    come()
  })
  return {
    get count() {
      return posts.length
    },
    /** The next one, once it has come. */
    async next(): Promise<Route> {
      while (posts.length === taken) await new Promise<void>((resolve) => (come = resolve))
      taken += 1
      return posts[taken - 1]
    },
  }
}

/** Lets a post through that was held, by a connection of its own. */
async function pass(route: Route): Promise<void> {
  await route.fulfill({ response: await route.fetch() })
}

function nothingWaits(page: Page): Promise<unknown> {
  return page.waitForFunction(() => document.querySelectorAll('#waiting li').length === 0)
}
