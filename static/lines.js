// The log as a person sees it: every line once and in order, or told as gone. The page has one place in the log, and
// what is not after it is never added, whatever brings it.
import { later } from './load.js'
import { make } from './make.js'

/** Beyond so many lines the page lets go of some. */
export const LINES = 500
// When an older page comes, the days above so many messages are written anew.
const REDRAWN_LINES = 300
const TOGETHER_MS = 200
const RETRY_MS = 3000

/**
 * Takes over the log.
 * @param path the room's
 * @param settle called when lines were put in, with the number of the page's place and what came with them
 * @param resume called when lines are wanted again that were left out
 * @param gone called when the room has said farewell
 * @returns `take`, for what comes; `flush`, to put in what waits; and `cursor`, the page's place
 */
export function openLines({ path, settle, resume, gone }) {
  const log = document.getElementById('log')
  const scroll = document.getElementById('scroll')
  const chat = document.getElementById('chat')
  const empty = document.querySelector('.pages .empty')
  const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' })
  let seq = Number.parseInt(cursor(), 10)
  let gathered = ''
  // Lines that changed while an older page was on its way, which may have been read before.
  let revised = ''
  let putInAt = 0
  let isTrimming = false
  // Whether newer lines are left out, because the reader is far from them.
  let isBehind = false

  /** What comes in quick succession is put in together: a page is laid out for each time, not for each line. */
  function take(html) {
    // A line that changes is looked for in the page, so what it was before has to stand there already.
    const revisions = html.match(/<li[^>]*oob.*?<\/li>/gs)
    if (revisions) {
      flush()
      if (document.querySelector('.htmx-request')) revised += revisions.join('')
    }
    const isFirst = !gathered
    gathered += html
    if (performance.now() - putInAt > TOGETHER_MS) flush()
    else if (isFirst) setTimeout(flush, TOGETHER_MS)
  }

  function flush() {
    // Of the places from which to resume only the newest counts.
    const text = gathered.replace(/<input[^>]*>(?=.*?<input)/gs, '')
    gathered = ''
    putInAt = performance.now()
    if (text) htmx.swap({ sourceElement: chat, target: log, swap: 'beforeend swapEmpty:false', text, isLines: true })
  }

  function cursor() {
    return document.getElementById('since').value
  }

  /** Takes out what is not after the page's place, and moves the place on. */
  function sift({ ctx, tasks }) {
    const [main, since, count] = ['log', 'since', 'count'].map((id) => tasks.find(({ target }) => target.id === id))
    ctx.isCaughtUp = !!count && !isBehind
    if (isBehind) main?.fragment.replaceChildren()
    for (const line of main?.fragment.querySelectorAll('.gap, .message') ?? []) {
      if (line.matches('.gap')) siftGap(line, since, ctx)
      else if (numberOf(line) > seq) seq = numberOf(line)
      else {
        dropDay(line)
        line.remove()
      }
    }
    // A way that began earlier may tell an older place, and a page that leaves lines out stays where it is.
    if (since && (isBehind || Number.parseInt(placeIn(since), 10) < seq)) tasks.splice(tasks.indexOf(since), 1)
  }

  /** A gap without a number begins another history. One that lies before what the page shows is none for this page. */
  function siftGap(gap, since, ctx) {
    let next = gap.nextElementSibling
    while (next && !next.matches('.message')) next = next.nextElementSibling
    const isCounted = /^\d/.test(gap.textContent)
    const isKnown = isCounted
      ? next && numberOf(next) <= seq + 1
      : next
        ? document.querySelector(`.pages [data-cursor="${next.dataset.cursor}"]`)
        : since && placeIn(since) === cursor()
    if (isKnown) gap.remove()
    else if (!isCounted) {
      seq = 0
      ctx.isAnew = true
    }
  }

  function localise(message) {
    const time = message.querySelector('time')
    const at = new Date(time.dateTime)
    time.textContent = clock.format(at)
    message.day = at.toDateString()
    dropDay(message)
    if (previousMessage(message)?.day === message.day) return
    message.before(make('li', { className: 'day', textContent: day.format(at) }))
  }

  function arrived(lines) {
    for (const line of lines) {
      // Where a gap is, something was said.
      if (line.matches?.('.message, .gap')) empty?.remove()
      if (line.matches?.('.message')) localise(line)
    }
    const last = lines.at(-1)
    if (!last?.matches?.('ul:not(#log)')) return
    messages().slice(0, REDRAWN_LINES).forEach(localise)
    // The older page says itself what is gone before it.
    if (last.querySelector('.gap')) document.querySelector('.pages > .gap')?.remove()
    trimSoon()
  }

  // Once a frame: to ask where the reader is makes the browser lay the page out, each time that a line was added.
  function trimSoon() {
    if (isTrimming) return
    isTrimming = true
    requestAnimationFrame(async () => {
      if (document.querySelectorAll('.pages li').length > LINES) await trim()
      isTrimming = false
    })
  }

  async function trim() {
    const script = await later()
    const newest = script?.trim(path)
    messages().slice(0, 1).forEach(localise)
    if (!newest) return
    document.getElementById('since').value = newest.dataset.cursor
    seq = numberOf(newest)
    isBehind = true
  }

  document.addEventListener('htmx-before-swap', ({ detail }) => detail.ctx.isLines && sift(detail))
  document.addEventListener('htmx-before-settle', ({ detail }) => arrived(detail.newContent))
  document.addEventListener('htmx-after-swap', ({ detail: { ctx } }) => {
    if (ctx.isLines) {
      settle({ seq, ...ctx })
      trimSoon()
    }
    if (document.getElementById('status').matches('.gone')) gone()
  })
  // What a proxy or a page to sign in answers in the server's place, or a refusal, is no part of the log.
  document.addEventListener('htmx-after-request', (event) => {
    const { sourceElement, response, text } = event.detail.ctx
    if (!sourceElement.closest('.older')) return
    if (response.status !== 200 || !/^\s*<(p class="older"|ul class="messages")/.test(text)) event.preventDefault()
  })
  document.addEventListener('htmx-finally-request', ({ detail: { ctx } }) => {
    const older = ctx.sourceElement.closest('.older')
    // This request counts as under way until this turn ends. Where another one is they are kept for that too.
    queueMicrotask(() => take(revised, (revised = '')))
    // It is asked for once on being seen, and after a failure once more, until the room has said farewell.
    setTimeout(() => older?.matches('main:not(:has(.gone)) *') && htmx.process(older, true), RETRY_MS)
  })
  scroll.addEventListener('scroll', () => {
    if (!isBehind || scroll.scrollTop < -scroll.clientHeight) return
    // The lines that wait here come after others that were left out: all of them come again.
    gathered = ''
    isBehind = false
    resume()
  })
  document.addEventListener('pointerover', async ({ target }) => {
    if (target.matches('.message time')) (await later())?.tellExactly(target)
  })
  messages().forEach(localise)
  return { take, flush, cursor }
}

function messages() {
  return [...document.querySelectorAll('.pages .message')]
}

function dropDay({ previousElementSibling: line }) {
  if (line?.matches('.day')) line.remove()
}

function numberOf({ id }) {
  return Number(id.slice(1))
}

function placeIn({ fragment }) {
  return fragment.firstElementChild.value
}

function previousMessage(message) {
  let line = message.previousElementSibling
  while (line && !line.dataset.cursor) line = line.previousElementSibling
  if (line) return line
  const all = messages()
  return all[all.indexOf(message) - 1]
}
