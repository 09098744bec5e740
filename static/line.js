// Which way carries what comes, and saying how things stand. A socket is best, then server-sent events, then plain
// requests. One carries at a time; a way counts once something has come over it.
import { later } from './load.js'
import { openSocket } from './socket.js'

const NONE = -1
const SOCKET = 0
const EVENTS = 1
const ASKING = 2
const WAYS = 3
const TICK_MS = 1000
// Something has to come over a way that is tried within so many ticks: a busy page has fewer of them, and waits longer.
const PATIENCE_TICKS = 8
const SILENCE_MS = 40_000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000

const OFFLINE_WORDS = 'You are offline. Messages will be sent when you are back.'
// A state that may soon be over is not told at once.
const SOON_MS = 2000

/**
 * Opens the line.
 * @param path the room's
 * @param lines takes what comes
 * @param send called when there is a line again
 * @returns `renew`, to begin again from the page's place, and `end`, after which nothing is asked any more
 */
export function openLine({ path, lines, send }) {
  const ways = [ready(openSocket, SOCKET)]
  // htmx opened the socket when it read the page.
  let trying = SOCKET
  let current = NONE
  // The way to begin with when the line is opened again.
  let next = SOCKET
  let failures = 0
  let ticks = 0
  let heard = performance.now()
  // Whether other tabs of this session have the sockets or the streams that there are.
  let isCrowded = false
  let hasCarried = false
  let isOver = false
  let saying
  let timer
  let statusTimer

  function ready(open, way) {
    return open({
      path,
      cursor: lines.cursor,
      came: (html) => came(way, html),
      ended: (hasNoPlace) => ended(way, hasNoPlace),
    })
  }

  function came(way, html) {
    if (way !== trying && way !== current) return
    heard = performance.now()
    if (way === trying) carry(way)
    lines.take(html)
  }

  function carry(way) {
    if (current !== NONE) ways[current].close()
    current = next = way
    trying = NONE
    failures = 0
    hasCarried = true
    const { words } = ways[way]
    say(words ?? 'Connected', words ? SOON_MS : 0)
    send()
    wait()
  }

  function ended(way, hasNoPlace) {
    if (way !== trying && way !== current) return
    ways[way]?.close()
    isCrowded ||= hasNoPlace
    if (way === current) {
      current = NONE
      failures = 0
      broken()
    } else {
      trying = NONE
      failures += 1
      if (current === NONE) next = (way + 1) % WAYS
    }
    if (hasNoPlace || (isCrowded && next === EVENTS)) next = ASKING
    wait()
  }

  /** After a failure the next way has its turn; while one carries, now and then a better one. */
  function wait() {
    clearTimeout(timer)
    if (isOver || document.hidden || trying !== NONE || current === SOCKET) return
    const steps = current === NONE ? failures : failures + (isCrowded ? 6 : 2)
    const milliseconds = Math.min(FIRST_WAIT_MS * 2 ** steps, LONGEST_WAIT_MS) * (0.7 + Math.random() * 0.6)
    timer = setTimeout(() => attempt(current === NONE ? next : better()), milliseconds)
  }

  function better() {
    return current === ASKING && !isCrowded && failures % 2 ? EVENTS : SOCKET
  }

  async function attempt(way) {
    if (document.hidden) return
    if (current === NONE) broken()
    trying = way
    ticks = 0
    if (!ways[way]) await fetchOthers()
    if (trying !== way) return
    if (ways[way]) ways[way].open()
    else ended(way)
  }

  async function fetchOthers() {
    const script = await later()
    if (!script) return
    ways[EVENTS] ??= ready(script.openEvents, EVENTS)
    ways[ASKING] ??= ready(script.openAsking, ASKING)
  }

  function close() {
    clearTimeout(timer)
    for (const way of [trying, current]) ways[way]?.close()
    trying = current = NONE
  }

  function renew() {
    if (isOver) return
    close()
    lines.flush()
    failures = 0
    isCrowded = false
    attempt(next)
  }

  function end() {
    isOver = true
    close()
    clearTimeout(statusTimer)
  }

  function say(words, delay) {
    // The same words again do not begin the delay anew.
    if (isOver || words === saying) return
    saying = words
    clearTimeout(statusTimer)
    statusTimer = setTimeout(() => {
      document.getElementById('status').textContent = words
    }, delay)
  }

  function broken() {
    if (!navigator.onLine) say(OFFLINE_WORDS, 300)
    else say(hasCarried ? 'Reconnecting…' : 'Connecting…', SOON_MS)
  }

  function tick() {
    if (isOver || document.hidden) return
    // Where all ways failed, perhaps all are slow.
    const patience = PATIENCE_TICKS * Math.max(1, Math.min(failures / WAYS, 7))
    if (trying !== NONE && ++ticks >= patience) ended(trying)
    if (current !== NONE && performance.now() - heard > SILENCE_MS) ended(current)
  }

  broken()
  setInterval(tick, TICK_MS)
  document.addEventListener('visibilitychange', renew)
  addEventListener('offline', broken)
  addEventListener('online', renew)
  return { renew, end }
}
