// The ways beside a socket on which lines come. Each can be opened, from the page's place,
// and closed; `came` is called with what it brings, `ended` when it cannot go on.

const ASK_MS = 3000
// What the server answers, with the place from which to go on; a page to sign in begins otherwise.
const FRAME = /^<(li .*id="since"|input type="hidden" id="since"|p id="status")/s

/** Server-sent events, by the browser's own reader: what it is closed to is closed. */
export function openEvents({ path, cursor, came, ended }) {
  let source

  function open() {
    close()
    source = new EventSource(`${path}/events?since=${cursor()}`)
    source.addEventListener('message', ({ data }) => came(data))
    source.addEventListener('error', () => ended())
    source.addEventListener('beat', () => came(''))
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
      const text = await ask(`${path}/messages?after=${cursor()}`, mine.signal)
      if (mine.signal.aborted) return
      if (!FRAME.test(text)) return ended()
      came(text)
      // A farewell is the last word.
      if (text.startsWith('<p')) return
      // Who is here comes last, once everything that was missed has come.
      if (text.includes('id="count"')) await new Promise((resolve) => setTimeout(resolve, ASK_MS))
    }
  }

  function close() {
    asking?.abort()
  }
  return { open, close }
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
