/** What is worth keeping of what happened. It holds no texts, names, codes or secrets. */
export interface Report {
  /** What happened, in the words of a program: `origin-refused`. */
  readonly event: string
  readonly [fact: string]: string | number | boolean | undefined
}

/** Takes reports; never throws. */
export type Reporter = (report: Report) => void

/** One line of JSON on standard error. */
export function reportError(report: Report): void {
  console.error(JSON.stringify({ at: new Date().toISOString(), ...report }))
}
