import type { Browser, Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { type Cursor, readCursor } from '../rooms/cursor.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { browserSuite, launch, visit } from './support/browser.ts'
import { count, enter, enterByProxy, enterThrough, hide, join, passUntil, say, texts } from './support/page.ts'
import { Person } from './support/person.ts'
import { withoutSockets } from './support/proxy.ts'
import { serve, type TestServer } from './support/server.ts'

const { all, test } = browserSuite('page')

test('two people make a room, join it by its link and talk', async ({ server, browser }) => {
  const ann = await visit(browser)
  await ann.goto(`${server.url}/`)
  await ann.fill('#create-name', 'ann')
  await ann.fill('#create-title', 'Tea & biscuits')
  await ann.click('text="Make a room" >> nth=-1')
  await ann.waitForSelector('#status:has-text("Connected")')
  assert.is(await ann.title(), 'Tea & biscuits · Parlour')

  const bob = await visit(browser)
  await bob.goto(await ann.locator('#link').evaluate((link: HTMLAnchorElement) => link.href))
  await bob.fill('#join-name', 'bob')
  await bob.click('button')
  await ann.waitForSelector('.notice:has-text("bob joined")')
  assert.is(await ann.textContent('#count'), '2')

  await say(ann, 'hello bob')
  await bob.waitForFunction(count, 1)
  await say(bob, 'hello ann')
  for (const page of [ann, bob]) await page.waitForFunction(count, 2)
  assert.equal(await texts(bob), ['hello bob', 'hello ann'])
  assert.equal(await texts(ann), await texts(bob))
  assert.equal([...ann.problems, ...bob.problems], [])
})

test('the field is empty at once, and many quick lines arrive in order', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  const lines = Array.from({ length: 12 }, (_, index) => `line ${index}`)
  for (const text of lines) {
    await say(page, text)
    assert.is(await page.inputValue('#text'), '')
  }
  await line.count(12)
  await page.waitForFunction(count, 12)
  assert.equal(line.texts, lines)
  assert.equal(await texts(page), lines)
})

test('quick lines arrive in order even when the server says slower', async ({ browser }) => {
  const server = await serve({ areRatesLimited: true })
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  const lines = Array.from({ length: 8 }, (_, index) => `line ${index}`)
  for (const text of lines) await say(page, text)
  await line.count(8)
  assert.equal(line.texts, lines)
  await server.stop()
})

test('a text that is refused comes back to the field with the reason', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  await page.evaluate(() => document.querySelector('#text')?.removeAttribute('maxlength'))
  await say(page, 'x'.repeat(4001))
  await page.waitForSelector('#reason:has-text("too long")')
  assert.is(await page.inputValue('#text'), 'x'.repeat(4001))
  await say(page, 'shorter')
  await page.waitForSelector('#reason', { state: 'hidden' })
  await line.count(1)
  assert.equal(line.texts, ['shorter'])
})

test('Shift and Enter break the line, and a text of several lines is shown as it was typed', async ({
  server,
  browser,
}) => {
  const { page } = await enter(browser, server)
  await page.fill('#text', 'one')
  await page.press('#text', 'Shift+Enter')
  await page.keyboard.type('two')
  await page.press('#text', 'Enter')
  await page.waitForFunction(count, 1)
  assert.is(await page.locator('#log .text').innerText(), 'one\ntwo')
})

test('own messages look own, and others’ do not', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  await say(page, 'mine')
  await page.waitForFunction(count, 1)
  await member.say('theirs')
  await page.waitForFunction(count, 2)
  const sides = await page
    .locator('#log .message')
    .evaluateAll((all) => all.map((one) => getComputedStyle(one).alignSelf))
  assert.equal(sides, ['end', 'start'])
})

test('older messages load on scrolling up without a jump, each once', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  for (let index = 1; index <= 130; index += 1) await member.say(`message ${index}`)
  await page.reload()
  assert.is((await texts(page)).length, 50)
  const mark = page.locator('#m100')
  await page.locator('#m81').evaluate((line) => line.scrollIntoView({ block: 'start' }))
  await page.evaluate(() => document.querySelector('#scroll')?.scrollBy(0, 60))
  const before = (await mark.boundingBox())?.y
  await page.locator('.older a').evaluate((link: HTMLElement) => link.click())
  await page.waitForFunction(count, 100)
  assert.ok(
    Math.abs(((await mark.boundingBox())?.y ?? 0) - (before ?? 0)) < 2,
    'what was being read stayed where it was',
  )
  await page.evaluate(() => document.querySelector('#scroll')?.scrollTo(0, -1e6))
  await page.waitForFunction(count, 130)
  assert.equal(
    await texts(page),
    Array.from({ length: 130 }, (_, index) => `message ${index + 1}`),
  )
  assert.is(await page.locator('.day').count(), 1)
})

test('a text that is changed or taken back goes from an older page too, though it is still on its way', async ({
  browser,
}) => {
  const store = new MemoryStore({ history: 500, bytes: 1024 * 1024, rooms: 10 })
  const server = await serve({ store })
  const { page, member } = await enter(browser, server)
  const said: Cursor[] = []
  for (let index = 1; index <= 120; index += 1)
    said.push(readCursor((await member.say(`text ${index}`)).cursor) as Cursor)
  await page.reload()
  await page.waitForSelector('#status:has-text("Connected")')
  const revise = async (first: number) => {
    const by = { by: member.id, at: Date.now() }
    await store.append(member.code, { kind: 'deleted', of: said[first - 1], ...by })
    await store.append(member.code, { kind: 'edited', of: said[first], text: 'changed', ...by })
    await member.say(`after ${first}`)
    await page.waitForSelector(`.text:text-is("after ${first}")`)
  }
  const shown = (seq: number) => page.innerText(`#m${seq} p`)
  const older = () => page.locator('.older a').evaluate((link: HTMLElement) => link.click())
  await older()
  await page.waitForSelector('#m21')
  await revise(31)
  assert.equal([await shown(31), await shown(32), await shown(33)], ['This message was deleted.', 'changed', 'text 33'])
  let arrive = () => {}
  const read = new Promise<void>((resolve) => {
    void page.route(/before=/, async (route) => {
      const response = await route.fetch()
      resolve()
      await new Promise<void>((arrived) => {
        arrive = arrived
      })
      await route.fulfill({ response })
    })
  })
  await older()
  await read
  await revise(11)
  arrive()
  await page.waitForSelector('#m11.deleted')
  assert.equal([await shown(11), await shown(12), await shown(13)], ['This message was deleted.', 'changed', 'text 13'])
  await server.stop()
})

test('a text that was changed and then taken back stays so, though an older page failed between the two', async ({
  browser,
}) => {
  const store = new MemoryStore({ history: 500, bytes: 1024 * 1024, rooms: 10 })
  const server = await serve({ store })
  const { page, member } = await enter(browser, server)
  for (let index = 1; index <= 99; index += 1) await member.say(`text ${index}`)
  const of = readCursor((await member.say('text 100')).cursor) as Cursor
  await page.reload()
  await page.waitForSelector('#status:has-text("Connected")')
  const by = { by: member.id, at: Date.now() }
  const tell = async (text: string) => {
    await member.say(text)
    await page.waitForSelector(`.text:text-is("${text}")`)
  }
  const older = () => page.locator('.older a').evaluate((link: HTMLElement) => link.click())
  let fail = () => {}
  const asked = new Promise<void>((resolve) => {
    void page.route(/before=/, async (route) => {
      resolve()
      await new Promise<void>((failed) => {
        fail = failed
      })
      await route.abort()
    })
  })
  await older()
  await asked
  await store.append(member.code, { kind: 'edited', of, text: 'changed', ...by })
  await tell('changed it')
  fail()
  await page.waitForSelector('.htmx-request', { state: 'detached' })
  await store.append(member.code, { kind: 'deleted', of, ...by })
  await tell('took it back')
  await page.unroute(/before=/)
  await older()
  await page.waitForSelector('#m21')
  await tell('bye')
  assert.is(await page.innerText(`#m${of.seq} p`), 'This message was deleted.')
  await server.stop()
})

test('a text that is taken back goes from an older page on its way, though the answer to an earlier link comes first', async ({
  browser,
}) => {
  const store = new MemoryStore({ history: 2000, bytes: 1024 * 1024, rooms: 10 })
  const server = await serve({ store })
  const { page, member } = await enter(browser, server)
  const by = { by: member.id, at: Date.now() }
  const fill = async (count: number) => {
    const start = (await store.messages(member.code, { limit: 1 }))?.cursor ?? ''
    for (let index = 0; index < count; index += 1)
      await store.append(member.code, { kind: 'message', key: `${start} ${index}`, text: `text ${index}`, ...by })
    await member.say(`filled ${start}`)
  }
  await fill(100)
  await page.reload()
  await page.waitForSelector('#status:has-text("Connected")')
  let hold: (answer: () => Promise<void>) => void
  await page.route(/before=/, async (route) => {
    const response = await route.fetch()
    hold(() => route.fulfill({ response }))
  })
  const older = async () => {
    const held = new Promise<() => Promise<void>>((resolve) => {
      hold = resolve
    })
    await page.locator('.older a').evaluate((link: HTMLElement) => link.click())
    return held
  }
  const answerEarlier = await older()
  // So many lines that the oldest go, and another link stands above those that are left.
  await fill(600)
  await page.waitForSelector('#m101', { state: 'detached' })
  const answerLater = await older()
  const first = Number((await page.locator('.pages .message').first().getAttribute('id'))?.slice(1))
  const { messages = [] } = (await store.messages(member.code, { limit: 1000 })) ?? {}
  const of = messages.find(({ seq }) => seq === first - 10) as Cursor
  await store.append(member.code, { kind: 'deleted', of, ...by })
  await member.say('bye')
  await page.waitForSelector('.text:text-is("bye")')
  const isOver = page.evaluate(
    () => new Promise((resolve) => document.addEventListener('htmx-finally-request', resolve, { once: true })),
  )
  await answerEarlier()
  await isOver
  await answerLater()
  await page.waitForSelector(`#m${of.seq}`)
  assert.match((await page.getAttribute(`#m${of.seq}`, 'class')) ?? '', 'deleted')
  await server.stop()
})

test('a long page lets go of its oldest lines, which come back on scrolling up', async ({ browser }) => {
  const server = await serve({ history: 1000 })
  const { page, member } = await enter(browser, server)
  for (let index = 1; index <= 640; index += 1) await member.say(`message ${index}`)
  await page.waitForSelector('#m640')
  await page.waitForFunction(() => document.querySelectorAll('#log > li').length <= 500)
  const kept = (await texts(page)).length
  await page.waitForFunction(() => {
    document.querySelector('#scroll')?.scrollTo(0, -1e6)
    return document.querySelector('#m1')
  })
  assert.ok(kept <= 500)
  assert.equal(
    await texts(page),
    Array.from({ length: 640 }, (_, index) => `message ${index + 1}`),
  )
  await server.stop()
})

test('what a long page lets go of is not listened to any more', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  const session = await page.context().newCDPSession(page)
  const counts: number[] = []
  for (let index = 1; index <= 1200; index += 1) {
    await member.say(`message ${index}`)
    if (index % 400 > 0) continue
    await page.waitForSelector(`#m${index}`)
    for (let round = 0; round < 3; round += 1) await session.send('HeapProfiler.collectGarbage')
    counts.push((await session.send('Memory.getDOMCounters')).jsEventListeners)
  }
  assert.is(await page.locator('.older').count(), 1)
  assert.ok(counts[2] <= counts[1], `lines went away twice, and listeners stayed behind: ${counts.join(', ')}`)
})

test('what is half written stays in its own tab', async ({ server, browser }) => {
  const { page } = await enter(browser, server)
  await page.fill('#text', 'half a thought')
  const second = await page.context().newPage()
  await second.goto(page.url())
  await second.waitForSelector('#status:has-text("Connected")')
  assert.is(await second.inputValue('#text'), '')
  await say(second, 'whole')
  await page.waitForFunction(count, 1)
  await page.reload()
  assert.is(await page.inputValue('#text'), 'half a thought')
})

test('a page that was hidden catches up with what was said meanwhile, without a line twice', async ({
  server,
  browser,
}) => {
  const { page, member } = await enter(browser, server)
  await member.say('before')
  await page.waitForFunction(count, 1)
  await hide(page, true)
  for (const text of ['one', 'two', 'three']) await member.say(text)
  await hide(page, false)
  await page.waitForFunction(count, 4)
  assert.equal(await texts(page), ['before', 'one', 'two', 'three'])
})

test('a page that connects twice while lines wait to be put in shows none twice', async ({ server, browser }) => {
  const { page, member, proxy } = await enterByProxy(browser, server)
  await page.clock.pauseAt(Date.now() + 5000)
  // The next try is due after 350 milliseconds, and another is made at once when the tab is shown again.
  await page.evaluate('Math.random = () => 0')
  await until(page, 'close', '', async () => {
    for (const link of proxy.links) link.reset()
  })
  await hide(page, true)
  await until(page, 'before-message-incoming', 'id="count"', () => hide(page, false))
  await page.clock.runFor(345)
  for (const text of ['one', 'two']) await until(page, 'before-message-incoming', `>${text}<`, () => member.say(text))
  await until(page, 'before-message-incoming', 'id="count"', () => page.clock.runFor(5))
  await page.clock.runFor(1000)
  assert.equal(await texts(page), ['one', 'two'])
  assert.is(await page.locator('.day').count(), 1)
  proxy.close()
})

test('what is typed offline waits visibly, outlives a reload, and goes out once by itself', async ({
  server,
  browser,
}) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  await page.context().setOffline(true)
  await say(page, 'first')
  await say(page, 'second')
  await page.waitForSelector('#status:has-text("You are offline")')
  assert.equal(await page.locator('#waiting .text').allTextContents(), ['first', 'second'])
  await page.context().setOffline(false)
  await page.reload()
  await line.count(2)
  await page.waitForFunction(count, 2)
  await page.waitForFunction(() => document.querySelectorAll('#waiting li').length === 0)
  assert.equal(line.texts, ['first', 'second'])
})

test('a text whose answer was lost on the way is sent again and stored once', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  const line = await member.listen()
  await page.route(
    '**/messages',
    async (route) => {
      await route.fetch()
      await route.abort('connectionreset')
    },
    { times: 1 },
  )
  await say(page, 'once')
  await say(page, 'and then')
  await line.count(2)
  await page.waitForFunction(() => document.querySelectorAll('#waiting li').length === 0)
  assert.equal(line.texts, ['once', 'and then'])
})

test('a line that went dead without a word is noticed within 45 seconds', async ({ server, browser }) => {
  const { page, member, proxy } = await enterByProxy(browser, server)
  for (const link of proxy.links) link.blackhole()
  await member.say('into the void')
  await page.clock.runFor(45_000)
  await page.waitForFunction(count, 1)
  assert.equal(await texts(page), ['into the void'])
  proxy.close()
})

test('two tabs in two rooms under two names work side by side', async ({ server, browser }) => {
  const one = await enter(browser, server)
  const other = await Person.create(server.url, 'zoe')
  const second = Object.assign(await one.page.context().newPage(), { problems: [] })
  await join(second, other.room, 'somebody else')
  await say(one.page, 'in the first')
  await say(second, 'in the second')
  await one.page.waitForFunction(count, 1)
  await second.waitForFunction(count, 1)
  assert.equal(await texts(one.page), ['in the first'])
  assert.equal(await texts(second), ['in the second'])
})

test('who leaves is told where to go in every tab', async ({ server, browser }) => {
  const { page } = await enter(browser, server)
  const second = await page.context().newPage()
  await second.goto(page.url())
  await second.waitForSelector('#status:has-text("Connected")')
  await page.click('text="Leave"')
  await page.waitForURL(`${server.url}/`)
  await second.waitForSelector('#status:has-text("You are no longer in this room.") a')
})

test('who is removed keeps what waits and what is half written, to be copied, and sends nothing more', async ({
  server,
  browser,
}) => {
  const { page, member } = await enter(browser, server)
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  let asked = 0
  await page.route('**/messages', (route) => {
    asked += 1
    return route.abort()
  })
  await say(page, 'waits')
  await page.fill('#text', 'half')
  await page.context().request.post(`${member.room}/leave`, { headers: { Origin: server.url } })
  await page.waitForSelector('#status:has-text("You are no longer in this room.")')
  await page.waitForSelector('#reason:has-text("This was not sent. You can still copy it.")')
  assert.is(await page.locator('#waiting').innerText(), 'waits\n\nNot sent')
  assert.is(await page.inputValue('#text'), 'half')
  const before = asked
  await page.press('#text', 'Enter')
  await page.click('.say button')
  await page.waitForSelector('.say button:has-text("Copied")')
  assert.is(await page.evaluate(() => navigator.clipboard.readText()), 'waits\nhalf')
  await page.evaluate(() => window.dispatchEvent(new Event('online')))
  assert.is(asked, before)
  assert.equal(page.problems, [])
})

test('who is removed with nothing left to say sees no form', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  await page.context().request.post(`${member.room}/leave`, { headers: { Origin: server.url } })
  await page.waitForSelector('#status:has-text("You are no longer in this room.")')
  await page.waitForSelector('#say', { state: 'hidden' })
})

test('who is removed where sockets are blocked is told too, and asks no more', async ({ server, browser }) => {
  const { page, member, proxy } = await enterByEvents(browser, server)
  await page.context().request.post(`${member.room}/leave`, { headers: { Origin: server.url } })
  await page.waitForSelector('#status:has-text("You are no longer in this room.") a')
  await asksNoMore(page, proxy)
  await proxy.stop()
})

test('who was removed while a stream was broken is told at the next one, and nothing else is in the log', async ({
  server,
  browser,
}) => {
  const { page, member, proxy } = await enterByEvents(browser, server)
  await member.say('before')
  await page.waitForFunction(count, 1)
  proxy.answerInstead(() => ({ status: 502 }))
  proxy.cut()
  await page.context().request.post(`${member.room}/leave`, { headers: { Origin: server.url } })
  proxy.answerInstead(() => undefined)
  await page.waitForSelector('#status:has-text("You are no longer in this room.") a')
  // That ann joined may have been told before her page listened.
  assert.equal(
    (await kinds(page)).filter((kind) => kind !== 'notice'),
    ['day', 'message'],
  )
  await asksNoMore(page, proxy)
  await proxy.stop()
})

test('a page whose room is gone is told so by the stream it asks for', async ({ browser }) => {
  const first = await serve()
  const { page, proxy } = await enterByEvents(browser, first)
  await first.stop()
  const second = await serve({ port: first.port, secrets: ['another secret of the tests'] })
  await page.waitForSelector('#status:has-text("This room is gone.") a')
  assert.not.match(await page.innerText('#log'), 'There is no room')
  await asksNoMore(page, proxy)
  await proxy.stop()
  await second.stop()
})

test('a page to sign in never gets into the log, nor does the page say that it is connected', async ({
  server,
  browser,
}) => {
  const { page, member, proxy } = await enterByEvents(browser, server)
  for (let index = 1; index <= 60; index += 1) await member.say(`message ${index}`)
  await page.reload()
  await page.waitForSelector('#status:has-text("Connected")')
  const headers = { 'Content-Type': 'text/html' }
  proxy.answerInstead(() => ({ status: 200, headers, body: '<h1>Please sign in</h1>' }))
  const before = proxy.asked.length
  proxy.cut()
  await page.waitForSelector('#status:has-text("Reconnecting…")')
  const older = page.waitForResponse(/before=/)
  await page.locator('.older a').evaluate((link: HTMLElement) => link.click())
  await older
  await passUntil(page, () => /events/.test(proxy.asked.slice(before).join(' ')))
  await page.clock.runFor(60_000)
  assert.is(await page.innerText('#status'), 'Reconnecting…')
  assert.not.match(await page.content(), 'Please sign in')
  proxy.answerInstead(() => undefined)
  await member.say('signed in')
  await passUntil(page, () => page.isVisible('#status:has-text("Connected")'))
  assert.is((await texts(page)).at(-1), 'signed in')
  await proxy.stop()
})

test('events that stood in for a socket end when it is back', async ({ server, browser }) => {
  const { page, member, proxy } = await enterByEvents(browser, server)
  proxy.treatSockets('passed')
  await until(page, 'after-connection', '', () => page.clock.runFor(61_000))
  const asked = proxy.asked.length
  await member.say('one')
  await page.waitForFunction(count, 1)
  await page.clock.runFor(30_000)
  await member.say('two')
  await page.waitForFunction(count, 2)
  assert.equal(proxy.asked.slice(asked), [])
  assert.equal(await texts(page), ['one', 'two'])
  assert.is(await page.locator('.day').count(), 1)
  await proxy.stop()
})

test('the link is copied whole, also where a page came by plain http', async ({ server }) => {
  const browser = await launch('--host-resolver-rules=MAP parlour.test 127.0.0.1')
  const page = await visit(browser)
  const member = await Person.create(server.url, 'zoe')
  const room = `http://parlour.test:${server.port}/rooms/${member.code}`
  await join(page, room, 'ann')
  assert.is(await page.evaluate(() => typeof navigator.clipboard), 'undefined')
  await page.click('.share button')
  await page.waitForSelector('.share button:has-text("Copied")')
  await page.focus('#text')
  await page.keyboard.press('Control+V')
  assert.is(await page.inputValue('#text'), room)
  await browser.close()
})

test('a room that starts anew tells one story in a page where nothing had been said', async ({ browser }) => {
  const first = await serve()
  const { page } = await enter(browser, first)
  await page.waitForSelector('.empty')
  await page.waitForSelector('.notice')
  await first.stop()
  await page.waitForSelector('#status:has-text("Reconnecting…")')
  const second = await serve({ port: first.port })
  await page.waitForSelector('.gap')
  await page.waitForSelector('#status:has-text("Connected")')
  await say(page, 'still here')
  await page.waitForFunction(count, 1)
  assert.is(await page.locator('.empty').count(), 0)
  assert.equal((await kinds(page)).slice((await kinds(page)).indexOf('gap')), ['gap', 'day', 'message'])
  await second.stop()
})

test('a server that is gone is noticed, and one in its place takes the page over with a gap that is told', async ({
  browser,
}) => {
  const first = await serve()
  const { page, member } = await enter(browser, first)
  await member.say('lost with the first server')
  await page.waitForFunction(count, 1)
  await first.stop()
  await page.waitForSelector('#status:has-text("Reconnecting…")')
  await new Promise((resolve) => setTimeout(resolve, 20))
  const second = await serve({ port: first.port })
  await page.waitForSelector('.gap')
  await say(page, 'still here')
  await page.waitForFunction(count, 2)
  assert.equal(await texts(page), ['lost with the first server', 'still here'])
  await second.stop()
})

test('where sockets are blocked events take over, and go on after a break', async ({ server, browser }) => {
  const proxy = await withoutSockets(server.port)
  const page = await visit(browser)
  const member = await Person.create(server.url, 'zoe')
  await join(page, member.room.replace(server.url, proxy.url), 'ann')
  await member.say('one')
  await page.waitForFunction(count, 1)
  proxy.cut()
  await member.say('two')
  await page.waitForFunction(count, 2)
  await say(page, 'three')
  await page.waitForFunction(count, 3)
  assert.equal(await texts(page), ['one', 'two', 'three'])
  await proxy.stop()
})

test('on paper as wide as a phone nothing has to be scrolled sideways', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server, { viewport: { width: 320, height: 560 } })
  await member.say(`${'verylong'.repeat(60)} https://example.org/${'a'.repeat(300)} 👩‍👩‍👧‍👦 ‏שלום`)
  await page.waitForFunction(count, 1)
  const widest = await page.evaluate(() =>
    Math.max(...[...document.querySelectorAll('*')].map((one) => one.scrollWidth)),
  )
  assert.ok(widest <= 320, `${widest} is wider than 320`)
})

all.run()

/** The page of ann where sockets are blocked, once events have taken over, with a clock that can be set. */
async function enterByEvents(browser: Browser, server: TestServer) {
  const proxy = await withoutSockets(server.port)
  const entered = await enterThrough(proxy, browser, server)
  await entered.page.waitForSelector('#status:has-text("Connected")')
  return { ...entered, proxy }
}

/** That a page leaves the server alone from now on, however long one waits. */
async function asksNoMore(page: Page, { asked }: { asked: string[] }): Promise<void> {
  let sockets = 0
  page.on('websocket', () => {
    sockets += 1
  })
  await page.clock.runFor(1)
  const before = asked.length
  await page.clock.runFor(180_000)
  assert.equal([asked.slice(before), sockets], [[], 0])
}

/** What the lines of the log are. */
function kinds(page: Page): Promise<string[]> {
  return page.locator('#log > li').evaluateAll((lines) => lines.map((line) => line.className))
}

/** Does something, and waits until the page has heard by its socket of what holds these words. */
async function until(page: Page, event: string, words: string, action: () => Promise<unknown>): Promise<void> {
  const heard = await page.evaluateHandle(
    ([event, words]) => ({
      yet: new Promise<void>((resolve) =>
        document.addEventListener(event, ({ detail }: CustomEventInit) => {
          if ((detail.message?.data ?? '').includes(words)) resolve()
        }),
      ),
    }),
    [`htmx-ws-${event}`, words],
  )
  await action()
  await heard.evaluate(({ yet }) => yet)
}
