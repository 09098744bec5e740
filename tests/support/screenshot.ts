// Takes the picture in the README: a computer and a phone in one room. `npm run screenshot`
import { writeFile } from 'node:fs/promises'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { launch, visit } from './browser.ts'
import { Person } from './person.ts'
import { serve } from './server.ts'

const STYLE = `
  body { display: flex; gap: 24px; justify-content: center; padding: 20px; margin: 0; background: #c9d6d3 }
  img { border-radius: 12px }`

const TALK = [
  ['zoe', 'Good morning! Is the projector in room 4 free at ten?'],
  ['omar', 'It is. I left the adapter in the drawer'],
  ['ann', 'Thank you both \u{1F64F} The slides are at https://example.org/slides'],
  [
    'zoe',
    'Then let us begin five minutes later, so that the others find the way:\n1. ring at the side door\n2. up the stairs, left',
  ],
  ['omar', 'صباح الخير للجميع'],
]

const server = await serve()
const browser = await launch()
const zoe = await Person.create(server.url, 'zoe', 'Wednesday workshop')
const [ann, omar] = [await Person.join(server.url, zoe.code, 'ann'), await Person.join(server.url, zoe.code, 'omar')]
for (const [name, text] of TALK) await { zoe, ann, omar }[name]?.say(text)

const wide = await show(ann, { viewport: { width: 860, height: 600 } })
const phone = await show(omar, { viewport: { width: 330, height: 600 }, colorScheme: 'dark', hasTouch: true })
await wide.fill('#text', 'See you there')
await writeFile(new URL('../../static/screenshot.png', import.meta.url), await beside(wide, phone))
await browser.close()
await server.stop()

async function show(person: Person, options: BrowserContextOptions): Promise<Page> {
  const extraHTTPHeaders = { Authorization: `Bearer ${person.token}` }
  const page = await visit(browser, { timezoneId: 'UTC', locale: 'en-GB', extraHTTPHeaders, ...options })
  await page.goto(person.room)
  await page.waitForSelector('#status:has-text("Connected")')
  return page
}

async function beside(...pages: Page[]): Promise<Uint8Array> {
  const page = await browser.newPage({ viewport: { width: 1254, height: 640 } })
  const pictures = await Promise.all(pages.map(async (one) => (await one.screenshot()).toString('base64')))
  const images = pictures.map((data) => `<img src="data:image/png;base64,${data}">`)
  await page.setContent(`<style>${STYLE}</style>${images.join('')}`)
  return page.screenshot()
}
