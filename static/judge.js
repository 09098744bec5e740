const LONGEST_HOLD_MS = 60_000
// What the server itself refuses for good.
const REFUSED = [400, 403, 405, 409, 413, 422]

const STRANGE = '<p>Something on the way answers, perhaps a page to sign in. This waits and is tried again.</p>'
const FORBIDDEN = '<p>Something on the way does not let this through.</p>'

/**
 * What an answer says that does not say that a message was taken.
 * @returns `isRefusal` where the server itself will not have it; `isStrange` where something on the way answered, and
 * `isForbidden` where that will not have it; `reason`, to be shown; `hold`, milliseconds to wait where it asks for that
 */
export function judge({ response, text }) {
  const { status, headers } = response
  const asked = headers.get('Retry-After')
  const hold = status === 429 || asked ? readWait(asked, headers) : undefined
  const isOurs = status >= 400 && text.startsWith('<p class="refusal">')
  if (status >= 500 || status === 429) return { hold }
  if (isOurs) return { hold, isRefusal: REFUSED.includes(status), reason: text }
  return { hold, isStrange: true, isForbidden: status >= 400, reason: status >= 400 ? FORBIDDEN : STRANGE }
}

/** Milliseconds until an answer wants to be asked again: seconds or a date (RFC 9110, 10.2.3), by the clock of who answers. */
function readWait(asked, headers) {
  const seconds = Number(asked)
  const now = Date.parse(headers.get('Date') ?? '') || Date.now()
  const wait = Number.isNaN(seconds) ? Date.parse(asked) - now : seconds * 1000
  return Math.min(wait || 0, LONGEST_HOLD_MS)
}
