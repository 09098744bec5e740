// What a row of the table is made of.

/** The median; undefined of nothing. */
export const median = (numbers) => [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)]

/**
 * A row: what was done, what it should come to, what it came to, and whether that is enough; undefined where nobody can say.
 * @param before what its figures were in another version, as a race tells it
 */
export function row(work, wanted, measured, isReached, before = []) {
  return { work, wanted, measured: [measured].flat().filter(Boolean).join(' · '), isReached, before }
}

/** A row that cannot be measured on this machine. */
export function missing(work, wanted, what) {
  return row(work, wanted, `missing: ${what}`, undefined)
}

/** Does what others may spoil: what came of it, or why nothing did. */
export async function attempt(work) {
  try {
    return { value: await work() }
  } catch (error) {
    return { why: error.message.replaceAll(/\s+/g, ' ') || 'it failed' }
  }
}

/**
 * `1.24 × Bun 96,000`; a ratio that is asked for and missed is marked.
 * @param name the other one, or why there is none
 */
export function ratio(own, other, name, isEnough) {
  if (!other) return name
  const times = own / other
  return `${round(times)} × ${name}${isEnough && !isEnough(times) ? ' (!)' : ''}`
}

export function every(...facts) {
  const known = facts.filter((fact) => fact !== undefined)
  return known.length === 0 ? undefined : known.every(Boolean)
}

export function round(number) {
  return number >= 1000 ? Math.round(number).toLocaleString('en') : Number(number.toPrecision(3)).toString()
}

/** @param isBeside whether another version was measured too */
export function print(rows, isBeside = false) {
  const cells = [
    ['work', 'wanted', 'measured', '', 'before'],
    ['---', '---', '---', '---', '---'],
    ...rows.map(({ work, wanted, measured, isReached, before }) => {
      return [work, wanted, measured, mark(isReached), before.map(({ words }) => words).join(' · ')]
    }),
  ]
  return cells.map((line) => `| ${line.slice(0, isBeside ? 5 : 4).join(' | ')} |`).join('\n')
}

function mark(isReached) {
  return isReached === undefined ? '?' : isReached ? 'yes' : 'NO'
}
