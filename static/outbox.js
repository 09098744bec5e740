// What was typed and is not answered yet: kept in this tab, sent in order, one at a time, each under its own key.
// Trying again is safe, because the server stores a key once.
import { copyButton } from './bar.js'
import { make } from './make.js'

const SHORTEST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000
const LONGEST_HOLD_MS = 60_000
// Answers in a row that were not the server's, before somebody is told.
const STRANGE = 3

const STRANGE_WORDS = 'Something on the way answers, perhaps a page to sign in. This waits and is tried again.'
const UNWANTED_WORDS = 'Something on the way does not let this through.'
const OVER_WORDS = 'This was not sent. You can still copy it.'

/**
 * Takes over the form.
 * @returns `send`, to be called when there is a connection again, and `end`, when nothing more can be said here
 */
export function openOutbox(form) {
  const field = form.elements.text
  const list = document.getElementById('waiting')
  const { member } = form.dataset
  const place = `parlour:${location.pathname}`
  const kept = read()
  // What waits to be said under another name is not said under this one by itself.
  const queue = kept.member === member ? kept.queue : []
  let isSending = false
  let isHeld = false
  let isOver = false
  let failures = 0
  let returned = ''
  let timer

  field.value ||= kept.member === member ? kept.draft : unsent(kept.queue, kept.draft)
  show()
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    say()
  })
  field.addEventListener('input', keep)
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    say()
  })
  form.addEventListener('htmx-config-request', ({ detail: { ctx } }) => {
    ctx.request.body = new FormData()
    ctx.request.body.set('text', queue[0].text)
    ctx.request.body.set('key', queue[0].key)
  })
  form.addEventListener('htmx-after-request', (event) => {
    const { ctx } = event.detail
    if (!isTaken(ctx) && !isRefusal(ctx)) event.preventDefault()
  })
  form.addEventListener('htmx-finally-request', ({ detail: { ctx } }) => answered(ctx))
  // Without a `ctx` the request was never made, and nothing else will tell of its end.
  form.addEventListener('htmx-error', ({ detail }) => detail.ctx || answered({}))

  function say() {
    field.focus()
    if (isOver || !field.value.trim()) return
    const key = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('')
    queue.push({ key, text: field.value })
    field.value = ''
    keep()
    show()
    send()
  }

  function send() {
    if (isSending || isHeld || isOver || !queue.length) return
    clearTimeout(timer)
    isSending = true
    htmx.trigger(form, 'send')
  }

  function answered(ctx) {
    isSending = false
    if (isTaken(ctx)) taken()
    else if (isRefusal(ctx) && [400, 403, 405, 409, 413, 422].includes(ctx.response.status)) giveBack()
    else failed(ctx)
    keep()
  }

  /** Only an answer that names the message says that it was taken: a page to sign in is a 200 too. */
  function isTaken({ response, text }) {
    return response?.status === 200 && !!text?.includes(`data-key="${queue[0]?.key}"`)
  }

  function taken() {
    queue.shift()
    next()
  }

  // The reason stands beside the field; the text goes back there, before what was typed meanwhile.
  function giveBack() {
    const isThere = returned && field.value.startsWith(returned)
    const typed = isThere ? field.value.slice(returned.length).replace(/^\n/, '') : field.value
    returned = join([isThere && returned, queue.shift().text])
    field.value = join([returned, typed])
    field.focus()
    next()
  }

  function next() {
    failures = 0
    show()
    setTimeout(send)
  }

  function failed({ response, text }) {
    const isStrange = response && response.status < 500 && response.status !== 429 && !isRefusal({ response, text })
    failures += 1
    if (isStrange && failures >= STRANGE) {
      if (response.status >= 400) {
        tell(UNWANTED_WORDS)
        return giveBack()
      }
      tell(STRANGE_WORDS)
    }
    const asked = response?.headers.get('Retry-After')
    isHeld = response?.status === 429 || !!asked
    const wait = Math.min(SHORTEST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS)
    timer = setTimeout(again, Math.max(wait, asked ? readWait(asked, response) : 0) * (1 + Math.random() * 0.4))
  }

  function again() {
    isHeld = false
    send()
  }

  /** Nothing more is sent. What waits or is half written stays in view, to be copied. */
  function end() {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    field.readOnly = true
    field.hidden = !field.value
    form.querySelector('button').replaceWith(copyButton(() => unsent(queue, field.value)))
    if (unsent(queue, field.value)) tell(OVER_WORDS)
    keep()
    show()
  }

  // Item by item: one that is there already is on its way to being seen.
  function show() {
    for (const item of [...list.children]) if (!queue.some(({ key }) => key === item.dataset.key)) item.remove()
    for (const { key, text } of queue.slice(list.childElementCount)) {
      const item = make('li', { className: 'message waiting' })
      item.dataset.key = key
      item.append(make('p', { className: 'text', dir: 'auto', textContent: text }), make('small', {}))
      list.append(item)
    }
    for (const state of list.querySelectorAll('small')) state.textContent = isOver ? 'Not sent' : 'Waiting to be sent'
    form.hidden = isOver && !unsent(queue, field.value)
  }

  function read() {
    const nothing = { member: '', queue: [], draft: '' }
    try {
      return { ...nothing, ...JSON.parse(sessionStorage[place] ?? '{}') }
    } catch {
      return nothing
    }
  }

  function keep() {
    try {
      sessionStorage[place] = JSON.stringify({ member, queue, draft: field.value })
    } catch {
      // A browser that may not keep anything still sends.
    }
  }

  return { send, end }
}

/** Whether the server itself says no, rather than something on the way to it. */
function isRefusal({ response, text }) {
  return response?.status >= 400 && !!text?.startsWith('<p class="refusal">')
}

/** Milliseconds until an answer wants to be asked again: seconds or a date (RFC 9110, 10.2.3), by the clock of who answers. */
function readWait(asked, { headers }) {
  const seconds = Number(asked)
  const now = Date.parse(headers.get('Date') ?? '') || Date.now()
  const wait = Number.isNaN(seconds) ? Date.parse(asked) - now : seconds * 1000
  return Math.min(wait || 0, LONGEST_HOLD_MS)
}

function tell(words) {
  const reason = document.getElementById('reason')
  if (reason.textContent !== words) reason.replaceChildren(make('p', { textContent: words }))
}

function unsent(queue, draft) {
  return join([...queue.map(({ text }) => text), draft])
}

function join(texts) {
  return texts.filter(Boolean).join('\n')
}
