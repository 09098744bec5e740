import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { tidy } from '../rooms/line.ts'
import { readName } from '../rooms/name.ts'
import { readText, readTitle } from '../rooms/text.ts'
import { browserSuite, visit } from './support/browser.ts'
import { Person } from './support/person.ts'
import type { TestServer } from './support/server.ts'

const strings = createRequire(import.meta.url)('big-list-of-naughty-strings') as string[]

const { all, test } = browserSuite('naughty strings in a page', { history: 1000 })

test('as texts they are shown as they are, live and after a reload, and nothing runs', async ({ server, browser }) => {
  const { page, ann } = await open(browser, server)
  const texts = strings.filter((text) => readText(text).ok)
  assert.ok(texts.length > 450)
  for (const text of texts) await ann.say(text)
  await shows(page, texts.slice(-400))
  await page.reload()
  await shows(page, texts.slice(-50))
  assert.is(await page.evaluate(() => document.querySelectorAll('.text :not(a, br)').length), 0)
  assert.equal(page.problems, [])
})

test('as names they are shown as they are, or refused', async ({ server, browser }) => {
  const { page, ann } = await open(browser, server)
  const names: string[] = []
  for (const name of strings.filter((name) => readName(name).ok)) {
    const guest = await Person.join(server.url, ann.code, name).catch(() => undefined)
    if (!guest) continue
    names.push(tidy(name))
    await guest.say('hello')
  }
  assert.ok(names.length > 150)
  await page.waitForFunction((count) => document.querySelectorAll('.message').length >= count, names.length)
  assert.equal(await page.locator('.message .name').allTextContents(), names)
  assert.equal(page.problems, [])
})

test('as titles they are shown as they are', async ({ server, browser }) => {
  const page = await visit(browser)
  await page.goto(`${server.url}/`)
  let shown = 0
  for (const title of strings.filter((title) => readTitle(title).ok && tidy(title) !== '')) {
    const ann = await Person.create(server.url, 'ann', title)
    const door = await (await fetch(ann.room)).text()
    assert.is(await page.evaluate(headingOf, door), tidy(title))
    shown += 1
  }
  assert.ok(shown > 350)
  assert.equal(page.problems, [])
})

all.run()

async function open(
  browser: Browser,
  server: TestServer,
): Promise<{ page: Page & { problems: string[] }; ann: Person }> {
  const ann = await Person.create(server.url, 'ann')
  const page = await visit(browser, { extraHTTPHeaders: { Authorization: `Bearer ${ann.token}` } })
  page.on('dialog', (dialog) => page.problems.push(dialog.message()))
  await page.goto(ann.room)
  await page.waitForSelector('#status:has-text("Connected")')
  return { page, ann }
}

async function shows(page: Page, texts: string[]): Promise<void> {
  const wanted = texts.map((text) => text.toWellFormed().replace(/\r\n?/g, '\n'))
  await page.waitForFunction(
    (text) => [...document.querySelectorAll('.message .text')].at(-1)?.textContent === text,
    wanted.at(-1),
  )
  assert.equal((await page.locator('.message .text').allTextContents()).slice(-wanted.length), wanted)
}

function headingOf(html: string): string | null {
  return new DOMParser().parseFromString(html, 'text/html').querySelector('h1')?.textContent ?? null
}
