// The ways beside a socket on which lines come. Each can be opened, from the page's place,
// and closed; `came` is called with what it brings, `ended` when it cannot go on. One that is slower says so in `words`.

const ASKING_WORDS = 'Live updates blocked: asking every few seconds.'
const ASK_MS = 3000
// Longer than the page keeps lines together before it puts them in: then its place has moved.
const NEXT_MS = 300
// What the server answers, with the place from which to go on; a page to sign in begins otherwise.
const FRAME = /^<(li .*id="since"|input type="hidden" id="since"|p id="status")/s

/** Server-sent events, by the browser's own reader. */
export function openEvents({ path, cursor, came, ended }) {
  let source
  // A stream may break off before it has said what was missed.
  let hasBrought

  function open() {
    close()
    hasBrought = false
    source = new EventSource(`${path}/events?since=${cursor()}`)
    source.addEventListener('message', ({ data }) => {
      hasBrought = true
      came(data)
    })
    source.addEventListener('error', () => ended())
    source.addEventListener('beat', () => hasBrought && came(''))
    source.addEventListener('crowded', () => ended(true))
  }

  function close() {
    source?.close()
  }
  return { open, close }
}

/** Plain requests, one after the other. */
export function openAsking({ path, cursor, came, ended }) {
  let asking

  async function open() {
    close()
    const mine = new AbortController()
    asking = mine
    for (;;) {
      const place = cursor()
      const text = await ask(`${path}/messages?after=${place}`, mine.signal)
      if (mine.signal.aborted) return
      if (!FRAME.test(text)) return ended()
      came(text)
      // A farewell is the last word.
      if (text.startsWith('<p')) return
      // Who is here comes last, once everything that was missed has come.
      const hasMore = !text.includes('id="count"')
      if (hasMore) await pause(NEXT_MS)
      // A page that leaves lines out keeps its place.
      if (!hasMore || cursor() === place) await pause(ASK_MS)
    }
  }

  function close() {
    asking?.abort()
  }
  return { open, close, words: ASKING_WORDS }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

async function ask(url, signal) {
  try {
    const response = await fetch(url, {
      headers: { 'HX-Request': 'true' },
      signal,
    })
    return await response.text()
  } catch {
    return ''
  }
}
