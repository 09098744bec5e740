import { setTimeout as pause } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { visit } from '../support/browser.ts'
import type { Person } from '../support/person.ts'
import type { Line, Notebook } from './notebook.ts'
import type { Random } from './random.ts'
import type { Record, Sighting } from './record.ts'

/** A browser's page that is live by scripts: what its log shows is noted line by line, and it says things too. */
export class LivePage {
  readonly notebook: Notebook
  readonly said: string[] = []
  readonly page: Page
  #record: Record
  #isAway = false

  private constructor(page: Page, notebook: Notebook, record: Record) {
    this.page = page
    this.notebook = notebook
    this.#record = record
  }

  static async open(browser: Browser, person: Person, notebook: Notebook, record: Record): Promise<LivePage> {
    const page = await visit(browser)
    await page.context().addCookies([cookieOf(person)])
    await page.exposeFunction('note', (line: Line) => notebook.note(tidy(line)))
    // What compiles this file wraps functions in this name.
    await page.addInitScript('globalThis.__name = (value) => value')
    await page.addInitScript(observe)
    await page.goto(person.room)
    return new LivePage(page, notebook, record)
  }

  /** Types a text and sends it; what happens to it is the page's business. */
  async say(text: string): Promise<void> {
    if (this.#isAway) return
    try {
      await this.page.fill('#text', text, { timeout: 1000 })
      await this.page.press('#text', 'Enter', { timeout: 1000 })
      this.said.push(text)
    } catch {
      // The page was on its way to another; nobody could have typed there.
    }
  }

  /** Reloads until there is a page, as a person does. */
  async reload(): Promise<void> {
    this.#isAway = true
    while (!(await this.#tryReload()));
    this.#isAway = false
  }

  async #tryReload(): Promise<boolean> {
    try {
      const response = await this.page.reload({ timeout: 5000 })
      return response?.status() === 200
    } catch {
      return false
    }
  }

  /** Another tab is in front for so long. */
  async hide(milliseconds: number): Promise<void> {
    await this.page.evaluate(setHidden, true).catch(() => {})
    await pause(milliseconds)
    await this.page.evaluate(setHidden, false).catch(() => {})
  }

  /** The machine sleeps for so long: nothing runs in the page. */
  async freeze(milliseconds: number): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page)
    // A page that is on its way to another cannot be frozen.
    await session.send('Page.setWebLifecycleState', { state: 'frozen' }).catch(() => {})
    await pause(milliseconds)
    await session.send('Page.setWebLifecycleState', { state: 'active' }).catch(() => {})
    await session.detach()
  }

  /** What is wrong with how it stands now: lines out of place, messages that wait, errors. */
  async problems(): Promise<string[]> {
    const { shown, waiting } = await this.page.evaluate(() => ({
      shown: [...document.querySelectorAll<HTMLElement>('.pages [data-cursor]')].map(
        (line) => line.dataset.cursor ?? '',
      ),
      waiting: document.querySelectorAll('#waiting li').length,
    }))
    const problems = (this.page as Page & { problems: string[] }).problems.map(
      (problem) => `${this.notebook.name}: ${problem}`,
    )
    if (waiting > 0) problems.push(`${this.notebook.name} has ${waiting} messages waiting`)
    for (const text of this.said)
      if (!this.#record.has(text)) problems.push(`${this.notebook.name} said ${text}, which is lost`)
    return [...problems, ...this.#outOfPlace(shown)]
  }

  #outOfPlace(shown: string[]): string[] {
    const noted = this.notebook.lines.filter((line): line is Sighting => 'seq' in line).map(({ cursor }) => cursor)
    const isTail = shown.every((cursor, index) => cursor === noted.at(index - shown.length))
    return isTail ? [] : [`${this.notebook.name} shows lines in another order than they came`]
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
      this.notebook.note({ page: { saysEarlier } })
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
    await this.#page.goto(this.#page.url(), { waitUntil: 'commit', timeout: 5000 }).catch(() => {})
  }
}

/** What befalls pages, beside what befalls their connections. */
export async function disturb(page: LivePage, random: Random): Promise<string> {
  const [kind, milliseconds] = [random.pick(['reload', 'hide', 'freeze'] as const), random.whole(1000, 4000)]
  if (kind === 'reload') await page.reload()
  else await page[kind](milliseconds)
  return kind
}

function cookieOf({ room, token }: Person) {
  return { name: 'parlour', value: token, url: room, httpOnly: true, sameSite: 'Lax' as const }
}

// What comes out of a browser has `null` for what cannot be.
function tidy(line: Line): Line {
  return 'gap' in line ? { gap: line.gap ?? undefined } : line
}

/** Runs in the page, before its own scripts. */
function observe(): void {
  const read = (line: HTMLElement) => {
    const note = (window as unknown as { note(line: unknown): void }).note
    if (line.matches?.('.gap'))
      note({ gap: /^\d+/.test(line.textContent ?? '') ? Number.parseInt(line.textContent ?? '', 10) : null })
    if (!line.matches?.('.message')) return
    const [seq, cursor] = [Number(line.id.slice(1)), line.dataset.cursor]
    note({
      seq,
      cursor,
      text: line.querySelector('.text')?.textContent,
      at: Date.parse(line.querySelector('time')?.dateTime ?? ''),
    })
  }
  document.addEventListener('DOMContentLoaded', () => {
    const log = document.getElementById('log')
    if (!log) return
    const note = (window as unknown as { note(line: unknown): void }).note
    note({ page: { saysEarlier: document.querySelector('.older') !== null } })
    for (const line of document.querySelectorAll<HTMLElement>('.pages .message, .pages .gap')) read(line)
    const added = (changes: MutationRecord[]) => {
      for (const change of changes) for (const line of change.addedNodes) read(line as HTMLElement)
    }
    new MutationObserver(added).observe(log, { childList: true })
  })
}

/** Runs in the page: it seems to be behind another. */
function setHidden(isHidden: boolean): void {
  Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true })
  Object.defineProperty(document, 'visibilityState', { value: isHidden ? 'hidden' : 'visible', configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
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
