import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Browser, Frame, Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { browserSuite, visit } from './support/browser.ts'
import { Person } from './support/person.ts'
import { withoutSockets } from './support/proxy.ts'
import { serve, type TestServer } from './support/server.ts'
import { needing } from './support/tools.ts'

const run = promisify(execFile)
const { all, test } = browserSuite('without scripts')
const w3mTest = needing('w3m', all)

test('the room is live: what others say appears, and what one says clears the field and keeps its focus', async ({
  server,
  browser,
}) => {
  const { page, member } = await enter(browser, server)
  await member.say('hello')
  await shows(page, 'hello')
  const write = await frame(page, '/write')
  await write.fill('#text', 'hello back')
  await write.press('#text', 'Tab')
  await write.click('button', { noWaitAfter: true })
  await shows(page, 'hello back')
  await (await frame(page, '/write')).waitForSelector('#text:focus')
  assert.is(await (await frame(page, '/write')).inputValue('#text'), '')
  assert.equal((await member.listen('0.0').then(said(2))).texts, ['hello', 'hello back'])
})

test('a text that is refused stays in the field, with the reason', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  const write = await frame(page, '/write')
  await write.fill('#text', '   ')
  await write.click('button', { noWaitAfter: true })
  await (await frame(page, '/messages')).waitForSelector('.reason:has-text("nothing to send")')
  await member.say('others notice nothing')
  await shows(page, 'others notice nothing')
})

test('the newest line stays in view', async ({ server, browser }) => {
  const { page, member } = await enter(browser, server)
  for (let index = 0; index < 40; index += 1) await member.say(`line ${index}`)
  await shows(page, 'line 39')
  const live = await frame(page, '/live')
  const box = await live.locator('li:has-text("line 39")').boundingBox()
  assert.ok(box && box.y + box.height < (page.viewportSize()?.height ?? 0))
})

test('the view comes back by itself after the server was away, and says what is gone', async ({ browser }) => {
  const first = await serve()
  const { page, member } = await enter(browser, first)
  await member.say('before')
  await shows(page, 'before')
  await first.stop()
  await page.waitForEvent('framenavigated', (frame) => /\/frame\/[^?]+\?(?!wait)/.test(frame.url()))
  const second = await serve({ port: first.port })
  await (await frame(page, '/live')).waitForSelector('.gap')
  const back = await frame(page, '/live')
  await member.say('after')
  await back.waitForSelector('.text:has-text("after")')
  await second.stop()
})

test('a view that was cut off shows all that was said meanwhile', async ({ server, browser }) => {
  const proxy = await withoutSockets(server.port)
  const { page, member } = await enter(browser, server, proxy.url)
  await member.say('before')
  await shows(page, 'before')
  proxy.cut()
  for (let index = 0; index < 60; index += 1) await member.say(`line ${index}`)
  await page.waitForEvent('framenavigated', (frame) => frame.url().includes('/live'))
  const live = await frame(page, '/live')
  await live.waitForSelector('.text:text-is("line 59")')
  assert.equal(
    (await live.locator('.text').allTextContents()).slice(-60),
    Array.from({ length: 60 }, (_, index) => `line ${index}`),
  )
  await proxy.stop()
})

test('to whoever was removed that is said once, and then nothing is asked for any more', async ({
  server,
  browser,
}) => {
  const { page, member } = await enter(browser, server)
  const around = page.frames().find((frame) => /\/frame\//.test(frame.url())) as Frame
  const [{ value }] = (await page.context().cookies(member.room)).filter(({ name }) => name === 'parlour')
  const headers = { Accept: 'application/json', Authorization: `Bearer ${value}` }
  assert.is((await fetch(`${member.room}/leave`, { method: 'POST', headers })).status, 204)
  const last = page.waitForResponse((response) => response.status() === 401 && response.url().includes('/frame/'))
  assert.is(await (await last).headerValue('refresh'), null)
  await around.waitForSelector('a[target="_top"]:text-is("Join the room")')
})

w3mTest('in a text browser the list, the form and a link do everything', async ({ server }) => {
  const ann = await Person.create(server.url, 'ann', 'Tea')
  await ann.say('hello from ann')
  const door = await w3m(ann.room)
  assert.match(door, /Your name/)
  const page = await w3m('-header', `Cookie: parlour=${ann.token}`, ann.room)
  assert.match(page, /Tea[\s\S]*ann[\s\S]*hello from ann[\s\S]*Message[\s\S]*Send/)
  assert.match(page, /refresh/)
  assert.not.match(page, /Nobody has said anything/)
  const { cursor } = await ann.say('more')
  const older = await w3m('-header', `Cookie: parlour=${ann.token}`, `${ann.room}?before=${cursor.replace('.', '0.')}`)
  assert.match(older, /Some messages are no longer kept\.\s*Back to the newest messages/)
})

all.run()

async function enter(browser: Browser, server: TestServer, way = server.url): Promise<{ page: Page; member: Person }> {
  const member = await Person.create(server.url, 'zoe', 'A room')
  const page = await visit(browser, { javaScriptEnabled: false })
  await page.goto(member.room.replace(server.url, way))
  await page.fill('#join-name', 'ann')
  await page.click('button', { noWaitAfter: true })
  await (await frame(page, '/live')).waitForSelector('.messages', { state: 'attached' })
  return { page, member }
}

/** The frame that shows this address, once it is there. */
async function frame(page: Page, path: string): Promise<Frame> {
  const isIt = (frame: Frame) => new URL(frame.url()).pathname.includes(path)
  return page.frames().find(isIt) ?? (await page.waitForEvent('framenavigated', isIt))
}

async function shows(page: Page, text: string): Promise<void> {
  await (await frame(page, '/live')).waitForSelector(`.text:text-is("${text}")`)
}

function said(messages: number) {
  return async <T extends { count(messages: number): Promise<void> }>(line: T): Promise<T> => {
    await line.count(messages)
    return line
  }
}

async function w3m(...args: string[]): Promise<string> {
  return (await run('w3m', ['-dump', ...args], { timeout: 60_000 })).stdout
}
