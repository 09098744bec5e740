/** What is worth keeping of what happened. It holds no texts, names, codes or secrets. */
export interface Report {
  /** What happened, in the words of a program: `origin-refused`. */
  readonly event: string
  readonly [fact: string]: string | number | boolean | undefined | readonly string[] | Readonly<Record<string, number>>
}

/** Takes reports; never throws. */
export type Reporter = (report: Report) => void

/** Of one kind no more than one report is made in so long: strangers can bring most of them about. */
export const SPAN_MS = 60_000

// Whoever mounts the chat in a program of their own is told only of what somebody has to act on.
const ROUTINE: ReadonlySet<string> = new Set(['refusals', 'hosting'])

/** One line of JSON on standard error, where somebody has to act. */
export function reportError(report: Report): void {
  if (!ROUTINE.has(report.event)) console.error(lineOf(report))
}

/** One line of JSON on standard output. */
export function reportAll(report: Report): void {
  console.log(lineOf(report))
}

function lineOf(report: Report): string {
  return JSON.stringify({ at: new Date().toISOString(), ...report })
}
