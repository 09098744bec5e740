import type { Glance } from './look.ts'
import type { Verdict } from './notebook.ts'
import type { Record, Sighting } from './record.ts'

type Look = Exclude<Glance, { said: string }>

/** What a person saw between two things: a message or the top of the page, what stands between, and the next message. */
interface Seam {
  readonly left: Sighting | undefined
  readonly between: readonly string[]
  readonly right: Sighting
}

/** A page that showed one line and then only such as come much later, and links to what is in between. */
interface Leap {
  readonly before: Sighting
  readonly first: Sighting
  readonly last: Sighting
}

/** What was said in a page and is not yet in its log. */
interface Own {
  readonly text: string
  /** The life of the server in which it was said. */
  readonly life: number
  /** What was shown when it was first to be found nowhere. */
  vanished?: { readonly newest: Sighting | undefined; readonly life: number }
}

export interface PageVerdict extends Verdict {
  /** Own messages that were for a moment nowhere to be seen before they stood in the log. */
  readonly unseen: number
  /** Gaps that were shown and then gone, although their place was still on the page or above it. */
  readonly vanished: number
  /** Times that “Connected” was said though nothing had come for long. */
  readonly falselyConnected: number
}

// The page says that it hears something at least every 40 seconds; a slow machine looks a little late.
const SILENCE_MS = 45_000
const SLACK_MS = 5000

/** Keeps what one page showed to the person before it, and judges it by the record. */
export class Journal {
  readonly name: string
  /** How many times it was looked at, with lines in it. */
  looks = 0
  /** How many lines were shown. */
  shown = 0
  status = ''
  waiting = 0
  /** Whether its page is there no more: then it need not have seen the newest. */
  isClosed = false
  #record: Record
  #known = new Map<string, Sighting>()
  #seams = new Map<string, Seam>()
  /** The messages before which a gap stood in this document. */
  #gaps = new Set<string>()
  #leaps: Leap[] = []
  #document = 0
  #last: readonly Sighting[] = []
  #wasFar = false
  #own = new Map<string, Own>()
  #arrived = new Set<string>()
  #again = new Set<string>()
  #lies = 0
  #isLying = false
  #verdict = { missing: 0, twice: 0, disordered: 0, gaps: 0, untrue: 0, vanished: 0, problems: [] as string[] }

  constructor(name: string, record: Record) {
    this.name = name
    this.#record = record
  }

  /** Whether the newest message of the record is the newest in the page. */
  get isCaughtUp(): boolean {
    const life = this.#record.newestLife
    const last = this.#last.at(-1)
    return life === -1 || (!!last && this.#record.lifeOf(last) === life && last.seq === this.#record.size(life))
  }

  /** The cursor of the newest line in the page. */
  get newest(): string {
    return this.#last.at(-1)?.cursor ?? ''
  }

  /** Texts that were said in the page. */
  get said(): string[] {
    return [...this.#own.keys()]
  }

  note(glance: Glance): void {
    if ('said' in glance) this.#say(glance.said)
    else this.#look(glance)
  }

  /**
   * Holds what the page says of its line against what came over it.
   * @param silence milliseconds for which nothing came while the page could have noticed
   */
  hear(silence: number): void {
    const isLying = silence > SILENCE_MS + SLACK_MS && this.status.startsWith('Connected')
    if (isLying && !this.#isLying) {
      this.#lies += 1
      this.#complain(`says “${this.status}” after ${Math.round(silence / 1000)} s without a word`)
    }
    this.#isLying = isLying
  }

  /** @param history how many messages a room keeps */
  judge(history: number): PageVerdict {
    for (const seam of this.#seams.values()) this.#judgeSeam(seam, history)
    for (const leap of this.#leaps) this.#judgeLeap(leap, history)
    if (!this.isCaughtUp && !this.isClosed)
      this.#fail('missing', `does not show the newest message, but ${this.newest}`)
    const unseen = [...this.#own.values()].filter((own) => this.#isUnseen(own))
    for (const { text } of unseen) this.#complain(`had ${text} nowhere in view before it stood in the log`)
    return { ...this.#verdict, unseen: unseen.length, falselyConnected: this.#lies }
  }

  #say(text: string): void {
    const life = this.#record.lifeOf({ at: Date.now() })
    for (const line of text.split('\n')) {
      if (this.#own.has(line)) this.#record.sayAgain(line)
      else if (line) this.#own.set(line, { text: line, life })
    }
  }

  #look(look: Look): void {
    for (const [cursor, text, at] of look.fresh) {
      const sighting = this.#record.see({ seq: Number.parseInt(cursor, 10), cursor, text, at })
      if (!this.#known.has(cursor)) this.shown += 1
      this.#known.set(cursor, sighting)
    }
    this.looks += 1
    this.status = look.status
    this.waiting = look.waiting.length
    if (look.document !== this.#document) this.#begin(look.document)
    const messages = look.items.flatMap((item) => this.#known.get(item) ?? [])
    this.#takeSeams(look.items, messages)
    this.#takeEnds(look, messages)
    this.#seekOwn(look, messages)
    this.#last = messages
    this.#wasFar = look.isFar
  }

  #begin(document: number): void {
    this.#document = document
    this.#gaps.clear()
    this.#last = []
  }

  #takeSeams(items: readonly string[], messages: readonly Sighting[]): void {
    if (new Set(messages).size < messages.length) this.#failOnce('twice', items, 'shows a message twice')
    let left: Sighting | undefined
    let between: string[] = []
    for (const item of items) {
      const right = this.#known.get(item)
      if (!right) {
        between.push(item)
        continue
      }
      this.#takeSeam({ left, between, right })
      left = right
      between = []
    }
  }

  #takeSeam(seam: Seam): void {
    const { left, between, right } = seam
    const key = `${left?.cursor ?? ''}|${between.join()}|${right.cursor}`
    const hasGap = between.some((item) => item.startsWith('gap'))
    if (!this.#seams.has(key)) this.#seams.set(key, seam)
    if (hasGap && left) this.#gaps.add(right.cursor)
    else if (!hasGap && this.#gaps.delete(right.cursor)) this.#lose(`before ${right.cursor}`)
  }

  /** What is trimmed is trimmed at the top, and a gap that was there is told above what is left. */
  #takeEnds({ items, isFar }: Look, messages: readonly Sighting[]): void {
    const [first, last] = [messages[0], messages.at(-1)]
    const before = this.#last.at(-1)
    if (before && !isFar && !this.#wasFar && (!last || this.#isBefore(last, before)))
      this.#fail('missing', `showed ${before.cursor} and then nothing after ${last?.cursor}`)
    if (!first || !last) return
    const isTold = items.slice(0, items.indexOf(first.cursor)).some((item) => item.startsWith('gap'))
    if (before && !isTold && this.#isBefore(before, first)) this.#leaps.push({ before, first, last })
    for (const cursor of this.#gaps) {
      const isAbove = this.#isBefore(this.#known.get(cursor) as Sighting, first)
      if (isAbove && !isTold && this.#gaps.delete(cursor)) this.#lose(`before ${cursor}, which was trimmed`)
    }
  }

  #seekOwn({ items, waiting, field }: Look, messages: readonly Sighting[]): void {
    const open = [...this.#own.values()].filter(({ text, vanished }) => !vanished && !this.#arrived.has(text))
    if (open.length === 0) return
    const inView = new Set([...waiting, field].flatMap((text) => text.split('\n')))
    const inLog = new Set(messages.flatMap(({ text }) => text.split('\n')))
    const newest = messages.at(-1)
    // A gap that nothing follows yet tells of a server that began anew.
    const isNow = !newest || items.at(-1)?.startsWith('gap')
    const life = this.#record.lifeOf({ at: isNow ? Date.now() : newest.at })
    for (const own of open) {
      if (inLog.has(own.text)) this.#arrived.add(own.text)
      else if (!inView.has(own.text)) own.vanished = { newest, life }
    }
  }

  /** Where what was said is no longer kept, or the page is beyond it, it need not be in view. */
  #isUnseen({ text, life, vanished }: Own): boolean {
    if (!vanished) return false
    const { newest } = vanished
    if (this.#record.find(text).some((line) => this.#record.lifeOf(line) < vanished.life)) return false
    if (this.#record.find(text).length === 0) return vanished.life <= life
    return this.#record.find(text).every((line) => !newest || this.#isBefore(newest, line))
  }

  #judgeSeam({ left, between, right }: Seam, history: number): void {
    const gaps = between.filter((item) => item.startsWith('gap')).map((item) => Number(item.slice(4)) || undefined)
    if (gaps.length > 0) this.#verdict.gaps += 1
    if (!left) return this.#judgeTop(between, gaps, right)
    const [before, life] = [left, right].map((line) => this.#record.lifeOf(line))
    if (this.#isBefore(right, left)) return this.#fail('disordered', `shows ${right.cursor} after ${left.cursor}`)
    if (life > before) return this.#judgeNewLife(gaps, right, history)
    const missed = right.seq - left.seq - 1
    if (missed > 0 && gaps.length === 0)
      this.#fail('missing', `shows ${right.cursor} right after ${left.cursor}`, missed)
    else if (gaps.length > 0 && gaps.at(-1) !== missed)
      this.#fail('untrue', `says ${gaps} are gone between ${left.cursor} and ${right.cursor}`)
  }

  /** A page begins with the first message of all, or says that there are earlier ones. */
  #judgeTop(between: readonly string[], gaps: readonly (number | undefined)[], right: Sighting): void {
    if (between.includes('older')) return
    const gap = gaps.at(-1)
    if (gaps.length === 0 && right.seq > 1)
      this.#fail('missing', `begins with ${right.cursor} and says nothing of what is before`, right.seq - 1)
    else if (gap && gap !== right.seq - 1) this.#fail('untrue', `says ${gap} are gone before ${right.cursor}`)
  }

  /** What a page leaves out because it is far behind must be to be had by its link, or be told as gone. */
  #judgeLeap({ before, first, last }: Leap, history: number): void {
    const [life, newLife] = [before, first].map((line) => this.#record.lifeOf(line))
    const gone = last.seq - history - before.seq
    if (newLife > life) this.#fail('missing', `leaps from ${before.cursor} to ${first.cursor} of another life`)
    else if (gone > 0) this.#fail('missing', `leaps from ${before.cursor} to ${first.cursor} and tells no gap`, gone)
  }

  #judgeNewLife(gaps: readonly (number | undefined)[], { seq, cursor, at }: Sighting, history: number): void {
    if (!gaps.includes(undefined)) this.#fail('missing', `is not told of a gap before ${cursor}`)
    const isTrimmed = seq === 1 || this.#record.size(this.#record.lifeOf({ at })) >= seq - 1 + history
    if (!isTrimmed) this.#fail('missing', `shows nothing of this life before ${cursor}`, seq - 1)
  }

  #isBefore(one: Sighting, other: Sighting): boolean {
    const [life, otherLife] = [one, other].map((line) => this.#record.lifeOf(line))
    return life < otherLife || (life === otherLife && one.seq < other.seq)
  }

  #lose(where: string): void {
    this.#verdict.vanished += 1
    this.#complain(`shows no longer the gap ${where}`)
  }

  #failOnce(kind: 'twice', items: readonly string[], words: string): void {
    const again = items.filter((item, index) => /^\d/.test(item) && items.indexOf(item) < index)
    const fresh = again.filter((cursor) => !this.#again.has(cursor))
    for (const cursor of fresh) this.#again.add(cursor)
    if (fresh.length > 0) this.#fail(kind, `${words}: ${fresh[0]}`, fresh.length)
  }

  #fail(kind: 'missing' | 'twice' | 'disordered' | 'untrue', words: string, count = 1): void {
    this.#verdict[kind] += count
    this.#complain(words)
  }

  #complain(words: string): void {
    if (this.#verdict.problems.length < 8) this.#verdict.problems.push(`${this.name} ${words}`)
  }
}
