import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { type Browser, type BrowserContext, chromium, type Page, type Response } from 'playwright-core'
import { WebSocket } from 'ws'
import { visit } from '../support/browser.ts'
import type { Person } from '../support/person.ts'
import type { Journal } from './journal.ts'
import { type Glance, loosenClock, watch } from './look.ts'
import type { Line, Notebook } from './notebook.ts'
import type { Random } from './random.ts'
import { goDown, goUp, Screen, setSkew } from './screen.ts'
import type { WebProxy } from './web.ts'

/** A page in Chromium. */
export class LivePage extends Screen {
  /** Where its browser, which has no other page, takes orders from others than the tool that started it. */
  readonly debugging: string | undefined
  #page: Page

  private constructor(page: Page, person: Pick<Person, 'room'>, web: WebProxy, journal: Journal, debugging?: string) {
    super(person, web, journal)
    this.#page = page
    this.debugging = debugging
    this.#hearken()
  }

  /**
   * Opens a tab of somebody whose browser has their cookie.
   * @param debugging where that browser takes orders, if it has no other page: then this one can crash
   */
  static async open(
    context: BrowserContext,
    person: Person,
    web: WebProxy,
    journal: Journal,
    debugging?: string,
  ): Promise<LivePage> {
    await context.addCookies([cookieOf(person)])
    const page = new LivePage(await context.newPage(), person, web, journal, debugging)
    await page.#prepare()
    await page.#page.goto(person.room)
    return page
  }

  async say(text: string): Promise<void> {
    if (this.awake === undefined) return
    try {
      const returned = await this.#page.inputValue('#text', { timeout: 1000 })
      await this.#page.fill('#text', returned ? `${returned}\n${text}` : text, { timeout: 1000 })
      await this.#page.press('#text', 'Enter', { timeout: 1000 })
    } catch {
      // The page was on its way to another; nobody could have typed there.
    }
  }

  async reload(): Promise<void> {
    await this.away(async () => {
      while (!(await this.#isThere(() => this.#page.reload({ timeout: 5000 }))));
    })
  }

  /** Another tab is in front for so long. */
  async hide(milliseconds: number): Promise<void> {
    await this.away(async () => {
      await this.#page.evaluate(setHidden, true).catch(() => {})
      await pause(milliseconds)
      await this.#page.evaluate(setHidden, false).catch(() => {})
    })
  }

  /** The machine sleeps for so long: nothing runs in the page. */
  async freeze(milliseconds: number): Promise<void> {
    await this.away(async () => {
      const session = await this.#page.context().newCDPSession(this.#page)
      // A page that is on its way to another cannot be frozen.
      await session.send('Page.setWebLifecycleState', { state: 'frozen' }).catch(() => {})
      await pause(milliseconds)
      await session.send('Page.setWebLifecycleState', { state: 'active' }).catch(() => {})
      await session.detach()
    })
  }

  /** For so long its machine is six times as slow. */
  async slow(milliseconds: number): Promise<void> {
    const session = await this.#page.context().newCDPSession(this.#page)
    await session.send('Emulation.setCPUThrottlingRate', { rate: 6 }).catch(() => {})
    await pause(milliseconds)
    await session.send('Emulation.setCPUThrottlingRate', { rate: 1 }).catch(() => {})
    await session.detach().catch(() => {})
  }

  async skew(milliseconds: number, random: Random): Promise<void> {
    const hours = random.pick([-26, -1, 1, 26])
    await this.#page.evaluate(setSkew, hours * 3_600_000).catch(() => {})
    await pause(milliseconds)
    await this.#page.evaluate(setSkew, 0).catch(() => {})
  }

  async pageBack(milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds
    while (performance.now() < end) {
      await this.#page.evaluate(goUp).catch(() => {})
      await pause(500)
    }
    await this.goDown()
  }

  async goDown(): Promise<void> {
    await this.#page.evaluate(goDown).catch(() => {})
  }

  /** Its process dies, and somebody loads it again: the tab keeps what it kept. */
  async crash(): Promise<void> {
    await this.away(async () => {
      this.#page = await revive(this.#page, this.debugging as string)
      this.#hearken()
      await this.#prepare()
      while (!(await this.#isThere(() => this.#page.goto(this.room, { timeout: 5000 }))));
    })
  }

  /** Somebody opens the tab a second time: that gets a copy of all that the tab keeps. */
  async duplicate(journal: Journal): Promise<LivePage> {
    const opened = this.#page.context().waitForEvent('page', { timeout: 5000 })
    await this.#page.evaluate(() => window.open(location.href))
    const twin = new LivePage(await opened, { room: this.room }, this.web, journal)
    await twin.#prepare()
    // What it showed before it was looked at counts as little as what a copied tab showed.
    await twin.reload()
    return twin
  }

  async close(): Promise<void> {
    this.awake = undefined
    this.journal.isClosed = true
    await this.#page.close()
  }

  #hearken(): void {
    this.#page.setDefaultTimeout(60_000)
    this.#page.on('pageerror', (error) => this.errors.push(String(error)))
  }

  async #prepare(): Promise<void> {
    await this.#page.exposeFunction('glance', (glance: Glance) => this.journal.note(glance))
    // What compiles this file wraps functions in this name.
    await this.#page.addInitScript('globalThis.__name = (value) => value')
    await this.#page.addInitScript(loosenClock)
    await this.#page.addInitScript(watch)
  }

  async #isThere(load: () => Promise<Response | null>): Promise<boolean> {
    try {
      if ((await load())?.status() !== 200) return false
      return await this.#page.evaluate(() => 'htmx' in window)
    } catch {
      return false
    }
  }
}

/** A browser's page without scripts: the stream in its frame is looked at now and then. */
export class PlainPage {
  readonly notebook: Notebook
  /** How often somebody had to reload it, because its browser would not. */
  reloads = 0
  #page: Page
  #document = 0
  #shown = 0
  #lost = 0
  #looks = 0
  // Somebody who loads a page by hand begins anew; one that comes back by itself goes on.
  #isByHand = true
  #isStopped = false

  private constructor(page: Page, notebook: Notebook) {
    this.#page = page
    this.notebook = notebook
  }

  static async open(browser: Browser, person: Person, notebook: Notebook): Promise<PlainPage> {
    const page = await visit(browser, { javaScriptEnabled: false })
    await page.context().addCookies([cookieOf(person)])
    await page.goto(person.room, { waitUntil: 'commit' })
    return new PlainPage(page, notebook)
  }

  /** Looks at what is there, until told to stop. */
  async watch(): Promise<void> {
    while (!this.#isStopped) {
      await Promise.race([this.#look(), pause(2000)])
      await pause(200)
    }
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Which documents it holds. */
  toString(): string {
    return this.#page
      .frames()
      .map((frame) => frame.url())
      .join(' ')
  }

  async #look(): Promise<void> {
    const look = ++this.#looks
    try {
      const frame = this.#page.frames().find((frame) => frame.url().includes('/live'))
      if (!frame) return await this.#reload()
      const seen = await frame.evaluate(readLog)
      if (look === this.#looks) this.#take(seen)
    } catch {
      // Between two documents there is nothing to look at.
      await this.#reload()
    }
  }

  #take({ document, saysEarlier, lines }: ReturnType<typeof readLog>): void {
    if (document !== this.#document) {
      this.#document = document
      this.notebook.note({ page: { saysEarlier: saysEarlier && this.#isByHand } })
      this.#isByHand = false
      this.#shown = 0
    }
    for (const line of lines.slice(this.#shown)) this.notebook.note(tidy(line))
    this.#shown = lines.length
    this.#lost = 0
  }

  async #reload(): Promise<void> {
    this.#lost += 1
    if (this.#lost < 30) return
    this.#lost = 0
    this.reloads += 1
    this.#isByHand = true
    await this.#page.goto(this.#page.url(), { waitUntil: 'commit', timeout: 5000 }).catch(() => {})
  }
}

/** What befalls pages, beside what befalls their connections. */
export const DISTURBANCES = ['reload', 'skew', 'pageBack', 'hide', 'freeze', 'slow'] as const
const ANYWHERE = ['reload', 'skew', 'pageBack'] as const

/** Does one of these to a page, for some seconds: one of another kind where its browser has no such orders. */
export async function disturb(page: Screen, kind: (typeof DISTURBANCES)[number], random: Random): Promise<void> {
  const milliseconds = random.whole(1000, 4000)
  if (page instanceof LivePage) await page[kind](milliseconds, random)
  else await page[random.pick(ANYWHERE)](milliseconds, random)
}

function cookieOf({ room, token }: Person) {
  return { name: 'parlour', value: token, url: room, httpOnly: true, sameSite: 'Lax' as const }
}

// What comes out of a browser has `null` for what cannot be.
function tidy(line: Line): Line {
  return 'gap' in line ? { gap: line.gap ?? undefined } : line
}

/** Runs in the page: it seems to be behind another. */
function setHidden(isHidden: boolean): void {
  Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true })
  Object.defineProperty(document, 'visibilityState', { value: isHidden ? 'hidden' : 'visible', configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
}

/** The tool that drives the browser gives up a page that crashed: it is found anew by another line to the browser. */
async function revive(page: Page, url: string): Promise<Page> {
  const session = await page.context().newCDPSession(page)
  const { targetInfo } = await session.send('Target.getTargetInfo')
  const crashed = page.waitForEvent('crash')
  session.send('Page.crash').catch(() => {})
  await crashed
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/devtools/page/${targetInfo.targetId}`)
  await once(socket, 'open')
  socket.send(JSON.stringify({ id: 1, method: 'Page.navigate', params: { url: 'about:blank' } }))
  await once(socket, 'message')
  socket.close()
  const browser = await chromium.connectOverCDP(url)
  for (const found of browser.contexts().flatMap((context) => context.pages())) {
    const other = await found.context().newCDPSession(found)
    if ((await other.send('Target.getTargetInfo')).targetInfo.targetId === targetInfo.targetId) return found
  }
  throw new Error('the page that crashed was not found again')
}

/** Runs in the frame without scripts, by way of the tool that drives the browser. */
function readLog() {
  const all = [...document.querySelectorAll<HTMLElement>('.messages > .message, .messages > .gap')]
  // A line that nothing follows, not even a line break, may have come in half.
  if (all.at(-1)?.nextSibling === null) all.pop()
  const lines = all.map((line) =>
    line.matches('.gap')
      ? { gap: /^\d+/.test(line.textContent ?? '') ? Number.parseInt(line.textContent ?? '', 10) : undefined }
      : {
          seq: Number(line.id.slice(1)),
          cursor: line.dataset.cursor ?? '',
          text: line.querySelector('.text')?.textContent ?? '',
          at: Date.parse(line.querySelector('time')?.dateTime ?? ''),
        },
  )
  return { document: performance.timeOrigin, saysEarlier: document.querySelector('.older') !== null, lines }
}
