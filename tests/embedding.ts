import type { Browser, BrowserContextOptions, Frame, Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findings } from './support/axe.ts'
import { CHROMIUM, launch, visit } from './support/browser.ts'
import { FIREFOX, Firefox } from './support/firefox.ts'
import { Person } from './support/person.ts'
import { serve, type TestServer } from './support/server.ts'
import { endTls, showPage, type TlsRules, type TlsSite } from './support/tls.ts'
import { hasTool, needing } from './support/tools.ts'

// No cookie of another site but those that are kept apart for the page around.
const BLOCKING = '--test-third-party-cookie-phaseout'
// Firefox: every site has a jar for each page around it; or nothing is kept for a site in another one.
const APART = { 'network.cookie.cookieBehavior': 5 }
const NOTHING_KEPT = { 'network.cookie.cookieBehavior': 1 }
const KINDS = [
  ['with scripts', {}],
  ['without scripts', { javaScriptEnabled: false }],
] as const

const all = suite<{ sites: Sites; browser: Browser }>('embedding')
const test = needing(CHROMIUM, all)
const foxTest = needing(FIREFOX, all)

all.before(async (context) => {
  context.sites = await Sites.open()
  if (hasTool(CHROMIUM)) context.browser = await launch(BLOCKING)
})
all.after.each(async ({ browser }) => {
  for (const context of browser?.contexts() ?? []) await context.close()
})
all.after(async ({ sites, browser }) => {
  await browser?.close()
  await sites.stop()
})

for (const [kind, options] of KINDS) {
  test(`in Chromium, ${kind}, one joins in a frame on another site, talks, reloads, and is the same in a window`, async ({
    browser,
    sites,
  }) => {
    const zoe = await sites.room()
    const page = await embed(browser, sites, zoe, options)
    await joinIn(page, zoe)
    const own = await ownId(page)
    await zoe.say('hello ann')
    await shows(page, 'hello ann')
    await write(page, 'hello zoe')
    await shows(page, 'hello zoe')
    assert.is((await said(zoe)).at(-1)?.member, own)
    await page.reload()
    await shows(page, 'hello zoe')
    assert.is(await ownId(page), own)
    const opened = page.context().waitForEvent('page')
    await chat(page).locator('text="Open in a window"').click()
    const window = await opened
    await window.waitForURL(`${sites.chat}/rooms/${zoe.code}`)
    await window.waitForSelector('.share')
    assert.is(await window.locator('#say').getAttribute('data-member'), own)
    assert.is(await window.evaluate('opener'), null)
    assert.equal(page.problems, [])
  })
}

test('where sockets are blocked events bring the lines', async ({ browser }) => {
  const sites = await Sites.open({ areSocketsRefused: true })
  const zoe = await sites.room()
  const page = await embed(browser, sites, zoe)
  await joinIn(page, zoe)
  await chat(page).locator('#status:text-is("Connected")').waitFor()
  await zoe.say('by events')
  await shows(page, 'by events')
  assert.ok(sites.asked.some((asked) => asked.includes('/events')))
  assert.equal(page.problems, [])
  await sites.stop()
})

for (const [kind, options] of KINDS) {
  test(`where a browser keeps no cookie in a frame, ${kind}, that is said instead of the door, and a window goes on`, async ({
    browser,
  }) => {
    const sites = await Sites.open({ isUnpartitioned: true })
    const zoe = await sites.room()
    const page = await embed(browser, sites, zoe, options)
    await fillDoor(page)
    await chat(page).locator('text=keeps nothing').waitFor()
    assert.is(await chat(page).locator('input[name="name"]').count(), 0)
    const opened = page.context().waitForEvent('page')
    await chat(page).locator('text="Open in a window"').click()
    const window = await opened
    await window.waitForSelector('.share')
    assert.is(window.url(), `${sites.chat}/rooms/${zoe.code}`)
    assert.match((await window.locator('.people').textContent()) ?? '', 'You are ann')
    if (kind === 'with scripts') assert.equal(await findings(chatFrame(page)), [])
    await sites.stop()
  })
}

test('a site that is not listed shows no frame, nor does one within a site that is', async ({ browser, sites }) => {
  const zoe = await sites.room()
  const isShown = async (address: string, depth: number) => {
    const page = await visit(browser, { ignoreHTTPSErrors: true })
    await page.goto(address)
    const inner = page.frames()[depth]
    const text = await inner.locator('body').textContent()
    return text?.includes('Your name') ?? false
  }
  sites.show(zoe)
  assert.equal(
    [await isShown(sites.listed, 1), await isShown(sites.alsoListed, 2)],
    [true, true],
    'a listed one, and one around that',
  )
  assert.equal(
    [await isShown(sites.unlisted, 1), await isShown(sites.unlistedAround, 2)],
    [false, false],
    'one that is not listed, and one around that is not',
  )
})

test('read-only is live, stays so, and leads to a window to write', async ({ browser, sites }) => {
  const zoe = await sites.room()
  const page = await embed(browser, sites, zoe, {}, '&readonly')
  await fillDoor(page)
  await chat(page).locator('text="Open in a window to write"').waitFor()
  await zoe.say('to be read')
  await shows(page, 'to be read')
  assert.not(await chat(page).locator('#text').isVisible())
  await page.reload()
  await shows(page, 'to be read')
  assert.not(await chat(page).locator('#text').isVisible())
  const opened = page.context().waitForEvent('page')
  await chat(page).locator('text="Open in a window to write"').click()
  await (await opened).waitForSelector('#text')
})

test('links go out of the frame, and without scripts earlier messages stay in it', async ({ browser, sites }) => {
  const zoe = await sites.room()
  for (let index = 0; index < 60; index += 1) await zoe.say(`line ${index}`)
  const page = await embed(browser, sites, zoe, { javaScriptEnabled: false })
  await joinIn(page, zoe)
  await shows(page, 'line 59')
  await (await part(page, '/live')).locator('.older a').click({ noWaitAfter: true })
  await chat(page).locator('.message >> text="line 0"').waitFor()
  assert.is(page.context().pages().length, 1)
  await chat(page).locator('text="Back to the newest messages"').click()
  await shows(page, 'line 59')
  await chat(page).locator('summary').click()
  const opened = page.context().waitForEvent('page')
  await chat(page).locator('#link').click()
  await (await opened).waitForSelector('#join-name')
  assert.match(page.url(), sites.listed)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`pages in a small frame are without a finding of axe, and nothing in them is too wide, ${colorScheme}`, async ({
    browser,
    sites,
  }) => {
    const zoe = await sites.room('A title that is long enough to want two lines and more in any frame')
    const look = async (path: string, name?: string) => {
      const page = await embed(browser, sites, zoe, { colorScheme }, '', path, [320, 400])
      if (name) {
        await joinIn(page, zoe, name)
        await chat(page).locator('#status:text-is("Connected")').waitFor()
        await zoe.say('hello')
        await shows(page, 'hello')
        await chat(page).locator('summary').click()
      }
      const [, frame] = page.frames()
      assert.equal(await findings(frame), [], path)
      const isWide = await frame.evaluate(() => document.documentElement.scrollWidth > innerWidth)
      assert.not(isWide, path)
      const isOut = await frame.evaluate(() =>
        [...document.querySelectorAll('.bar > *, .people > div')].some((one) => {
          const { left, right } = one.getBoundingClientRect()
          return left < 0 || right > innerWidth
        }),
      )
      assert.not(isOut, path)
    }
    await look(`/rooms/${zoe.code}?framed`)
    await look(`/rooms/${zoe.code}?framed`, 'ann')
    await look(`/rooms/${zoe.code}?framed&readonly`, 'bob')
    await look('/?framed')
    await look('/nothing?framed')
  })
}

for (const hasScripts of [true, false]) {
  foxTest(`in Firefox too, ${KINDS[hasScripts ? 0 : 1][0]}`, async ({ sites }) => {
    const zoe = await sites.room()
    sites.show(zoe)
    const firefox = await Firefox.launch({ ...APART, 'javascript.enabled': hasScripts })
    const tab = await firefox.open(() => {}, [])
    await tab.goto(sites.listed)
    const room = new RegExp(`/rooms/${zoe.code}\\?`)
    const lines = hasScripts ? room : new RegExp(`/rooms/${zoe.code}/live/`)
    const field = hasScripts ? room : new RegExp(`/rooms/${zoe.code}/write`)
    await (await firefox.showing(room)).click('#join-name')
    await (await firefox.showing(room)).enter('ann')
    await (await firefox.showing(room)).find('.people')
    await (await firefox.showing(lines)).find('.messages')
    await zoe.say('hello ann')
    await (await firefox.showing(lines)).find('#m1')
    await (await firefox.showing(field)).click('#text')
    await (await firefox.showing(field)).type('hello zoe')
    await (await firefox.showing(field)).click('.say button')
    await (await firefox.showing(lines)).find('#m2')
    const { attributes } = (await (await firefox.showing(room)).find('#say')).value
    assert.is((await said(zoe)).at(-1)?.member, attributes['data-member'])
    await tab.reload()
    await (await firefox.showing(lines)).find('#m2')
    const again = (await (await firefox.showing(room)).find('#say')).value
    assert.is(again.attributes['data-member'], attributes['data-member'])
    await (await firefox.showing(room)).click('.outside button')
    const window = await firefox.showing(new RegExp(`/rooms/${zoe.code}$`))
    const own = (await window.find('#say')).value
    assert.is(own.attributes['data-member'], attributes['data-member'])
    await firefox.close()
  })
}

foxTest(
  'in Firefox that keeps nothing in frames, that is said instead of the door, and a window goes on',
  async ({ sites }) => {
    const zoe = await sites.room()
    sites.show(zoe)
    const firefox = await Firefox.launch(NOTHING_KEPT)
    const tab = await firefox.open(() => {}, [])
    await tab.goto(sites.listed)
    const frame = await firefox.showing(new RegExp(`/rooms/${zoe.code}\\?`))
    await frame.click('#join-name')
    await frame.enter('ann')
    const told = await firefox.showing(/&joined=/)
    await told.click('.outside button')
    const window = await firefox.showing(new RegExp(`/rooms/${zoe.code}$`))
    const { attributes } = (await window.find('#say')).value
    await zoe.say('hello')
    await window.find('#m1')
    assert.match(attributes['data-member'], /^\w+$/)
    await firefox.close()
  },
)

all.run()

/** A chat behind TLS, and sites around it, of which two are listed. */
class Sites {
  readonly #server: TestServer
  readonly #chat: TlsSite
  readonly #hosts: readonly TlsSite[]
  readonly #shown: { html: string }

  private constructor(server: TestServer, chat: TlsSite, hosts: readonly TlsSite[], shown: { html: string }) {
    this.#server = server
    this.#chat = chat
    this.#hosts = hosts
    this.#shown = shown
  }

  static async open(rules?: TlsRules): Promise<Sites> {
    const shown = { html: '' }
    const hosts: TlsSite[] = []
    const around = (inner: number) => () => inFrame(at(hosts[inner]), 500, 700)
    // The first is listed, and so is the one around it; then one is not, nor the one around the first.
    for (const html of [() => shown.html, around(0), () => shown.html, around(0)]) hosts.push(await showPage(html))
    const server = await serve({ frameOrigins: hosts.slice(0, 2).map(at), trustedProxies: ['loopback'] })
    return new Sites(server, await endTls(server.port, rules), hosts, shown)
  }

  get chat(): string {
    return `https://localhost:${this.#chat.port}`
  }

  get asked(): readonly string[] {
    return this.#chat.asked
  }

  get listed(): string {
    return at(this.#hosts[0])
  }

  get alsoListed(): string {
    return at(this.#hosts[1])
  }

  get unlisted(): string {
    return at(this.#hosts[2])
  }

  get unlistedAround(): string {
    return at(this.#hosts[3])
  }

  room(title = 'A room'): Promise<Person> {
    return Person.create(this.#server.url, 'zoe', title)
  }

  /** From now on the sites show this, with what is named in the address. */
  show({ code }: Person, more = '', path = `/rooms/${code}?framed`, [width, height] = [400, 600]): void {
    this.#shown.html = inFrame(`${this.chat}${path}${more}`, width, height, code)
  }

  async stop(): Promise<void> {
    for (const site of [...this.#hosts, this.#chat]) await site.stop()
    await this.#server.stop()
  }
}

function at({ port }: TlsSite): string {
  return `https://127.0.0.1:${port}`
}

function inFrame(address: string, width: number, height: number, name = ''): string {
  const frame = `<iframe src="${address}" name="${name}" title="A room" width="${width}" height="${height}" style="border:0"></iframe>`
  return `<!doctype html><html lang="en"><title>A site</title>${frame}</html>`
}

/** The page of a listed site with a room in it, as the line to be copied puts it there. */
async function embed(
  browser: Browser,
  sites: Sites,
  zoe: Person,
  options: BrowserContextOptions = {},
  ...shown: [more?: string, path?: string, size?: [number, number]]
) {
  sites.show(zoe, ...shown)
  const page = await visit(browser, { ignoreHTTPSErrors: true, ...options })
  await page.goto(sites.listed)
  return page
}

function chat(page: Page) {
  return page.frameLocator('iframe')
}

async function fillDoor(page: Page, name = 'ann'): Promise<void> {
  await chat(page).locator('#join-name').fill(name)
  await chat(page).locator('text="Join"').click({ noWaitAfter: true })
}

/** Joins in the frame, and waits until the room is there. */
async function joinIn(page: Page, zoe: Person, name?: string): Promise<void> {
  await fillDoor(page, name)
  await chat(page).locator('.people').waitFor()
  assert.match(chatFrame(page).url(), new RegExp(`/rooms/${zoe.code}\\?framed(&readonly)?$`))
  if (await isPlain(page)) await (await part(page, '/live/')).waitForSelector('.messages', { state: 'attached' })
}

function chatFrame(page: Page): Frame {
  return page.frames()[1]
}

async function isPlain(page: Page): Promise<boolean> {
  return (await chat(page).locator('.frames').count()) > 0
}

async function ownId(page: Page): Promise<string | null> {
  return chat(page).locator('#say').getAttribute('data-member')
}

async function shows(page: Page, text: string): Promise<void> {
  await chat(page).locator('.people').waitFor()
  const lines = (await isPlain(page)) ? await part(page, '/live/') : chatFrame(page)
  await lines.waitForSelector(`.text:text-is("${text}")`)
}

async function write(page: Page, text: string): Promise<void> {
  const form = (await isPlain(page)) ? await part(page, '/write') : chatFrame(page)
  await form.fill('#text', text)
  await form.click('.say button', { noWaitAfter: true })
}

/** The frame in the frame that shows this address, once it is there. */
async function part(page: Page, path: string): Promise<Frame> {
  const isIt = (frame: Frame) => new URL(frame.url(), 'http://x').pathname.includes(path)
  return page.frames().find(isIt) ?? (await page.waitForEvent('framenavigated', isIt))
}

async function said(zoe: Person): Promise<{ member: string; text: string }[]> {
  return (await (await zoe.fetch('/messages')).json()).messages
}
