import { setTimeout as pause } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { debuggable, launch } from '../support/browser.ts'
import { Firefox } from '../support/firefox.ts'
import { Person } from '../support/person.ts'
import { ServerProcess } from '../support/process.ts'
import { Bag, FAULTS, liveLinks, SILENT } from './faults.ts'
import { FoxPage } from './fox.ts'
import { Journal, type PageVerdict } from './journal.ts'
import { Notebook, type Verdict } from './notebook.ts'
import { DISTURBANCES, disturb, LivePage, PlainPage } from './pages.ts'
import { Poster } from './poster.ts'
import { TcpProxy } from './proxy.ts'
import { Random } from './random.ts'
import { byEvents, byLivePage, bySocket, Reader, type Way } from './reader.ts'
import { Record } from './record.ts'
import type { Screen } from './screen.ts'
import { RULES, WebProxy } from './web.ts'

export interface Play {
  readonly seed: number
  /** Members by programs. */
  readonly members: number
  /** Pages with scripts; one without comes with them. */
  readonly pages: number
  /** Tabs of one more person, in one browser that has six connections for all of them. */
  readonly tabs: number
  /** Pages in Firefox. */
  readonly foxes: number
  /** Messages that a room keeps. */
  readonly history: number
  readonly seconds: number
  /** Messages a second, of all together. */
  readonly rate: number
  /** The seconds at which the server is started anew, and how it ends. */
  readonly restarts: readonly { readonly second: number; readonly signal: 'SIGTERM' | 'SIGKILL' }[]
  readonly say?: (words: string) => void
}

export interface Report extends PageVerdict {
  readonly messages: number
  readonly deliveries: number
  /** Times that what pages showed was looked at. */
  readonly looks: number
  /** Messages that were written in pages. */
  readonly own: number
  readonly faults: { [kind: string]: number }
  /** Pages without scripts that somebody had to reload. */
  readonly reloads: number
  readonly settledIn: number
}

const SECRET = 'a secret of the tests'
// How long all may take to be caught up once the faults are over.
const SETTLING = 180_000
// What takes longer than this is taken for something that hangs.
const PATIENCE = 60_000
// In a shorter play there is no time for what takes a page long to notice.
const LONG_SECONDS = 60

/** Members talk while everything that can break does, and what each saw is held against the record. */
export async function play(options: Play): Promise<Report> {
  const stage = await Stage.set(options)
  try {
    return await stage.run()
  } finally {
    await stage.strike()
  }
}

class Stage {
  #options: Play
  #random: Random
  #record = new Record()
  #server!: ServerProcess
  #proxy!: TcpProxy
  #pageProxy!: TcpProxy
  /** The line of the page without scripts: nothing in it can notice that a line went dead without a word. */
  #plainProxy!: TcpProxy
  #browser: Browser | undefined
  /** The browser of the page that crashes. */
  #frail: Browser | undefined
  #firefox: Firefox | undefined
  #readers: Reader[] = []
  #posters: Poster[] = []
  #pages: Screen[] = []
  #webs: WebProxy[] = []
  /** Journals of tabs that were closed. */
  #closed: Journal[] = []
  #plain: PlainPage | undefined
  #faults: { [kind: string]: number } = {}
  /** What is going on, and in which words to say so. */
  #pending = new Map<Promise<unknown>, string>()
  #said = 0
  #problems: string[] = []

  private constructor(options: Play) {
    this.#options = options
    this.#random = new Random(options.seed)
  }

  static async set(options: Play): Promise<Stage> {
    const stage = new Stage(options)
    await stage.#start()
    stage.#proxy = await TcpProxy.open(() => stage.#server.port)
    stage.#pageProxy = await TcpProxy.open(() => stage.#server.port)
    stage.#plainProxy = await TcpProxy.open(() => stage.#server.port)
    await stage.#invite()
    return stage
  }

  get #isLong(): boolean {
    return this.#options.seconds >= LONG_SECONDS
  }

  async run(): Promise<Report> {
    const { seconds, rate, restarts, say } = this.#options
    const isLong = this.#isLong
    const all = Object.keys(FAULTS)
    const loud = all.filter((kind) => !SILENT.includes(kind))
    const faults = new Bag(all, this.#random)
    const pageFaults = new Bag(isLong ? all : loud, this.#random)
    const plainFaults = new Bag(loud, this.#random)
    const rules = new Bag(RULES, this.#random)
    const disturbances = new Bag([...DISTURBANCES, ...(isLong ? (['crash', 'duplicate'] as const) : [])], this.#random)
    const start = Date.now()
    const talk = setInterval(() => this.#speak(((Date.now() - start) / 1000) * rate), 10)
    const ears = setInterval(() => this.#hear(), 1000)
    void this.#plain?.watch()
    for (let second = 0; second < seconds; second += 1) {
      const restart = restarts.find((restart) => restart.second === second)
      if (restart) this.#await(this.#restart(restart.signal), restart.signal)
      const kinds = [this.#harm(this.#proxy, faults.draw())]
      // Pages come to themselves in between: what is always broken shows nothing.
      if (second % 2 === 0) kinds.push(this.#harm(this.#pageProxy, pageFaults.draw()))
      else kinds.push(this.#harm(this.#plainProxy, plainFaults.draw()))
      if (second % 3 === 0) kinds.push(this.#impose(rules.draw(), isLong ? this.#random.whole(2, 20) : 3))
      if (second % 3 === 1) kinds.push(this.#disturb(disturbances.draw()))
      if (second % 2 === 0) this.#type()
      if (restart) kinds.push(restart.signal)
      say?.(`${second}s ${kinds.join(', ')} · ${this.#said} said`)
      await pause(1000)
    }
    // What is dead is noticed by its silence, so there is talk for a while longer.
    say?.(`still going on: ${[...this.#pending.values()].join(', ')}`)
    while (this.#pending.size > 0) await pause(100)
    for (const { rules } of this.#webs) rules.clear()
    for (const page of this.#pages) await page.goDown()
    await pause(6000)
    clearInterval(talk)
    const settledIn = await this.#settle()
    clearInterval(ears)
    this.#plain?.stop()
    return this.#report(settledIn)
  }

  async strike(): Promise<void> {
    for (const reader of this.#readers) reader.stop()
    this.#plain?.stop()
    await this.#browser?.close()
    await this.#frail?.close()
    await this.#firefox?.close()
    for (const web of this.#webs) web.close()
    this.#proxy.close()
    this.#pageProxy.close()
    this.#plainProxy.close()
    await this.#server.stop('SIGKILL')
  }

  async #start(): Promise<void> {
    const settings = { SECRET, HISTORY: String(this.#options.history), PORT: String(this.#server?.port ?? 0) }
    this.#record.begin(Date.now())
    this.#server = await ServerProcess.start(settings)
  }

  async #restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const end = await this.#server.stop(signal)
    if (signal === 'SIGTERM' && end !== 0) this.#problems.push(`the server ended with ${end}`)
    this.#count(signal)
    await this.#start()
  }

  async #invite(): Promise<void> {
    const { members, pages, tabs, foxes } = this.#options
    const host = await Person.create(this.#proxy.url, 'first')
    const name = (index: number) => `m${index}`
    for (let index = 0; index < members; index += 1) {
      const person = await Person.join(this.#proxy.url, host.code, name(index))
      await this.#seat(person, wayOf(index), index)
    }
    if (pages === 0) return
    this.#browser = await launch()
    for (let index = 0; index < pages; index += 1) await this.#openTabs(host.code, `page ${index}`, 1)
    if (this.#isLong) await this.#openFrail(host.code)
    if (tabs > 0) await this.#openTabs(host.code, 'tabs', tabs)
    for (let index = 0; index < foxes; index += 1) await this.#openFox(host.code, `fox ${index}`)
    const plain = await Person.join(this.#plainProxy.url, host.code, 'plain page')
    this.#plain = await PlainPage.open(this.#browser, plain, new Notebook(plain.name, this.#record))
  }

  /** Somebody with a browser of their own, behind something that knows what it asks for. */
  async #openTabs(code: string, name: string, tabs: number): Promise<void> {
    const [web, person] = await this.#equip(code, name)
    const context = await (this.#browser as Browser).newContext()
    for (let tab = 0; tab < tabs; tab += 1) {
      const journal = new Journal(tabs > 1 ? `${name} ${tab}` : name, this.#record)
      this.#pages.push(await LivePage.open(context, person, web, journal))
    }
  }

  async #openFrail(code: string): Promise<void> {
    const [web, person] = await this.#equip(code, 'frail page')
    const [browser, debugging] = await debuggable()
    this.#frail = browser
    const journal = new Journal(person.name, this.#record)
    this.#pages.push(await LivePage.open(await browser.newContext(), person, web, journal, debugging))
  }

  async #openFox(code: string, name: string): Promise<void> {
    const [web, person] = await this.#equip(code, name)
    this.#firefox ??= await Firefox.launch()
    this.#pages.push(await FoxPage.open(this.#firefox, person, web, new Journal(name, this.#record)))
  }

  async #equip(code: string, name: string): Promise<[web: WebProxy, person: Person]> {
    const web = await WebProxy.open(() => this.#pageProxy.port)
    this.#webs.push(web)
    return [web, await Person.join(web.url, code, name)]
  }

  /** Every fifth member talks: half of those by frames, half by requests. */
  async #seat(person: Person, way: Way, index: number): Promise<void> {
    const notebook = new Notebook(`${person.name} (${way.name})`, this.#record)
    const reader = new Reader({ person, notebook, way, random: this.#random })
    await reader.start()
    this.#readers.push(reader)
    if (index % 5 === 0)
      this.#posters.push(new Poster(person, this.#record, way === bySocket && index % 10 === 0 ? reader : undefined))
  }

  /** Says what is due: a busy machine may be late, and says no less for that. */
  #speak(due: number): void {
    while (this.#said < due) this.#random.pick(this.#posters).say(`text ${this.#said++}`)
  }

  #type(): void {
    for (const page of this.#pages) this.#await(page.say(`text ${this.#said++}`), `${page.journal.name} says`)
  }

  #disturb(kind: (typeof DISTURBANCES)[number] | 'crash' | 'duplicate'): string {
    const able = this.#pages.filter(
      (page) =>
        page.awake !== undefined &&
        (kind !== 'crash' || (page instanceof LivePage && page.debugging)) &&
        (kind !== 'duplicate' || (page instanceof LivePage && !page.debugging)),
    )
    if (able.length === 0) return ''
    const page = this.#random.pick(able)
    const words = `${page.journal.name} ${kind}`
    if (kind === 'crash') this.#await((page as LivePage).crash(), words)
    else if (kind === 'duplicate') this.#await(this.#duplicate(page as LivePage), words)
    else this.#await(disturb(page, kind, this.#random), words)
    this.#count(kind)
    return kind
  }

  /** A tab is opened a second time, and closed after a while. */
  async #duplicate(page: LivePage): Promise<void> {
    const journal = new Journal(`${page.journal.name} again`, this.#record)
    const twin = await page.duplicate(journal)
    await pause(5000)
    await twin.close()
    this.#closed.push(journal)
  }

  /** For so many seconds something before one of the browsers is as networks are. */
  #impose(rule: (typeof RULES)[number], seconds: number): string {
    if (this.#webs.length === 0) return ''
    const { rules } = this.#random.pick(this.#webs)
    rules.add(rule)
    setTimeout(() => rules.delete(rule), seconds * 1000)
    this.#count(rule)
    return rule
  }

  #hear(): void {
    for (const page of this.#pages) page.hear()
  }

  #harm(proxy: TcpProxy, kind: string): string {
    FAULTS[kind](liveLinks(proxy), this.#random)
    this.#count(kind)
    return kind
  }

  #count(kind: string): void {
    this.#faults[kind] = (this.#faults[kind] ?? 0) + 1
  }

  #await(promise: Promise<unknown>, words: string): void {
    const late = setTimeout(() => {
      this.#problems.push(`${words}: did not end within ${PATIENCE / 1000} s`)
      this.#pending.delete(promise)
    }, PATIENCE)
    this.#pending.set(promise, words)
    promise.then(() => {
      clearTimeout(late)
      this.#pending.delete(promise)
    })
  }

  /** Waits until all was heard and everyone has seen it; the milliseconds that took. */
  async #settle(): Promise<number> {
    const start = Date.now()
    const isLate = () => Date.now() - start > SETTLING
    for (const reader of this.#readers) reader.isTalk = false
    await Promise.race([Promise.all(this.#posters.map((poster) => poster.quiet())), pause(SETTLING)])
    const journals = this.#pages.map(({ journal }) => journal)
    const isSettled = () =>
      [...this.#notebooks, ...journals].every(({ isCaughtUp }) => isCaughtUp) &&
      journals.every(({ waiting }) => waiting === 0)
    for (let turn = 0; !isLate() && !isSettled(); turn += 1) {
      if (turn % 100 === 99) this.#options.say?.(this.#unsettled())
      await pause(100)
    }
    return Date.now() - start
  }

  /** Who is not yet where all should be, in words. */
  #unsettled(): string {
    const behind = this.#notebooks.filter(({ isCaughtUp }) => !isCaughtUp).map(({ name }) => name)
    const pages = this.#pages.map(({ journal }) => journal).filter((page) => !page.isCaughtUp || page.waiting > 0)
    const words = pages.map(({ name, status, waiting, newest }) => `${name} (${newest}, ${waiting} waiting, ${status})`)
    return `behind: ${[...behind, ...words].join(', ')}`
  }

  get #notebooks(): Notebook[] {
    return [...this.#readers, ...(this.#plain ? [this.#plain] : [])].map(({ notebook }) => notebook)
  }

  async #report(settledIn: number): Promise<Report> {
    const { history } = this.#options
    const journals = [...this.#pages.map(({ journal }) => journal), ...this.#closed]
    const pages = journals.map((journal) => journal.judge(history))
    const verdicts: Verdict[] = [...this.#notebooks.map((notebook) => notebook.judge(history)), ...pages]
    const problems = [
      ...this.#problems,
      ...this.#record.conflicts,
      ...this.#record.holes().map((hole) => `nobody saw ${hole}`),
    ]
    for (const poster of this.#posters)
      problems.push(...poster.problems, ...poster.heard.filter((text) => !this.#record.has(text)))
    for (const page of this.#pages) problems.push(...page.problems)
    for (const { isSentAway, notebook } of this.#readers)
      if (isSentAway) problems.push(`${notebook.name} was sent away`)
    if (this.#plain && !this.#plain.notebook.isCaughtUp) problems.push(`the plain page holds ${this.#plain}`)
    problems.push(...(await this.#presence()), ...verdicts.flatMap((verdict) => verdict.problems))
    return {
      missing: sum(verdicts, 'missing'),
      twice: sum(verdicts, 'twice'),
      disordered: sum(verdicts, 'disordered'),
      gaps: sum(verdicts, 'gaps'),
      untrue: sum(verdicts, 'untrue'),
      vanished: sum(pages, 'vanished'),
      unseen: sum(pages, 'unseen'),
      falselyConnected: sum(pages, 'falselyConnected'),
      problems,
      messages: this.#record.lives.reduce((total, { size }) => total + size, 0),
      deliveries:
        this.#notebooks.reduce((total, { lines }) => total + lines.length, 0) +
        journals.reduce((total, { shown }) => total + shown, 0),
      looks: journals.reduce((total, { looks }) => total + looks, 0),
      own: journals.reduce((total, { said }) => total + said.length, 0),
      faults: this.#faults,
      reloads: this.#plain?.reloads ?? 0,
      settledIn,
    }
  }

  /** Everyone is here, once each; and when half of them have gone, so has half of the count. */
  async #presence(): Promise<string[]> {
    const all = this.#notebooks.length + this.#webs.length
    const problems = (await this.#hasCount(all))
      ? []
      : [`${this.#sockets[0].count} are said to be here, and ${all} are`]
    // What the network lost its ends hold on to until they give up; here it is time they did.
    for (const link of [...this.#proxy.links, ...this.#pageProxy.links]) if (link.isLost) link.reset()
    const leaving = this.#readers.filter((reader) => !this.#sockets.slice(0, 3).includes(reader))
    for (const reader of leaving) reader.stop()
    const left = all - leaving.length
    if (!(await this.#hasCount(left))) problems.push(`${this.#sockets[0].count} are said to be here, and ${left} are`)
    return problems
  }

  get #sockets(): Reader[] {
    return this.#readers.filter(({ socket }) => socket !== undefined)
  }

  async #hasCount(count: number): Promise<boolean> {
    const start = Date.now()
    const watchers = this.#sockets.slice(0, 3)
    while (Date.now() - start < 120_000) {
      if (watchers.every((reader) => reader.count === count)) return true
      await pause(100)
    }
    return false
  }
}

/** Of ten members six read by sockets, three by events, and one the page that grows. */
function wayOf(index: number): Way {
  if (index % 10 < 6) return bySocket
  return index % 10 < 9 ? byEvents : byLivePage
}

function sum<Kind extends string>(verdicts: readonly { readonly [kind in Kind]: number }[], kind: Kind): number {
  return verdicts.reduce((total, verdict) => total + verdict[kind], 0)
}
