import type { Record, Sighting } from './record.ts'

/** What a member was shown, in order. */
export type Line =
  | Sighting
  /** So many are no longer kept; undefined where nobody can know how many. */
  | { readonly gap: number | undefined }
  /** A page that begins anew with the newest messages, and whether it says that there are earlier ones. */
  | { readonly page: { readonly saysEarlier: boolean } }
  /** The server said that it is about to stop, and that this was all. */
  | { readonly goodbye: true }

export interface Verdict {
  missing: number
  twice: number
  disordered: number
  /** Gaps that were announced. */
  gaps: number
  /** Gaps that were announced and are not there, or not that large. */
  untrue: number
  /** What went wrong, in words; the first few. */
  readonly problems: string[]
}

/** Keeps what one member saw, and judges it by the record. */
export class Notebook {
  readonly name: string
  readonly lines: Line[] = []
  #record: Record

  constructor(name: string, record: Record) {
    this.name = name
    this.#record = record
  }

  /** The last message. */
  get last(): Sighting | undefined {
    return this.lines.findLast((line) => 'seq' in line)
  }

  /** Whether the newest message of the record was seen. */
  get isCaughtUp(): boolean {
    const life = this.#record.newestLife
    const last = this.last
    return (
      life === -1 || (last !== undefined && this.#record.lifeOf(last) === life && last.seq === this.#record.size(life))
    )
  }

  note(line: Line): void {
    this.lines.push('seq' in line ? this.#record.see(line) : line)
  }

  /** @param history how many messages a room keeps */
  judge(history: number): Verdict {
    return new Judge(this, this.#record, history).verdict()
  }
}

class Judge {
  #notebook: Notebook
  #record: Record
  #history: number
  #verdict: Verdict = { missing: 0, twice: 0, disordered: 0, gaps: 0, untrue: 0, problems: [] }
  #seen = new Set<Sighting>()
  // A member begins before anything is said.
  #life = 0
  #seq = 0
  /** Gaps that were announced since the last message. */
  #gaps: (number | undefined)[] = []
  #page: { readonly saysEarlier: boolean } | undefined

  constructor(notebook: Notebook, record: Record, history: number) {
    this.#notebook = notebook
    this.#record = record
    this.#history = history
  }

  verdict(): Verdict {
    for (const line of this.#notebook.lines) {
      if ('gap' in line) this.#gaps.push(line.gap)
      else if ('page' in line) this.#page = line.page
      else if ('goodbye' in line) this.#takeGoodbye()
      else this.#take(line)
    }
    if (!this.#notebook.isCaughtUp) this.#fail('missing', 'did not see the newest message')
    return this.#verdict
  }

  #take(message: Sighting): void {
    const life = this.#record.lifeOf(message)
    const isLater = life > this.#life || (life === this.#life && message.seq > this.#seq)
    if (!this.#page && !isLater) return this.#takeAgain(message)
    if (this.#page) this.#takeFirst(message, life)
    else if (life > this.#life) this.#takeNewLife(message, life)
    else this.#takeNext(message)
    this.#verdict.gaps += this.#gaps.length > 0 ? 1 : 0
    this.#seen.add(message)
    this.#life = life
    this.#seq = message.seq
    this.#gaps = []
    this.#page = undefined
  }

  /** It stands where it should not, and what comes next is not to blame for that. */
  #takeAgain(message: Sighting): void {
    this.#fail(this.#seen.has(message) ? 'twice' : 'disordered', `saw ${message.cursor} after ${this.#seq}`)
  }

  /** A new page repeats what it likes, and says so if it leaves something out. */
  #takeFirst(message: Sighting, life: number): void {
    const next = life === this.#life ? this.#seq + 1 : 1
    const isHonest = message.seq <= next || this.#page?.saysEarlier || this.#gaps.length > 0
    if (life < this.#life) this.#fail('disordered', `saw ${message.cursor} of a life that was over`)
    else if (!isHonest) this.#fail('missing', `was not told of what is before ${message.cursor}`, message.seq - next)
    else if (life === this.#life && message.seq > next && this.#gaps.length > 0 && !this.#page?.saysEarlier)
      this.#judgeFirstGap(message, message.seq - next)
  }

  /** A new page tells what is gone since its place, which may be an older one than what was seen last. */
  #judgeFirstGap({ seq, cursor }: Sighting, missed: number): void {
    const gap = this.#gaps.at(-1)
    const isTrue = gap === undefined ? this.#life > 0 : gap >= missed && gap < seq
    if (!isTrue) this.#fail('untrue', `was told of ${gap} lost before ${cursor}, of ${missed} at least`)
  }

  #takeNewLife({ seq, cursor }: Sighting, life: number): void {
    if (!this.#gaps.includes(undefined)) this.#fail('missing', `was not told of a gap before ${cursor}`)
    const isTrimmed = seq === 1 || this.#record.size(life) >= seq - 1 + this.#history
    if (!isTrimmed) this.#fail('missing', `saw nothing of this life before ${cursor}`, seq - 1)
  }

  #takeNext({ seq, cursor }: Sighting): void {
    const missed = seq - this.#seq - 1
    if (this.#gaps.length === 0 && missed > 0) this.#fail('missing', `saw ${cursor} after ${this.#seq}`, missed)
    if (this.#gaps.length > 0 && this.#gaps.at(-1) !== missed)
      this.#fail('untrue', `was told of ${this.#gaps.at(-1)} lost before ${cursor}, after ${this.#seq}`)
  }

  /** A server that takes its leave has sent all that it took. */
  #takeGoodbye(): void {
    const size = this.#record.size(this.#life)
    if (this.#seq !== size && this.#gaps.length === 0)
      this.#fail('missing', `was dismissed at ${this.#seq} of ${size}`, size - this.#seq)
  }

  #fail(kind: 'missing' | 'twice' | 'disordered' | 'untrue', words: string, count = 1): void {
    this.#verdict[kind] += count
    if (this.#verdict.problems.length < 5) this.#verdict.problems.push(`${this.#notebook.name} ${words}`)
  }
}
