import { setImmediate } from 'node:timers'
import { type Cursor, isSame } from './cursor.ts'
import type { Next } from './stores/bus.ts'

// Turns that a busy room waits for at the most: a turn is far shorter than writing to everyone.
const TURNS = 8
// Letters that come without being read, at the most: what is more in one turn the store bounds.
const AHEAD_LETTERS = 256 * 1024

/**
 * Does what a turn does.
 * @param ahead messages that came, one after the other; undefined where the log has to be read
 * @returns whether it brought several entries: such a room gets more of them by waiting a little
 */
type Turn = (ahead: readonly Next[] | undefined) => Promise<boolean>

/** When a room looks at its log: once a turn of the event loop, however many hints came. */
export class Turns {
  #turn: Turn
  /** What follows the room's place, as long as nothing else has to be read. */
  #ahead: Next[] = []
  #aheadLetters = 0
  #isReadingDue = false
  /** What comes during a reading may be part of it, and would wait for as long as a store hangs. */
  #isReading = false
  /** Hints, and other reasons for a turn, that came since the last one began. */
  #reasons = 0
  #isDue = false
  #isBusy = false
  /** Called after the turn that is due. */
  #after: (() => void)[] = []
  #hasEnded = false

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** Has the log read. */
  wake(): void {
    this.#isReadingDue = true
    this.#add()
  }

  /**
   * A message came: it need not be read where it follows what came before it.
   * @param at the room's place in the log
   */
  bring(next: Next, at: Cursor | undefined): void {
    this.#aheadLetters += next.message.text.length
    if (this.#isNext(next, at)) this.#ahead.push(next)
    else this.#isReadingDue = true
    this.#add()
  }

  /** Settles after a turn that has yet to begin, or once there are none any more. */
  settle(): Promise<void> {
    return new Promise((resolve) => {
      this.#after.push(resolve)
      this.wake()
    })
  }

  /** From now on there are none. */
  end(): void {
    this.#hasEnded = true
    this.#release()
  }

  #add(): void {
    this.#reasons += 1
    this.#schedule()
  }

  #schedule(): void {
    if (this.#hasEnded) return this.#release()
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => this.#gather(0, TURNS))
  }

  #isNext({ before }: Next, at: Cursor | undefined): boolean {
    if (this.#isReadingDue || this.#isReading || this.#aheadLetters > AHEAD_LETTERS) return false
    const last = this.#ahead.at(-1)?.message ?? at
    return last !== undefined && isSame(before, last)
  }

  /** Begins the turn, or in a busy room waits for the next one, as long as turns bring more. */
  #gather(before: number, left: number): void {
    const reasons = this.#reasons
    if (this.#isBusy && left > 0 && reasons > before) setImmediate(() => this.#gather(reasons, left - 1))
    else void this.#begin()
  }

  async #begin(): Promise<void> {
    const [after, ahead] = [this.#after, this.#isReadingDue ? undefined : this.#ahead]
    this.#after = []
    this.#ahead = []
    this.#aheadLetters = 0
    this.#isReadingDue = false
    this.#isReading = true
    this.#reasons = 0
    this.#isBusy = await this.#turn(ahead)
    this.#isReading = false
    this.#isDue = false
    for (const resolve of after) resolve()
    if (this.#reasons > 0) this.#schedule()
  }

  #release(): void {
    const after = this.#after
    this.#after = []
    for (const resolve of after) resolve()
  }
}
