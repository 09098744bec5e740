import type { Browser } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FoxPage } from './faults/fox.ts'
import { Journal } from './faults/journal.ts'
import { LivePage } from './faults/pages.ts'
import { Record } from './faults/record.ts'
import type { Screen } from './faults/screen.ts'
import { WebProxy } from './faults/web.ts'
import { CHROMIUM, debuggable, launch } from './support/browser.ts'
import { FIREFOX, Firefox } from './support/firefox.ts'
import { Person } from './support/person.ts'
import { serve, type TestServer } from './support/server.ts'
import { needing } from './support/tools.ts'

const HISTORY = 500
const PATIENCE_MS = 120_000
const NOTHING = { missing: 0, twice: 0, disordered: 0, untrue: 0, vanished: 0, unseen: 0, falselyConnected: 0 }

interface Setting {
  browser: Browser
}

const all = suite<Setting>('screens')
all.before(async (context) => {
  context.browser = await launch()
})
all.after(async ({ browser }) => browser?.close())
const test = needing(CHROMIUM, all)
const foxTest = needing(FIREFOX, all)

test('what was missed beyond what is kept is told, and the gap stays in view while the page lets go of lines', async ({
  browser,
}) => {
  const house = await House.open()
  const [screen] = await house.seat(browser)
  await house.say(3)
  await house.caughtUp(screen)
  house.isReached = false
  screen.web.cut()
  await house.say(HISTORY + 20)
  house.isReached = true
  await house.caughtUp(screen)
  await house.say(150)
  await house.caughtUp(screen)
  assert.ok((await house.close(screen)) > 0)
})

test('who pages back while the server begins anew sees nothing above what is older, and is told what is gone', async ({
  browser,
}) => {
  const house = await House.open()
  await house.say(120)
  const [screen] = await house.seat(browser)
  await screen.pageBack(300)
  await house.restart()
  await house.say(70)
  await screen.pageBack(3000)
  await house.caughtUp(screen)
  assert.ok((await house.close(screen)) > 0)
})

test('eight tabs share six connections where sockets are blocked: all of them follow, and each can write', async ({
  browser,
}) => {
  const house = await House.open()
  const screens = await house.seat(browser, 8, 'refused sockets')
  await house.say(1)
  await screens[7].say('from the last tab')
  for (const screen of screens) await house.caughtUp(screen, 2)
  await house.close(...screens)
})

test('what waits in a tab outlives its crash, and goes out once', async () => {
  const house = await House.open()
  const [browser, debugging] = await debuggable()
  const [screen] = await house.seat(browser, 1, undefined, debugging)
  screen.web.rules.add('lost answers')
  await screen.say('before the crash')
  await house.until(() => house.record.has('before the crash') || screen.journal.waiting > 0)
  await (screen as LivePage).crash()
  screen.web.rules.clear()
  await house.caughtUp(screen, 1)
  await house.until(() => screen.journal.waiting === 0)
  await browser.close()
  await house.close(screen)
})

test('what waits in a tab that is opened a second time is stored once', async ({ browser }) => {
  const house = await House.open()
  const [screen] = await house.seat(browser)
  screen.web.rules.add('lost answers')
  await screen.say('once only')
  const twin = await (screen as LivePage).duplicate(new Journal('twin', house.record))
  screen.web.rules.clear()
  screen.web.cut()
  for (const each of [screen, twin]) {
    await house.caughtUp(each, 1)
    await house.until(() => each.journal.waiting === 0)
  }
  assert.is((await house.host.fetch('/messages').then((answer) => answer.json())).messages.length, 1)
  await house.close(screen, twin)
})

foxTest(
  'in Firefox too a page shows all of it once where sockets and then events are blocked, and over a restart',
  async () => {
    const house = await House.open()
    const firefox = await Firefox.launch()
    const web = await WebProxy.open(() => house.port)
    web.rules.add('refused sockets')
    const person = await Person.join(web.url, house.host.code, 'fox')
    const screen = await FoxPage.open(firefox, person, web, new Journal('fox', house.record))
    await house.say(5)
    await house.caughtUp(screen, 5)
    await screen.say('from Firefox')
    await house.caughtUp(screen, 6)
    web.rules.clear()
    await house.restart()
    await house.say(5)
    await screen.say('and after the restart')
    await house.caughtUp(screen, 6)
    await firefox.close()
    await house.close(screen)
  },
)

all.run()

/** A room in a server that can begin anew, somebody who talks in it, and others who look at it through browsers. */
class House {
  readonly record = new Record()
  isReached = true
  host!: Person
  #server!: TestServer
  #count = 0

  static async open(): Promise<House> {
    const house = new House()
    house.record.begin(Date.now())
    house.#server = await serve({ history: HISTORY })
    house.host = await Person.create(house.#server.url, 'zoe')
    return house
  }

  /** Where browsers find it; nowhere while it cannot be reached. */
  get port(): number {
    return this.isReached ? this.#server.port : 1
  }

  /** Somebody's tabs, behind something that knows what they ask for. */
  async seat(browser: Browser, tabs = 1, rule?: 'refused sockets', debugging?: string): Promise<Screen[]> {
    const web = await WebProxy.open(() => this.port)
    if (rule) web.rules.add(rule)
    const person = await Person.join(web.url, this.host.code, 'ann')
    const context = await browser.newContext()
    const journals = Array.from({ length: tabs }, (_, tab) => new Journal(`tab ${tab}`, this.record))
    return Promise.all(journals.map((journal) => LivePage.open(context, person, web, journal, debugging)))
  }

  /** The host says so many things. */
  async say(messages: number): Promise<void> {
    for (let left = messages; left > 0; left -= 1) {
      const { seq, cursor, text, at } = await this.host.say(`text ${(this.#count += 1)}`)
      this.record.see({ seq, cursor, text, at: Date.parse(at) })
    }
  }

  async restart(): Promise<void> {
    const { port } = this.#server
    await this.#server.stop()
    // A life begins later than all that was said before it.
    await this.until(() => Date.now() > this.#newest)
    this.record.begin(Date.now())
    this.#server = await serve({ history: HISTORY, port })
    // What went to the server before fails once, over its connection.
    while (!(await fetch(`${this.#server.url}/health`).catch(() => undefined))?.ok);
  }

  get #newest(): number {
    return Math.max(0, ...[...(this.record.lives.at(-1)?.values() ?? [])].map(({ at }) => at))
  }

  /** Settles once a page shows the newest message, of so many at least. */
  caughtUp({ journal }: Screen, messages = 0): Promise<void> {
    return this.until(() => this.record.size(this.record.lives.length - 1) >= messages && journal.isCaughtUp)
  }

  async until(isSo: () => boolean): Promise<void> {
    const end = performance.now() + PATIENCE_MS
    while (!isSo()) {
      if (performance.now() > end) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${isSo}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** Holds what was seen against the record, and takes everything down; how many gaps were told. */
  async close(...screens: Screen[]): Promise<number> {
    const verdicts = screens.map(({ journal }) => journal.judge(HISTORY))
    for (const { web } of screens) web.close()
    await this.#server.stop()
    for (const { gaps: _, problems, ...counts } of verdicts) assert.equal(counts, NOTHING, problems.join('\n'))
    assert.equal([...this.record.conflicts, ...screens.flatMap(({ problems }) => problems)], [])
    return verdicts.reduce((total, { gaps }) => total + gaps, 0)
  }
}
