// This version beside another one: what a figure was, and whether it is worse now.
import { median, round } from './table.mjs'

/** Two processes of one build differ by so much, however little the rounds of each do. */
const LEAST_PERCENT = 3
/** Where the rounds leave more open than this, they say nothing. */
const MOST_PERCENT = 15
const FEWEST_ROUNDS = 3

const HOW = `Each round has a ratio of its own, because both versions met the same weather in it, and the median of these counts. It may be off by what the rounds leave open of it: twice the span of their middle half, divided by the root of how many there are, and at least ${LEAST_PERCENT} %, which two processes of one build differ by. Where that is more than ${MOST_PERCENT} %, nothing can be told.`

/**
 * How much worse a figure is than another one of the same rounds.
 * @returns `percent`, below zero where it is better; `open`, what the rounds leave open of that; `isWorse`, undefined where they
 *   cannot tell
 */
export function change(now, then, isMoreBetter = false) {
  const ratios = now.map((value, index) => (isMoreBetter ? then[index] / value : value / then[index]))
  const sorted = ratios.toSorted((one, other) => one - other)
  const [low, high] = [Math.floor(sorted.length / 4), Math.ceil((sorted.length * 3) / 4) - 1]
  const percent = (median(ratios) - 1) * 100
  const open = Math.max(LEAST_PERCENT, ((sorted[high] - sorted[low]) * 200) / Math.sqrt(sorted.length))
  return { percent, open, rounds: sorted.length, isWorse: judge(percent, open, sorted.length) }
}

function judge(percent, open, rounds) {
  if (percent === 0) return false
  if (!Number.isFinite(percent) || rounds < FEWEST_ROUNDS) return undefined
  if (percent > open) return true
  return percent >= -open && open > MOST_PERCENT ? undefined : false
}

/** The same in words. */
export function verdict({ percent, open, rounds, isWorse }) {
  if (percent === 0) return 'the same'
  const size = `${percent > 0 ? 'worse' : 'better'} by ${round(Math.abs(percent))} %`
  if (rounds < FEWEST_ROUNDS) return `cannot be told (${size} in too few rounds)`
  const within = `rounds leave ± ${round(open)} % open`
  if (isWorse) return `${size} (${within})`
  return `${isWorse === undefined ? 'cannot be told' : 'no worse'} (${size}, ${within})`
}

/** What closes a table with two versions in it. */
export function conclusion(rows) {
  const told = rows.flatMap(({ before = [] }) => before)
  const worse = told.filter(({ isWorse }) => isWorse).length
  const unknown = told.filter(({ isWorse }) => isWorse === undefined).length
  const sum = `Of ${told.length} figures ${worse || 'none'} ${worse > 1 ? 'are' : 'is'} worse than before`
  return `${sum}${unknown > 0 ? `, and ${unknown} cannot be told` : ''}. ${HOW}`
}
