import { setTimeout as pause } from 'node:timers/promises'
import type { Firefox, FirefoxTab } from '../support/firefox.ts'
import type { Person } from '../support/person.ts'
import type { Journal } from './journal.ts'
import { loosenClock, watch } from './look.ts'
import type { Random } from './random.ts'
import { goDown, goUp, Screen, setSkew } from './screen.ts'
import type { WebProxy } from './web.ts'

const PATIENCE = 5000
const IS_THERE = `'htmx' in window && document.getElementById('text') !== null`

/** A page in Firefox. */
export class FoxPage extends Screen {
  #tab: FirefoxTab

  private constructor(tab: FirefoxTab, person: Person, web: WebProxy, journal: Journal) {
    super(person, web, journal)
    this.#tab = tab
  }

  static async open(firefox: Firefox, person: Person, web: WebProxy, journal: Journal): Promise<FoxPage> {
    // What compiles this file wraps functions in this name.
    const begin = 'globalThis.__name = (value) => value; globalThis.glance = (glance) => tell(JSON.stringify(glance))'
    const scripts = [begin, `(${loosenClock})()`, `(${watch})()`]
    const tab = await firefox.open((words) => journal.note(JSON.parse(words)), scripts)
    await tab.addCookie(person.room, 'parlour', person.token)
    const page = new FoxPage(tab, person, web, journal)
    await page.reload()
    return page
  }

  async say(text: string): Promise<void> {
    if (this.awake === undefined) return
    try {
      const focus = `document.getElementById('text').focus(), document.getElementById('text').value`
      const returned = await this.#tab.evaluate<string>(focus)
      await this.#tab.evaluate(`document.getElementById('text').value += ${JSON.stringify(returned && '\n')}`)
      await this.#tab.enter(text)
    } catch {
      // The page was on its way to another; nobody could have typed there.
    }
  }

  async reload(): Promise<void> {
    await this.away(async () => {
      while (!(await Promise.race([this.#tryReload(), pause(PATIENCE, false)])));
    })
  }

  async skew(milliseconds: number, random: Random): Promise<void> {
    await this.#run(setSkew, random.pick([-26, -1, 1, 26]) * 3_600_000)
    await pause(milliseconds)
    await this.#run(setSkew, 0)
  }

  async pageBack(milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds
    while (performance.now() < end) {
      await this.#run(goUp)
      await pause(500)
    }
    await this.goDown()
  }

  async goDown(): Promise<void> {
    await this.#run(goDown)
  }

  async #tryReload(): Promise<boolean> {
    try {
      await this.#tab.goto(this.room)
      return await this.#tab.evaluate<boolean>(IS_THERE)
    } catch {
      return false
    }
  }

  async #run(action: (...given: never[]) => void, ...given: unknown[]): Promise<void> {
    await this.#tab.evaluate(`(${action})(...${JSON.stringify(given)})`).catch(() => {})
  }
}
