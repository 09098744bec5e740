// What htmx does not do by itself, put together: the log, the line that brings it, and what waits to be sent.
import { openBar } from './bar.js'
import { openLine } from './line.js'
import { openLines } from './lines.js'
import { openOutbox } from './outbox.js'

Object.assign(htmx.config, {
  // Attributes begin with `data-` and events and modifiers join with dashes, so that pages are valid HTML.
  metaCharacter: '-',
  history: false,
  // When a socket is opened is decided here: it is one of several ways.
  ws: { reconnect: false, pauseOnBackground: false },
})

document.addEventListener('DOMContentLoaded', () => {
  if (!document.getElementById('chat')) return
  openBar()
  const form = document.getElementById('say')
  const path = form.getAttribute('action').replace(/\/messages$/, '')
  const outbox = openOutbox(form)
  const lines = openLines({
    path,
    settle: outbox.settle,
    resume: () => line.renew(),
    gone() {
      outbox.end()
      line.end()
    },
  })
  const line = openLine({ path, lines, send: outbox.send })
})
