// Takes the pictures in the README: a computer and a phone in one room, and a room in somebody's page. `npm run screenshot`
import { writeFile } from 'node:fs/promises'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { launch, visit } from './browser.ts'
import { Person } from './person.ts'
import { serve } from './server.ts'
import { endTls, showPage } from './tls.ts'

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

let framing = ''
const host = await showPage(() => framing)
const server = await serve({ frameOrigins: [`https://127.0.0.1:${host.port}`], trustedProxies: ['loopback'] })
const chat = await endTls(server.port)
const browser = await launch()
const zoe = await Person.create(server.url, 'zoe', 'Wednesday workshop')
const [ann, omar] = [await Person.join(server.url, zoe.code, 'ann'), await Person.join(server.url, zoe.code, 'omar')]
for (const [name, text] of TALK) await { zoe, ann, omar }[name]?.say(text)

const wide = await show(ann, { viewport: { width: 860, height: 600 } })
const phone = await show(omar, { viewport: { width: 330, height: 600 }, colorScheme: 'dark', hasTouch: true })
await wide.fill('#text', 'See you there')
await writeFile(new URL('../../static/screenshot.png', import.meta.url), await beside(wide, phone))
await writeFile(new URL('../../static/frame.jpg', import.meta.url), await framed())
await browser.close()
await host.stop()
await chat.stop()
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

/** A room in the page of a bakery, as one line of HTML puts it there. */
async function framed(): Promise<Uint8Array> {
  const baker = await Person.create(server.url, 'Corner Bakery', 'Sourdough')
  const { code } = baker
  const lou = await Person.join(server.url, code, 'lou')
  await lou.say('Do I need to bring flour?')
  await baker.say('No, we have plenty: rye, spelt and wheat. A jar is enough!')
  await lou.say('Lovely, see you at ten')
  framing = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Corner Bakery</title><style>
    body { margin: 0; font: 17px/1.6 Georgia, serif; background: #fbf7f0; color: #3a2c20 }
    header { padding: 18px 44px; border-bottom: 1px solid #e6d9c5; font-size: 22px; font-weight: bold }
    main { display: flex; gap: 36px; padding: 28px 36px } h1 { font-size: 30px; line-height: 1.2; margin: 0 0 12px }
    iframe { flex: none; border-radius: 14px; outline: 1px solid #e6d9c5 }</style>
    <header>Corner Bakery</header><main><div><h1>Wednesday workshop: sourdough from nothing</h1>
    <p>Bring a jar with a lid and an apron. We begin at ten, and the oven is yours until noon.</p>
    <p>Questions before you come, or on the way? Ask the others, right here.</p></div>
    <iframe src="https://localhost:${chat.port}/rooms/${code}?framed" name="${code}" title="Sourdough" width="360" height="430" style="border:0"></iframe></main></html>`
  const options = { ignoreHTTPSErrors: true, timezoneId: 'UTC', locale: 'en-GB', viewport: { width: 860, height: 560 } }
  const page = await visit(browser, options)
  await page.goto(`https://127.0.0.1:${host.port}/`)
  const room = page.frameLocator('iframe')
  await room.locator('#join-name').fill('mia')
  await room.locator('text="Join"').click()
  await room.locator('#status:text-is("Connected")').waitFor()
  return page.screenshot({ type: 'jpeg', quality: 84 })
}
