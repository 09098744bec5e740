// What htmx does not do by itself: local times, no line twice, a line that went dead, and saying how things stand.
import { make, openOutbox } from './outbox.js'

document.addEventListener('DOMContentLoaded', () => {
  const chat = document.getElementById('chat')
  if (!chat) return
  const log = document.getElementById('log')
  const scroll = document.getElementById('scroll')
  const form = document.getElementById('say')
  const events = document.getElementById('events')
  const link = document.getElementById('link')
  const people = document.querySelector('.people')
  const send = openOutbox(form)
  const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' })
  const empty = document.querySelector('.pages .empty')
  const LINES = 500
  const SPARE = 100
  const SILENCE = 40000
  const TOGETHER = 200
  let heard = Date.now()
  let gathered = ''
  let putInAt = 0
  let standIn
  let standInTimer
  let trimming
  let statusTimer

  // Lines

  function previousMessage(message) {
    let line = message.previousElementSibling
    while (line && !line.dataset.cursor) line = line.previousElementSibling
    if (line) return line
    const all = [...document.querySelectorAll('.pages .message')]
    return all[all.indexOf(message) - 1]
  }

  function localise(message) {
    empty?.remove()
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
    if (!gathered && event.timeStamp - putInAt > TOGETHER) {
      putInAt = event.timeStamp
      return
    }
    event.preventDefault()
    if (!gathered) setTimeout(putIn, TOGETHER)
    gathered += data
  }

  function putIn() {
    // Of the places from which to resume only the newest counts.
    const text = gathered.replace(/<input[^>]*>(?=.*?<input)/gs, '')
    gathered = ''
    putInAt = performance.now()
    if (text) htmx.swap({ sourceElement: chat, target: log, swap: 'beforeend swapEmpty:false', text })
  }

  document.addEventListener('htmx-before-swap', ({ detail: { tasks } }) => {
    for (const { fragment } of tasks) {
      for (const line of fragment.querySelectorAll('.message')) {
        // By its cursor: after a restart that forgot, the numbers begin again, and an id may be there twice.
        if (!document.getElementById(line.id)) continue
        if (!document.querySelector(`.pages [data-cursor="${line.dataset.cursor}"]`)) continue
        // A gap before what is shown already is one that only an old place in the log had.
        let before = line.previousElementSibling
        if (before?.matches('.day')) before = before.previousElementSibling
        if (before?.matches('.gap')) before.remove()
        line.remove()
      }
    }
  })
  document.addEventListener('htmx-before-settle', ({ detail: { newContent } }) => arrived(newContent))
  // Once a frame: to ask where the reader is, between two lines, would lay the page out for each of them.
  document.addEventListener('htmx-after-swap', () => (trimming ||= requestAnimationFrame(trim)))
  document.querySelectorAll('.pages .message').forEach(localise)

  // The line

  function say(words, delay) {
    clearTimeout(statusTimer)
    statusTimer = setTimeout(() => {
      const status = document.getElementById('status')
      if (!status.matches('.gone') && status.textContent !== words) status.textContent = words
    }, delay)
  }

  function connected() {
    heard = Date.now()
    say('Connected', 0)
    send()
  }

  function broken() {
    const words = navigator.onLine ? 'Reconnecting…' : 'You are offline. Messages will be sent when you are back.'
    say(words, navigator.onLine ? 2000 : 300)
  }

  function reconnect() {
    heard = Date.now()
    if (document.getElementById('status').matches('.gone')) return
    endEvents()
    htmx.process(chat, true)
  }

  function endEvents() {
    if (events._htmx?.sse) htmx.process(events, true)
  }

  // Where sockets are blocked events stand in: the socket goes on trying, and whoever is first again has the line.
  function failed() {
    clearTimeout(standInTimer)
    standInTimer = setTimeout(useEvents, 1500)
  }

  function useEvents() {
    if (events._htmx?.sse) return
    if (standIn) return htmx.trigger(events, 'blocked')
    standIn = document.head.appendChild(make('script', { src: events.dataset.script }))
    standIn.addEventListener('load', () => {
      htmx.process(events, true)
      htmx.trigger(events, 'blocked')
    })
  }

  function hear() {
    heard = Date.now()
  }

  // Before the page says where it is: a tab that is shown again connects at once, and then again when the try that was
  // due before comes, so that this can happen while lines wait that nothing has closed the socket of.
  document.addEventListener('htmx-ws-after-connection', putIn, true)
  document.addEventListener('htmx-ws-after-connection', () => {
    clearTimeout(standInTimer)
    endEvents()
    connected()
  })
  document.addEventListener('htmx-sse-after-connection', connected)
  document.addEventListener('htmx-ws-close', broken)
  document.addEventListener('htmx-ws-error', failed)
  document.addEventListener('htmx-ws-before-message-incoming', (event) => {
    hear()
    gather(event)
  })
  document.addEventListener('htmx-sse-before-message', hear)
  addEventListener('offline', broken)
  addEventListener('online', reconnect)
  addEventListener('pageshow', ({ persisted }) => persisted && reconnect())
  setInterval(() => {
    if (!document.hidden && Date.now() - heard > SILENCE) {
      broken()
      reconnect()
    }
  }, 3000)

  // The bar

  const copy = make('button', { type: 'button', textContent: 'Copy' })
  link.after(copy)
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(link.href)
    } catch {
      // Without https there is no clipboard to write to; a selection can still be copied.
      getSelection().selectAllChildren(link)
      document.execCommand('copy')
    }
    copy.textContent = 'Copied'
  })
  document.addEventListener('pointerover', ({ target }) => {
    if (target.matches('.message time')) target.title = exact.format(new Date(target.dateTime))
  })
  document.addEventListener('click', ({ target }) => {
    if (!people.contains(target)) people.open = false
  })
})
