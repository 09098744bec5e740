// What a row of the table is made of.

export const median = (numbers) => [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)]

/** A row: what was done, what it should come to, what it came to, and whether that is enough; undefined where nobody can say. */
export function row(work, wanted, measured, isReached) {
  return { work, wanted, measured: [measured].flat().filter(Boolean).join(' · '), isReached }
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

export function print(rows) {
  const cells = [
    ['work', 'wanted', 'measured', ''],
    ...rows.map(({ work, wanted, measured, isReached }) => [work, wanted, measured, verdict(isReached)]),
  ]
  const lines = cells.map((line) => `| ${line.join(' | ')} |`)
  return [lines[0], '| --- | --- | --- | --- |', ...lines.slice(1)].join('\n')
}

function verdict(isReached) {
  return isReached === undefined ? '?' : isReached ? 'yes' : 'NO'
}
