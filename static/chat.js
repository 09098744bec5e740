// What htmx does not do by itself: local times, no line twice, a line that went dead, and saying how things stand.
import { openBar } from './bar.js'
import { make } from './make.js'
import { openOutbox } from './outbox.js'

document.addEventListener('DOMContentLoaded', () => {
  const chat = document.getElementById('chat')
  if (!chat) return
  const log = document.getElementById('log')
  const scroll = document.getElementById('scroll')
  const outbox = openOutbox(document.getElementById('say'))
  const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' })
  const empty = document.querySelector('.pages .empty')
  const LINES = 500
  const SPARE = 100
  const SILENCE_MS = 40000
  const TOGETHER_MS = 200
  const PATIENCE_MS = 1500
  let heard = Date.now()
  let gathered = ''
  let putInAt = 0
  let standIn
  let standInTimer
  let stream
  let trimming
  let saying
  let statusTimer
  let isAnew
  let isCaughtUp

  openBar()

  // Lines

  function previousMessage(message) {
    let line = message.previousElementSibling
    while (line && !line.dataset.cursor) line = line.previousElementSibling
    if (line) return line
    const all = [...document.querySelectorAll('.pages .message')]
    return all[all.indexOf(message) - 1]
  }

  function localise(message) {
    const time = message.querySelector('time')
    const at = new Date(time.dateTime)
    time.textContent = clock.format(at)
    message.day = at.toDateString()
    if (message.previousElementSibling?.className === 'day') message.previousElementSibling.remove()
    if (previousMessage(message)?.day === message.day) return
    const separator = make('li', { className: 'day', textContent: day.format(at) })
    message.before(separator)
  }

  function arrived(lines) {
    for (const line of lines) {
      // Where something is gone nobody can say that nothing was said.
      if (line.matches?.('.message, .gap')) empty?.remove()
      if (line.matches?.('.message')) localise(line)
      else line.querySelectorAll?.('.message').forEach(localise)
    }
    const last = lines.at(-1)
    if (last?.matches?.('ul:not(#log)'))
      [...document.querySelectorAll('.pages .message')].slice(0, 300).forEach(localise)
  }

  // Only where the reader is at the newest line: what somebody reads does not go away.
  function trim() {
    trimming = 0
    if (log.childElementCount <= LINES || scroll.scrollTop < -50) return
    // More than is needed, so that this is rare.
    while (log.childElementCount > LINES - SPARE) log.firstChild.remove()
    const first = log.querySelector('.message')
    if (!first) return
    for (const page of document.querySelectorAll('.pages > ul')) page.remove()
    const text = `<p class="older"><a href="?before=${first.dataset.cursor}" data-hx-get="${location.pathname}/messages?before=${first.dataset.cursor}" data-hx-trigger="click, intersect root:#scroll once" data-hx-target="closest .older" data-hx-swap="outerHTML">Earlier messages</a></p>`
    const older = document.querySelector('.older') ?? make('p', {})
    log.parentElement.before(older)
    // By a swap, because what htmx watches it lets go of only when it takes it away itself.
    htmx.swap({ sourceElement: chat, target: older, swap: 'outerHTML', text })
  }

  // What comes in quick succession is put in together: a page is laid out for each time, not for each line.
  function gather(event) {
    const { data } = event.detail.message
    if (!gathered && event.timeStamp - putInAt > TOGETHER_MS) {
      putInAt = event.timeStamp
      return
    }
    event.preventDefault()
    if (!gathered) setTimeout(putIn, TOGETHER_MS)
    gathered += data
  }

  function putIn() {
    // Of the places from which to resume only the newest counts.
    const text = gathered.replace(/<input[^>]*>(?=.*?<input)/gs, '')
    gathered = ''
    putInAt = performance.now()
    if (text) htmx.swap({ sourceElement: chat, target: log, swap: 'beforeend swapEmpty:false', text })
  }

  // What a proxy or a page to sign in answers in the server's place, or a refusal, is no part of the log.
  document.addEventListener('htmx-after-request', (event) => {
    const { response, text } = event.detail.ctx
    if (response.status !== 200 || !/^\s*<(p class="older"|ul class="messages")/.test(text)) event.preventDefault()
  })
  document.addEventListener('htmx-before-swap', ({ detail: { tasks } }) => {
    const gaps = tasks.flatMap(({ fragment }) => [...fragment.querySelectorAll('.gap')])
    isAnew = gaps.some(({ textContent }) => !/^\d/.test(textContent))
    isCaughtUp = tasks.some(({ target }) => target.id === 'count')
    for (const { fragment } of tasks) {
      for (const line of fragment.querySelectorAll('.message')) {
        // By its cursor: after a restart that forgot, the numbers begin again, and an id may be there twice.
        if (!document.getElementById(line.id)) continue
        if (!document.querySelector(`.pages [data-cursor="${line.dataset.cursor}"]`)) continue
        // A gap before what is shown already is one that only an old place in the log had.
        for (const kind of ['day', 'gap']) {
          if (line.previousElementSibling?.className === kind) line.previousElementSibling.remove()
        }
        line.remove()
      }
    }
  })
  document.addEventListener('htmx-before-settle', ({ detail: { newContent } }) => arrived(newContent))
  // Once a frame: to ask where the reader is, between two lines, would lay the page out for each of them.
  document.addEventListener('htmx-after-swap', () => {
    trimming ||= requestAnimationFrame(trim)
    outbox.settle({ seq: Number.parseInt(document.getElementById('since').value, 10), isAnew, isCaughtUp })
    if (!isGone()) return
    outbox.end()
    // htmx asks whether to connect again when it sets its timer, not when that is due.
    clearTimeout(chat._htmx?.ws?.connection?.timer)
  })
  document.querySelectorAll('.pages .message').forEach(localise)
  document.addEventListener('pointerover', ({ target }) => {
    if (target.matches('.message time')) target.title = exact.format(new Date(target.dateTime))
  })

  // The line

  /** Whether the room said farewell: then nothing is asked of it any more. */
  function isGone() {
    return document.getElementById('status').matches('.gone')
  }

  function say(words, delay) {
    // What is about to be said already is not put off by being said again.
    if (words === saying) return
    saying = words
    clearTimeout(statusTimer)
    statusTimer = setTimeout(() => {
      const status = document.getElementById('status')
      if (!isGone()) status.textContent = words
    }, delay)
  }

  function connected() {
    heard = Date.now()
    say('Connected', 0)
    outbox.send()
  }

  function broken() {
    const words = navigator.onLine ? 'Reconnecting…' : 'You are offline. Messages will be sent when you are back.'
    say(words, navigator.onLine ? 2000 : 300)
  }

  function reconnect() {
    heard = Date.now()
    if (isGone()) return
    stream?.end()
    htmx.process(chat, true)
  }

  function isWanted() {
    return !isGone() && chat._htmx?.ws?.connection?.socket?.readyState !== WebSocket.OPEN
  }

  function useEvents() {
    if (stream) return stream.use()
    if (standIn || !isWanted()) return
    const { script } = document.getElementById('events').dataset
    standIn = document.head.appendChild(make('script', { src: script }))
    standIn.addEventListener('error', () => {
      standIn = undefined
    })
    standIn.addEventListener('load', () => {
      stream = openEvents({ isWanted, connected, hear })
      stream.use()
    })
  }

  function hear() {
    heard = Date.now()
  }

  // A tab that is shown again may connect twice, so lines that wait are put in before the page says where it is.
  document.addEventListener('htmx-ws-after-connection', putIn, true)
  document.addEventListener('htmx-ws-after-connection', () => {
    clearTimeout(standInTimer)
    stream?.end()
    connected()
  })
  document.addEventListener('htmx-ws-before-connection', (event) => isGone() && event.preventDefault())
  document.addEventListener('htmx-ws-close', broken)
  document.addEventListener('htmx-ws-error', () => {
    clearTimeout(standInTimer)
    standInTimer = setTimeout(useEvents, PATIENCE_MS)
  })
  document.addEventListener('htmx-ws-before-message-incoming', (event) => {
    hear()
    gather(event)
  })
  addEventListener('offline', broken)
  addEventListener('online', reconnect)
  addEventListener('pageshow', ({ persisted }) => persisted && reconnect())
  setInterval(() => {
    if (!document.hidden && Date.now() - heard > SILENCE_MS) {
      broken()
      reconnect()
    }
  }, 3000)
})
