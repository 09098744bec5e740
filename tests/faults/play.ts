import { setTimeout as pause } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { launch } from '../support/browser.ts'
import { Person } from '../support/person.ts'
import { ServerProcess } from '../support/process.ts'
import { Bag, FAULTS, liveLinks } from './faults.ts'
import { Notebook, type Verdict } from './notebook.ts'
import { disturb, LivePage, PlainPage } from './pages.ts'
import { Poster } from './poster.ts'
import { TcpProxy } from './proxy.ts'
import { Random } from './random.ts'
import { byEvents, byLivePage, bySocket, Reader, type Way } from './reader.ts'
import { Record } from './record.ts'

export interface Play {
  readonly seed: number
  /** Members by programs. */
  readonly members: number
  /** Pages with scripts; one without comes with them. */
  readonly pages: number
  readonly seconds: number
  /** Messages a second, of all together. */
  readonly rate: number
  /** The seconds at which the server is started anew, and how it ends. */
  readonly restarts: readonly { readonly second: number; readonly signal: 'SIGTERM' | 'SIGKILL' }[]
  readonly say?: (words: string) => void
}

export interface Report extends Verdict {
  readonly messages: number
  readonly deliveries: number
  readonly faults: { [kind: string]: number }
  /** Pages without scripts that somebody had to reload. */
  readonly reloads: number
  readonly settledIn: number
}

const HISTORY = 200
const SECRET = 'a secret of the tests'
// How long all may take to be caught up once the faults are over.
const SETTLING = 180_000

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
  #browser: Browser | undefined
  #readers: Reader[] = []
  #posters: Poster[] = []
  #pages: LivePage[] = []
  #plain: PlainPage | undefined
  #faults: { [kind: string]: number } = {}
  #pending = new Set<Promise<unknown>>()
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
    await stage.#invite()
    return stage
  }

  async run(): Promise<Report> {
    const { seconds, rate, restarts, say } = this.#options
    const faults = new Bag(Object.keys(FAULTS), this.#random)
    // A page notices a line that is dead within 45 seconds: in a short play there is no time for that.
    const pageFaults = new Bag(
      Object.keys(FAULTS).filter((kind) => kind !== 'blackhole'),
      this.#random,
    )
    const start = Date.now()
    const talk = setInterval(() => this.#speak(((Date.now() - start) / 1000) * rate), 10)
    void this.#plain?.watch()
    for (let second = 0; second < seconds; second += 1) {
      const restart = restarts.find((restart) => restart.second === second)
      if (restart) this.#await(this.#restart(restart.signal))
      const kinds = [
        this.#harm(this.#proxy, faults.draw()),
        this.#harm(this.#pageProxy, seconds >= 60 && second === 5 ? 'blackhole' : pageFaults.draw()),
      ]
      if (second % 3 === 1) this.#disturb()
      if (second % 2 === 0) this.#type()
      say?.(`${second}s ${kinds.join(' ')}${restart ? ` ${restart.signal}` : ''} · ${this.#said} said`)
      await pause(1000)
    }
    // What is dead is noticed by its silence, so there is talk for a while longer.
    await Promise.all(this.#pending)
    await pause(6000)
    clearInterval(talk)
    const settledIn = await this.#settle()
    this.#plain?.stop()
    return this.#report(settledIn)
  }

  async strike(): Promise<void> {
    for (const reader of this.#readers) reader.stop()
    this.#plain?.stop()
    await this.#browser?.close()
    this.#proxy.close()
    this.#pageProxy.close()
    await this.#server.stop('SIGKILL')
  }

  async #start(): Promise<void> {
    const settings = { SECRET, HISTORY: String(HISTORY), PORT: String(this.#server?.port ?? 0) }
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
    const { members, pages } = this.#options
    const host = await Person.create(this.#proxy.url, 'first')
    const name = (index: number) => `m${index}`
    for (let index = 0; index < members; index += 1) {
      const person = await Person.join(this.#proxy.url, host.code, name(index))
      await this.#seat(person, wayOf(index), index)
    }
    if (pages === 0) return
    this.#browser = await launch()
    for (let index = 0; index < pages; index += 1) {
      const person = await Person.join(this.#pageProxy.url, host.code, `page ${index}`)
      this.#pages.push(
        await LivePage.open(this.#browser, person, new Notebook(person.name, this.#record), this.#record),
      )
    }
    const plain = await Person.join(this.#pageProxy.url, host.code, 'plain page')
    this.#plain = await PlainPage.open(this.#browser, plain, new Notebook(plain.name, this.#record))
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
    for (const page of this.#pages) this.#await(page.say(`text ${this.#said++}`))
  }

  #disturb(): void {
    if (this.#pages.length === 0) return
    this.#await(disturb(this.#random.pick(this.#pages), this.#random).then((kind) => this.#count(kind)))
  }

  #harm(proxy: TcpProxy, kind: string): string {
    FAULTS[kind](liveLinks(proxy), this.#random)
    this.#count(kind)
    return kind
  }

  #count(kind: string): void {
    this.#faults[kind] = (this.#faults[kind] ?? 0) + 1
  }

  #await(promise: Promise<unknown>): void {
    this.#pending.add(promise)
    promise.then(() => this.#pending.delete(promise))
  }

  /** Waits until all was heard and everyone has seen it; the milliseconds that took. */
  async #settle(): Promise<number> {
    const start = Date.now()
    const isLate = () => Date.now() - start > SETTLING
    for (const reader of this.#readers) reader.isTalk = false
    await Promise.race([Promise.all(this.#posters.map((poster) => poster.quiet())), pause(SETTLING)])
    const isWaiting = async () =>
      (await Promise.all(this.#pages.map(({ page }) => page.locator('#waiting li').count()))).some(Boolean)
    while (!isLate() && (!this.#notebooks.every(({ isCaughtUp }) => isCaughtUp) || (await isWaiting())))
      await pause(100)
    return Date.now() - start
  }

  get #notebooks(): Notebook[] {
    const pages = this.#plain ? [...this.#pages, this.#plain] : []
    return [...this.#readers, ...pages].map(({ notebook }) => notebook)
  }

  async #report(settledIn: number): Promise<Report> {
    const verdicts = this.#notebooks.map((notebook) => notebook.judge(HISTORY))
    const sum = (kind: 'missing' | 'twice' | 'disordered' | 'gaps' | 'untrue') =>
      verdicts.reduce((total, verdict) => total + verdict[kind], 0)
    const problems = [
      ...this.#problems,
      ...this.#record.conflicts,
      ...this.#record.holes().map((hole) => `nobody saw ${hole}`),
    ]
    for (const poster of this.#posters)
      problems.push(...poster.problems, ...poster.heard.filter((text) => !this.#record.has(text)))
    for (const page of this.#pages) problems.push(...(await page.problems()))
    for (const { isSentAway, notebook } of this.#readers)
      if (isSentAway) problems.push(`${notebook.name} was sent away`)
    if (this.#plain && !this.#plain.notebook.isCaughtUp) problems.push(`the plain page holds ${this.#plain}`)
    problems.push(...(await this.#presence()), ...verdicts.flatMap((verdict) => verdict.problems))
    return {
      missing: sum('missing'),
      twice: sum('twice'),
      disordered: sum('disordered'),
      gaps: sum('gaps'),
      untrue: sum('untrue'),
      problems,
      messages: this.#record.lives.reduce((total, { size }) => total + size, 0),
      deliveries: this.#notebooks.reduce((total, { lines }) => total + lines.length, 0),
      faults: this.#faults,
      reloads: this.#plain?.reloads ?? 0,
      settledIn,
    }
  }

  /** Everyone is here, once each; and when half of them have gone, so has half of the count. */
  async #presence(): Promise<string[]> {
    const all = this.#notebooks.length
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
