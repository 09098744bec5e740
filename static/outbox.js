// What was typed and is not answered yet: kept in this tab, sent in order, one at a time, each under its own key.
// Trying again is safe, because the server stores a key once.
import { copyButton } from './bar.js'
import { make } from './make.js'
import { openWaiting } from './waiting.js'

const SHORTEST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000
const LONGEST_HOLD_MS = 60_000
const SHORTEST_PATIENCE_MS = 10_000
const LONGEST_PATIENCE_MS = 60_000
// Requests for one message that may be open at once: a browser has six connections for all its tabs.
const ATTEMPTS = 2
// Answers in a row that were not the server's, before somebody is told.
const STRANGE = 3
// Stands where an attempt does while the server wants none, and never becomes old.
const HOLD = { at: Infinity }

const STRANGE_WORDS = 'Something on the way answers, perhaps a page to sign in.'
const UNWANTED_WORDS = 'Something on the way does not let this through.'
const OVER_WORDS = 'This was not sent. You can still copy it.'

/**
 * Takes over the form.
 * @returns `send`, to be called when there is a line again, `end`, when nothing more can be said here, and `settle`,
 * when lines were put into the log
 */
export function openOutbox(form) {
  const field = form.elements.text
  const reason = document.getElementById('reason')
  const { member } = form.dataset
  const place = `parlour:${location.pathname}`
  const waiting = openWaiting()
  const kept = read()
  const { queue } = kept
  const attempts = []
  let patience = SHORTEST_PATIENCE_MS
  let current
  let isOver = false
  let wait = 0
  let strange = 0
  let timer

  queue.forEach(waiting.add)
  if (field.value !== kept.draft) field.value = join([kept.draft, field.value])
  keep()
  send()
  form.addEventListener('submit', (event) => {
    prevent(event)
    say()
  })
  field.addEventListener('input', () => {
    if (!field.value.startsWith(kept.returned)) kept.returned = field.value
    keep()
  })
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    prevent(event)
    say()
  })
  addEventListener('online', retry)

  function say() {
    field.focus()
    if (isOver || !field.value.trim()) return
    const key = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('')
    queue.push({ key, text: field.value })
    waiting.add(queue.at(-1))
    field.value = kept.returned = ''
    keep()
    send()
  }

  /** There is a line again: what is under way for long may have gone with the old one. */
  function retry() {
    if (current && performance.now() - current.at > SHORTEST_PATIENCE_MS) current = undefined
    send()
  }

  function send() {
    if (current || isOver || !queue.length) return
    clearTimeout(timer)
    timer = setTimeout(lose, patience)
    current = Object.assign(new AbortController(), { at: performance.now() })
    if (attempts.push(current) > ATTEMPTS) attempts.shift().abort()
    ask(queue[0], current)
  }

  /** The answer may still come, but where it was lost on the way there is none. */
  function lose() {
    patience = Math.min(patience * 2, LONGEST_PATIENCE_MS)
    again()
  }

  async function ask(message, attempt) {
    const { signal } = attempt
    let answer = {}
    try {
      const body = new URLSearchParams({ ...message, member })
      const response = await fetch(form.action, { method: 'POST', headers: { 'HX-Request': 'true' }, body, signal })
      answer = { response, text: await response.text() }
    } catch {
      // What has no answer is sent again.
    }
    if (message === queue[0]) answered(message, attempt, answer)
  }

  function answered({ key }, attempt, { response, text }) {
    const { status } = response ?? {}
    // Only an answer that names the message says that it was taken: a page to sign in is a 200 too.
    const cursor = status === 200 && text.match(`data-key="${key}" data-cursor="([^"]+)"`)?.[1]
    if (cursor) return taken(attempt, cursor)
    const isFinal = status < 500 && status !== 429
    // The server itself says no, rather than something on the way to it.
    const isRefusal = status >= 400 && text.startsWith('<p class="refusal">')
    if (isRefusal && isFinal) reason.innerHTML = text
    if (isRefusal && [400, 403, 405, 409, 413, 422].includes(status)) giveBack()
    else if (attempt === current) failed(response, isFinal && !isRefusal)
  }

  function taken({ at }, cursor) {
    const needed = 2 * (performance.now() - at)
    patience = Math.max(SHORTEST_PATIENCE_MS, Math.min(needed, LONGEST_PATIENCE_MS))
    queue.shift()
    waiting.sent(cursor)
    if (!kept.returned) reason.replaceChildren()
    next()
  }

  // The reason stands beside the field; the text goes back there, before what was typed meanwhile.
  function giveBack() {
    const typed = typedIn(kept)
    kept.returned = join([kept.returned, queue.shift().text])
    field.value = join([kept.returned, typed])
    field.focus()
    waiting.drop()
    next()
  }

  function next() {
    clearTimeout(timer)
    for (const attempt of attempts.splice(0)) attempt.abort()
    wait = strange = 0
    keep()
    again()
  }

  function failed(response, isStrange) {
    wait = Math.min(wait * 2 || SHORTEST_WAIT_MS, LONGEST_WAIT_MS)
    strange = isStrange ? strange + 1 : 0
    if (strange >= STRANGE) {
      tell(response.status < 400 ? STRANGE_WORDS : UNWANTED_WORDS)
      if (response.status >= 400) return giveBack()
    }
    const asked = response?.headers.get('Retry-After')
    current = (asked || response?.status === 429) && HOLD
    clearTimeout(timer)
    timer = setTimeout(again, Math.max(wait * (1 - Math.random() * 0.3), asked ? readWait(asked, response) : 0))
  }

  function again() {
    current = undefined
    send()
  }

  /** Nothing more is sent. What waits or is half written stays in view, to be copied. */
  function end() {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    waiting.end()
    field.readOnly = true
    form.querySelector('button').replaceWith(copyButton(() => unsent(kept)))
    if (unsent(kept)) tell(OVER_WORDS)
    keep()
  }

  function tell(words) {
    if (reason.textContent !== words) reason.replaceChildren(make('p', { textContent: words }))
  }

  function read() {
    const nothing = { member, queue: [], returned: '', draft: '' }
    try {
      const kept = { ...nothing, ...JSON.parse(sessionStorage[place] ?? '{}') }
      // What waits to be said under another name is not said under this one by itself.
      return kept.member === member ? kept : { ...nothing, draft: unsent(kept) }
    } catch {
      return nothing
    }
  }

  function keep() {
    kept.draft = field.value
    field.hidden = isOver && !field.value
    form.hidden = isOver && !unsent(kept)
    // Asked for only while it is needed, because browsers keep no page that asks ready for going back to.
    const listen = queue.length ? addEventListener : removeEventListener
    listen('beforeunload', prevent)
    try {
      sessionStorage[place] = JSON.stringify(kept)
    } catch {
      // A browser that may not keep anything still sends.
    }
  }

  return { send: retry, end, settle: waiting.settle }
}

/** Milliseconds until an answer wants to be asked again: seconds or a date (RFC 9110, 10.2.3), by the clock of who answers. */
function readWait(asked, { headers }) {
  const seconds = Number(asked)
  const now = Date.parse(headers.get('Date') ?? '') || Date.now()
  const wait = Number.isNaN(seconds) ? Date.parse(asked) - now : seconds * 1000
  return Math.min(wait || 0, LONGEST_HOLD_MS)
}

/** All that is not sent, in the order in which it was typed. */
function unsent(kept) {
  return join([kept.returned, ...kept.queue.map(({ text }) => text), typedIn(kept)])
}

/** What stands in the field behind what came back. */
function typedIn({ returned, draft }) {
  return draft.slice(returned.length).replace(/^\n/, '')
}

function prevent(event) {
  event.preventDefault()
}

function join(texts) {
  return texts.filter(Boolean).join('\n')
}
