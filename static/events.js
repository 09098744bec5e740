// Server-sent events stand in where sockets are blocked: the socket goes on trying, and whoever is first again has the
// line.
import { make } from './make.js'

/**
 * Readies the stand-in.
 * @param isWanted whether nothing better has the line
 * @param connected called when a stream brings something for the first time
 * @param hear called whenever one does
 * @returns `use`, to ask for a stream, and `end`
 */
export function openEvents({ isWanted, connected, hear }) {
  let element = document.getElementById('events')
  let script
  let isLoaded = false
  let isAsking = false
  let isHeard = true

  function use() {
    if (!isWanted() || isAsking || element._htmx?.sse) return
    if (!script) return load()
    if (!isLoaded) return
    isAsking = true
    htmx.trigger(element, 'blocked')
  }

  function load() {
    script = document.head.appendChild(make('script', { src: element.dataset.script }))
    script.addEventListener('error', () => {
      script.remove()
      script = undefined
    })
    script.addEventListener('load', () => {
      isLoaded = true
      htmx.process(element, true)
      use()
    })
  }

  // With a new element, because htmx goes on asking for a stream for as long as the old one is there.
  function end() {
    if (!isLoaded) return
    const fresh = element.cloneNode()
    htmx.process(element, true)
    element.replaceWith(fresh)
    element = fresh
    isAsking = false
    isHeard = true
    htmx.process(element)
  }

  document.addEventListener('htmx-finally-request', ({ detail }) => {
    if (detail.ctx.sourceElement === element) isAsking = false
  })
  document.addEventListener('htmx-sse-after-connection', ({ target }) => {
    if (target === element) isHeard = false
  })
  // What ended without an event was a page to sign in, say: the next try that fails at the socket asks once more.
  document.addEventListener('htmx-sse-before-connection', (event) => {
    if (event.target !== element) return
    if (!isWanted() || !isHeard) event.preventDefault()
    isHeard = true
  })
  document.addEventListener('htmx-sse-before-message', ({ target }) => {
    if (target !== element) return
    hear()
    if (!isHeard) connected()
    isHeard = true
  })

  return { use, end }
}
