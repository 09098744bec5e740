import type { Clock } from '../../rooms/clock.ts'
import type { Reporter } from './report.ts'
import { seldom } from './seldom.ts'
import { readVisitor, type Visitor } from './visitor.ts'

/** Says who asks, by the session of the site around the chat; undefined where it knows nobody. */
export type AskVisitor = (request: Request) => Visitor | undefined | Promise<Visitor | undefined>

// A page waits so long for the site around it, and then does without.
const PATIENCE_MS = 3000

/**
 * The same question, which is always answered within three seconds: where it fails, or the answer is none, with nobody.
 * That is reported once a minute.
 */
export function makePatient(
  ask: AskVisitor,
  clock: Clock,
  report: Reporter,
): (request: Request) => Promise<Visitor | undefined> {
  const tell = seldom(clock, report)
  const fail = (why: string): undefined => void tell(why, () => ({ event: 'visitor-unknown', why }))
  return async (request) => {
    let cancel = () => {}
    const late = new Promise<'late'>((resolve) => {
      cancel = clock.after(PATIENCE_MS, () => resolve('late'))
    })
    try {
      const given = await Promise.race([ask(request), late])
      if (given === undefined || given === null) return undefined
      return given === 'late' ? fail('the function did not answer in time') : readOrFail(given, fail)
    } catch {
      // What it throws may hold names or secrets of the site.
      return fail('the function threw')
    } finally {
      cancel()
    }
  }
}

function readOrFail(given: unknown, fail: (why: string) => undefined): Visitor | undefined {
  return readVisitor(given) ?? fail('the function gave no id and name that can be used')
}
