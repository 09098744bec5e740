// What was typed and is not answered yet: kept in this tab, sent in order, one at a time, each under its own key.
// Trying again is safe, because the server stores a key once.
import { copyButton } from './bar.js'
import { later } from './load.js'
import { openWaiting } from './waiting.js'

const SHORTEST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000
const SHORTEST_PATIENCE_MS = 10_000
const LONGEST_PATIENCE_MS = 60_000
// Requests for one message that may be open at once: a browser has six connections for all its tabs.
const ATTEMPTS = 2
// Answers in a row that were not the server's, before somebody is told.
const STRANGE = 3
// Stands where an attempt does while the server wants none, and never becomes old.
const HOLD = { at: Infinity }

const OVER = '<p>This was not sent. You can still copy it.</p>'

/**
 * Takes over the form.
 * @returns `send`, to be called when there is a line again, `end`, when nothing more can be said here, and `settle`,
 * when lines were put into the log
 */
export function openOutbox(form) {
  const field = form.elements.text
  const shown = document.getElementById('reason')
  const { member } = form.dataset
  const place = `parlour:${location.pathname}`
  const waiting = openWaiting(form.action)
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

  /** There is a line again: an attempt that is old may have been lost with the line before. */
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

  /** No answer has come in time. It may still come, but it may also be lost. */
  function lose() {
    patience = Math.min(patience * 2, LONGEST_PATIENCE_MS)
    again()
  }

  async function ask(message, attempt) {
    const { signal } = attempt
    const { key, text } = message
    message.open = (message.open ?? 0) + 1
    keep()
    let answer
    try {
      const body = new URLSearchParams({ key, text, member })
      const response = await fetch(form.action, { method: 'POST', headers: { 'HX-Request': 'true' }, body, signal })
      answer = { response, text: await response.text() }
      message.open -= 1
    } catch {
      // A message without an answer is sent again.
    }
    // Only an answer that names the message says that it was taken: a page to sign in is a 200 too.
    const cursor = answer?.response.ok && answer.text.match(`data-key="${key}" data-cursor="([^"]+)"`)?.[1]
    const verdict = !cursor && answer && (await later())?.judge(answer)
    if (message !== queue[0]) return
    if (cursor) taken(attempt, cursor)
    else if (verdict?.isRefusal) giveBack(verdict)
    else if (attempt === current) failed(verdict ?? {})
  }

  function taken({ at }, cursor) {
    const needed = 2 * (performance.now() - at)
    patience = Math.max(SHORTEST_PATIENCE_MS, Math.min(needed, LONGEST_PATIENCE_MS))
    queue.shift()
    waiting.sent(cursor)
    if (!kept.returned) shown.replaceChildren()
    next()
  }

  // The reason stands beside the field; the text goes back there, before what was typed meanwhile.
  function giveBack(verdict) {
    const typed = typedIn(kept)
    kept.returned = join([kept.returned, queue.shift().text])
    field.value = join([kept.returned, typed])
    field.focus()
    waiting.drop()
    show(verdict)
    next()
  }

  function next() {
    clearTimeout(timer)
    for (const attempt of attempts.splice(0)) attempt.abort()
    wait = strange = 0
    keep()
    again()
  }

  function failed(verdict) {
    wait = Math.min(wait * 2 || SHORTEST_WAIT_MS, LONGEST_WAIT_MS)
    strange = verdict.isStrange ? strange + 1 : 0
    // An attempt without an answer may have been taken: given back, the message could be said twice.
    if (strange >= STRANGE && verdict.isForbidden && !queue[0].open) return giveBack(verdict)
    if (!verdict.isStrange || strange >= STRANGE) show(verdict)
    current = verdict.hold === undefined ? undefined : HOLD
    clearTimeout(timer)
    timer = setTimeout(again, Math.max(wait * (1 - Math.random() * 0.3), verdict.hold ?? 0))
  }

  function show({ reason }) {
    if (reason && shown.innerHTML !== reason) shown.innerHTML = reason
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
    if (unsent(kept)) show({ reason: OVER })
    keep()
  }

  function read() {
    const nothing = { member, queue: [], returned: '', draft: '' }
    try {
      const kept = { ...nothing, ...JSON.parse(sessionStorage[place] ?? '{}') }
      // What was typed under another name is not sent by itself under this one, but stands in the field.
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
