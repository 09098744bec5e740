import { StoreFailure } from '../../rooms/stores/prompt.ts'
import { refuse } from '../../rooms/types.ts'
import type { Html } from '../../templates/html.ts'
import { problemPage } from '../../templates/problem.ts'
import { reason } from '../../templates/reason.ts'
import { errorOf, type SiteRefusal, type SiteResult, statusOf, wordsOf } from './refusals.ts'
import { type Ask, type Site, wantsFragment, wantsJsonError } from './site.ts'

const UNAVAILABLE = refuse('unavailable', { retryAfter: 5 })
const DRAINING = refuse('draining', { retryAfter: 5 })

/**
 * Says no, in the form that was asked for.
 * @param pageWith the page that was being filled in, with what was typed and these words; a plain page where none is given
 */
export function answerRefusal(c: Ask, refusal: SiteRefusal, pageWith?: (words: string) => Html): Response {
  if (refusal.retryAfter !== undefined) c.header('Retry-After', String(refusal.retryAfter))
  const status = statusOf(refusal)
  c.get('refused')?.(refusal.refusal)
  // Whoever gives back what was typed answers a second time.
  c.set('refused', undefined)
  if (status === 401) c.header('WWW-Authenticate', 'Bearer')
  if (wantsJsonError(c)) return c.json(errorOf(refusal), status)
  const words = wordsOf(refusal)
  if (wantsFragment(c)) return c.html(reason(words).toString(), status)
  return c.html((pageWith?.(words) ?? problemPage(c.get('place'), words)).toString(), status)
}

/** Refuses what the store failed at, so that what was typed can be given back. */
export async function orRefuse<T>(site: Site, asked: Promise<SiteResult<T>>): Promise<SiteResult<T>> {
  try {
    return await asked
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error
    return refusalOf(site, error)
  }
}

/** Whether the store failed before it could say whose a form is, and a person waits for a page with what they typed. */
export function isUnmet(c: Ask): boolean {
  return c.error instanceof StoreFailure && !c.get('visit') && !wantsJsonError(c) && !wantsFragment(c)
}

/** What becomes of a request that failed. */
export function refusalOf(site: Site, error: unknown): SiteRefusal {
  const isUnavailable = error instanceof StoreFailure
  // A chat that drains lets go of its store, and a host may go on without it.
  if (isUnavailable && site.isDraining()) return DRAINING
  const id = site.ledger.failed(error)
  return { ...(isUnavailable ? UNAVAILABLE : refuse('broken')), id }
}
