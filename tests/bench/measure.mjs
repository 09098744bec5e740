import { stopAll } from './server.mjs'
import { attempt, missing } from './table.mjs'

const ROW_MS = 15 * 60_000

/**
 * Measures one row after the other. One that fails, or does not end, is shown as missing and says why; the others go on.
 * @param rows what measures them, by name
 * @param size how often, and how long
 * @param begin called with the name of each
 */
export async function measure(rows, size, begin) {
  const done = []
  for (const [name, row] of Object.entries(rows)) {
    begin(name)
    const { value, why } = await attempt(() => within(ROW_MS, row(size)))
    done.push(...(value ?? [missing(name, '', why)]))
    // One that could not be filled is left running.
    stopAll()
  }
  return done
}

function within(milliseconds, work) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('it took too long')), milliseconds)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
