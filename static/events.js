// Server-sent events stand in where sockets are blocked: the socket goes on trying, and whoever is first again has the
// line. Fetched only then, together with what htmx has for them.

/**
 * Readies the stand-in.
 * @param isWanted whether nothing better has the line
 * @param connected called when a stream brings something for the first time
 * @param hear called whenever one does
 * @returns `use`, to ask for a stream, and `end`
 */
globalThis.openEvents = ({ isWanted, connected, hear }) => {
  let element = document.getElementById('events')
  let isAsking = false
  let isHeard = true

  function use() {
    if (!isWanted() || isAsking || element._htmx?.sse) return
    isAsking = true
    htmx.trigger(element, 'blocked')
  }

  // With a new element, because htmx goes on asking for a stream for as long as the old one is there.
  function end() {
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
  htmx.process(element, true)
  return { use, end }
}
