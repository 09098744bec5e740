import { randomBytes } from 'node:crypto'
import type { Clock } from '../../rooms/clock.ts'
import { factsOf, kindOf } from './fault.ts'
import { Rarely } from './rarely.ts'
import { REFUSALS, type SiteCode } from './refusals.ts'
import type { Reporter } from './report.ts'
import { Tally } from './tally.ts'

// Easy to read out, and 32 of them.
const ID_LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'
const ID_LENGTH = 5

/** What one chat keeps of what happened in it, in lines that nobody outside can make more than a few a minute. */
export class Ledger {
  #rarely: Rarely
  #refusals: Tally<SiteCode>
  /** An error can be met at several places, and is one. */
  #ids = new WeakMap<object, string>()

  constructor(clock: Clock, report: Reporter) {
    this.#rarely = new Rarely(clock, report)
    this.#refusals = new Tally(REFUSALS, clock, (kinds) => report({ event: 'refusals', kinds }))
  }

  /** How often each kind of refusal was given since the start. */
  get refusals(): Readonly<Record<SiteCode, number>> {
    return this.#refusals.totals
  }

  /**
   * Tells of an error.
   * @returns the id that its line has, for whoever met it; errors of one kind have the same one for a minute
   */
  failed = (error: unknown): string => {
    const key = typeof error === 'object' && error !== null ? error : {}
    const id = this.#ids.get(key) ?? this.#tell(error)
    this.#ids.set(key, id)
    return id
  }

  /** Counts a refusal. */
  refused = (kind: SiteCode): void => this.#refusals.count(kind)

  /** Tells of something that a host did. */
  hosted = (act: string): void => void this.#rarely.tell(act, () => ({ event: 'hosting', act }))

  /** Tells what was only counted so far. */
  flush(): void {
    this.#rarely.flush()
    this.#refusals.flush()
  }

  #tell(error: unknown): string {
    const facts = factsOf(error)
    return this.#rarely.tell(kindOf(facts), () => ({ event: 'error', id: makeId(), ...facts })).id as string
  }
}

function makeId(): string {
  return Array.from(randomBytes(ID_LENGTH), (byte) => ID_LETTERS[byte % ID_LETTERS.length]).join('')
}
