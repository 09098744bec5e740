// Which way carries what comes, and saying how things stand. A socket is best, then server-sent events, then plain
// requests. One carries at a time; a way counts once something has come over it.
import { openLater } from './later.js'
import { openSocket } from './socket.js'

const ASKING = 2
const TICK_MS = 1000
// Ticks in which something has to come over a way that is tried: a page that is busy for long counts few.
const PATIENCE = 8
const SILENCE_MS = 40_000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
// A way that was crowded out by other tabs is left to them for as long.
const CROWDED_MS = 600_000

const OFFLINE_WORDS = 'You are offline. Messages will be sent when you are back.'
const ASKING_WORDS = 'Live updates are blocked on the way, so this page asks every few seconds.'
// Words that may be over before they are read are not said at once.
const SOON_MS = 2000

/**
 * Opens the line.
 * @param path the room's
 * @param lines takes what comes
 * @param send called when there is a line again
 * @returns `renew`, to begin again from the page's place, and `end`, after which nothing is asked any more
 */
export function openLine({ path, lines, send }) {
  const ways = [openSocket, openLater('openEvents'), openLater('openAsking')].map((open, way) =>
    open({
      path,
      cursor: lines.cursor,
      came: (html) => came(way, html),
      ended: (hasNoPlace) => ended(way, hasNoPlace),
    }),
  )
  // htmx opened the socket when it read the page.
  let trying = 0
  let current = -1
  let last = 0
  let failures = 0
  let trials = 0
  let ticks = 0
  let heard = performance.now()
  let crowdedUntil = 0
  let isOver = false
  let hasCarried = false
  let saying
  let timer
  let statusTimer

  function came(way, html) {
    if (way !== trying && way !== current) return
    heard = performance.now()
    if (way === trying) carry(way)
    if (html) lines.take(html)
  }

  function carry(way) {
    if (current >= 0) ways[current].close()
    current = last = way
    trying = -1
    failures = trials = 0
    hasCarried = true
    if (way === ASKING) say(ASKING_WORDS, SOON_MS)
    else say('Connected', 0)
    send()
    waitToTry()
  }

  function ended(way, hasNoPlace) {
    if (way !== trying && way !== current) return
    ways[way].close()
    if (hasNoPlace) {
      crowdedUntil = performance.now() + CROWDED_MS
      last = ASKING
    }
    if (way === current) {
      current = -1
      broken()
    } else {
      trying = -1
      if (current >= 0) trials += 1
      else {
        failures += 1
        last = nextOf(way)
      }
    }
    waitToTry()
  }

  /** After a failure the next way, in turn; while one carries now and then a better one. */
  function waitToTry() {
    clearTimeout(timer)
    if (isOver || trying >= 0 || current === 0 || document.hidden) return
    const steps = current < 0 ? failures : trials + 2
    const wait = Math.min(FIRST_WAIT_MS * 2 ** steps, LONGEST_WAIT_MS) * (0.7 + Math.random() * 0.6)
    timer = setTimeout(() => attempt(current < 0 ? last : better()), wait)
  }

  function attempt(way) {
    if (isOver || document.hidden) return
    clearTimeout(timer)
    trying = way
    ticks = 0
    lines.flush()
    ways[way].open()
  }

  function better() {
    return trials % 2 && current === ASKING && !isCrowded() ? 1 : 0
  }

  function nextOf(way) {
    const next = (way + 1) % ways.length
    return next === 1 && isCrowded() ? ASKING : next
  }

  function isCrowded() {
    return performance.now() < crowdedUntil
  }

  function close() {
    clearTimeout(timer)
    for (const way of [trying, current]) if (way >= 0) ways[way].close()
    trying = current = -1
  }

  function renew() {
    if (isOver) return
    close()
    failures = 0
    attempt(last)
  }

  function end() {
    isOver = true
    close()
    clearTimeout(statusTimer)
  }

  function say(words, delay) {
    // What is about to be said already is not put off by being said again.
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
    const patience = PATIENCE * (1 + Math.floor(Math.min(failures, 18) / ways.length))
    if (trying >= 0 && ++ticks >= patience) ended(trying)
    if (current >= 0 && performance.now() - heard > SILENCE_MS) ended(current)
  }

  broken()
  setInterval(tick, TICK_MS)
  document.addEventListener('visibilitychange', renew)
  addEventListener('offline', broken)
  addEventListener('online', renew)
  addEventListener('pageshow', ({ persisted }) => persisted && renew())
  return { renew, end }
}
