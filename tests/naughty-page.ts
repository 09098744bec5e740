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
  assert.is(await page.evaluate(() => document.querySelectorAll('.text :not(a, bdi, br)').length), 0)
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

test('what a text draws outside of its box is not drawn over its name or the lines around it', async ({
  server,
  browser,
}) => {
  const { page, ann } = await open(browser, server)
  const texts = ['above', `x${'\u0301\u0489'.repeat(150)}`, 'below']
  for (const text of texts) await ann.say(text)
  await shows(page, texts)
  const messages = page.locator('.message')
  const parts = [messages.nth(0), messages.nth(1).locator('.name'), messages.nth(2)]
  const shoot = async () => {
    const shots: Buffer[] = []
    for (const part of parts) {
      const { x, y, width, height } = (await part.boundingBox()) as {
        x: number
        y: number
        width: number
        height: number
      }
      // Without the edge, of which a part of a pixel may be the neighbour's.
      shots.push(await page.screenshot({ clip: { x, y: y + 2, width, height: height - 4 } }))
    }
    return shots
  }
  const before = await shoot()
  // How far marks are heaped up is a font's choice, so shadows take the part of them.
  await page.evaluate(() => {
    const text = document.querySelectorAll<HTMLElement>('.text')[1]
    text.style.textShadow = [-20, -60, 60].map((y) => `0 ${y}px 0 red`).join()
  })
  const after = await shoot()
  assert.equal(
    after.map((shot, index) => shot.equals(before[index])),
    [true, true, true],
  )
})

test('a message of line breaks is no taller than the screen, and the keyboard reads it to its end', async ({
  server,
  browser,
}) => {
  const { page, ann } = await open(browser, server)
  const text = `${'\n'.repeat(3997)}end`
  await ann.say(text)
  await shows(page, [text])
  const message = page.locator('.message')
  const height = (await message.boundingBox())?.height ?? 0
  assert.ok(height > 100 && height < (page.viewportSize()?.height ?? 0), `${height}`)
  await page.locator('#scroll').focus()
  await page.keyboard.press('Tab')
  await page.keyboard.press('End')
  await page.waitForFunction(() => {
    const text = document.querySelector('.text')
    return text === document.activeElement && text && text.scrollTop + text.clientHeight >= text.scrollHeight - 2
  })
})

test('a name of wide letters is two lines high at most', async ({ server, browser }) => {
  const ann = await Person.create(server.url, 'W'.repeat(32))
  await ann.say('hello')
  const viewport = { width: 320, height: 640 }
  const page = await visit(browser, { viewport, extraHTTPHeaders: { Authorization: `Bearer ${ann.token}` } })
  await page.goto(ann.room)
  for (const name of await page.locator('.message .name').all()) {
    const height = (await name.boundingBox())?.height ?? 0
    assert.ok(height > 20 && height < 50, `${height}`)
  }
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
