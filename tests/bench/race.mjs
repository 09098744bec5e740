import { BEFORE } from './server.mjs'
import { change, verdict } from './compare.mjs'
import { attempt, median, ratio, round } from './table.mjs'

/**
 * Programs beside each other in rounds, A B C, A B C, so that what else the machine does meets all of them. One that fails is out
 * and leaves the reason behind; the others go on.
 */
export class Race {
  lost = {}
  #entrants = new Map()
  #rounds = {}

  /**
   * Lets programs in, one after the other.
   * @param starts what starts each, by name; undefined where it is missing
   * @param open makes of it what is measured, and has an `end`
   */
  async enter(starts, open) {
    for (const [name, start] of Object.entries(starts)) {
      if (this.lost[name]) continue
      this.#rounds[name] ??= {}
      const { value, why } = await attempt(() => {
        if (!start) throw new Error('it is not on this machine')
        return open(start, name)
      })
      if (why) this.lost[name] = why
      else this.#entrants.set(name, value)
    }
  }

  /**
   * Lets programs in, measures them and ends them, so many times: two processes of one build may differ by more than the rounds
   * of either do.
   */
  async heats(count, starts, open, work) {
    for (let heat = 0; heat < count; heat += 1) {
      await this.enter(starts, open)
      await work()
      await this.end()
    }
  }

  /** Does something with each in its turn. */
  async each(work) {
    for (const [name, entrant] of this.#entrants) {
      const { why } = await attempt(() => work(entrant, name))
      if (!why) continue
      this.lost[name] = why
      this.#entrants.delete(name)
      await entrant.end()
    }
  }

  /** One round, which `work` answers the figures of, for each. */
  async round(work) {
    await this.each(async (entrant, name) => {
      for (const [figure, value] of Object.entries(await work(entrant, name)))
        if (value !== undefined) (this.#rounds[name][figure] ??= []).push(value)
    })
  }

  async rounds(count, work) {
    for (let index = 0; index < count; index += 1) await this.round(work)
  }

  /** Ends all that are left. Throws where this version is not among them: without it there is nothing to tell. */
  async end() {
    for (const entrant of this.#entrants.values()) await entrant.end()
    this.#entrants.clear()
    if (this.lost.Parlour) throw new Error(this.lost.Parlour)
  }

  /** The figures of one program's rounds; none where it is out. */
  all(name, figure) {
    return (!this.lost[name] && this.#rounds[name]?.[figure]) || []
  }

  /** Their median; undefined where it is out. */
  of(name, figure) {
    return median(this.all(name, figure))
  }

  /** A program and its figure, or why there is none. */
  beside(name, figure, unit = '') {
    const value = this.of(name, figure)
    return value === undefined ? `${name} is missing: ${this.lost[name]}` : `${name} ${round(value)}${unit}`
  }

  /** This version against another program: `1.24 × Bun 4.8 µs`. */
  against(name, figure, unit, isEnough) {
    return ratio(this.of('Parlour', figure), this.of(name, figure), this.beside(name, figure, unit), isEnough)
  }

  /**
   * What a figure was before, and whether it is worse now: nothing where only one version is measured.
   * @param name what a person calls the figure
   */
  before(name, figure, { unit = '', isMoreBetter = false } = {}) {
    if (!(BEFORE in this.#rounds)) return []
    const then = this.all(BEFORE, figure)
    if (then.length === 0) return [{ words: `${name} is not known: ${this.lost[BEFORE] ?? 'it was not measured'}` }]
    const changed = change(this.all('Parlour', figure), then, isMoreBetter)
    const words = `${name} was ${round(median(then))}${unit}: ${verdict(changed)}`
    return [{ words, isWorse: changed.isWorse }]
  }
}
