import type { Refusal } from '../../rooms/types.ts'
import type { Html } from '../../templates/html.ts'
import { problemPage } from '../../templates/problem.ts'
import { reason } from '../../templates/reason.ts'
import { errorOf, statusOf, wordsOf } from './refusals.ts'
import { type Ask, wantsFragment, wantsJsonError } from './site.ts'

/**
 * Says no, in the form that was asked for.
 * @param pageWith the page that was being filled in, with what was typed and these words; a plain page where none is given
 */
export function answerRefusal(c: Ask, refusal: Refusal, pageWith?: (words: string) => Html): Response {
  if (refusal.retryAfter !== undefined) c.header('Retry-After', String(refusal.retryAfter))
  const status = statusOf(refusal)
  if (status === 401) c.header('WWW-Authenticate', 'Bearer')
  if (wantsJsonError(c)) return c.json(errorOf(refusal), status)
  const words = wordsOf(refusal)
  if (wantsFragment(c)) return c.html(reason(words).toString(), status)
  return c.html((pageWith?.(words) ?? problemPage(c.var.place, words)).toString(), status)
}
