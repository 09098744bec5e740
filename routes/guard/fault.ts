import { StoreFailure } from '../../rooms/stores/prompt.ts'
import type { Report } from './report.ts'

type Facts = Omit<Report, 'event'>

const CALLS = 10
const CALL_LETTERS = 160
// A place in a program as V8 tells it: a function, if it has a name, and a file with line and column.
const CALL = /^ {4}at (?:(.+?) \()?(?:.*[/\\])?([^/\\()]+:\d+:\d+)\)?$/
const CODE = /^[A-Z][A-Z0-9_]{1,39}$/
const NAME = /^[A-Z]\w{0,39}$/i

/**
 * What may be kept of an error: its class, its code and where it came from, without its message, which can hold what
 * people wrote. A failure of the store has a message of our own, and a cause.
 */
export function factsOf(error: unknown): Facts {
  if (!(error instanceof Error)) return { error: typeof error }
  const facts: Facts = { error: classOf(error), code: codeOf(error), stack: callsOf(error) }
  if (!(error instanceof StoreFailure)) return facts
  const { cause } = error
  if (!(cause instanceof Error)) return { ...facts, words: error.message }
  const from = callsOf(cause)
  return {
    ...facts,
    words: error.message,
    cause: classOf(cause),
    code: codeOf(cause),
    ...(from.length && { stack: from }),
  }
}

/** Errors of one kind have this in common. */
export function kindOf({ error, cause, words, code, stack }: Facts): string {
  return JSON.stringify([error, cause, words, code, (stack as readonly string[] | undefined)?.slice(0, 2)])
}

function classOf(error: Error): string {
  return [error.constructor.name, error.name].find((name) => NAME.test(name)) ?? 'Error'
}

function codeOf({ code }: Error & { code?: unknown }): string | undefined {
  return typeof code === 'string' && CODE.test(code) ? code : undefined
}

/** Functions, files and lines, the innermost first. A message that looks like one of them is none. */
function callsOf({ stack, message }: Error): string[] {
  const text = String(stack)
  const start = text.indexOf(message)
  if (start < 0) return []
  const found: string[] = []
  for (const line of text.slice(start + message.length).split('\n')) {
    const call = CALL.exec(line)
    if (call && found.length < CALLS) found.push([call[1], call[2]].filter(Boolean).join(' ').slice(0, CALL_LETTERS))
  }
  return found
}
