// What one said, in view from the moment it is sent until its line stands in the log.
import { make } from './make.js'

// A line of the new history may still come for what was answered before the page knew of it.
const FORGOTTEN_MS = 5000

/**
 * Shows what is on its way, in the order in which it is sent.
 * @returns `add` for what is to be sent, for the first of it `sent` once it was answered and `drop` when it came back,
 * `end` when nothing more is sent, and `settle`, to be called with the page's place in the log when lines were put in
 */
export function openWaiting() {
  const list = document.getElementById('waiting')
  const items = []
  let place

  function add({ text }) {
    const item = make('li', { className: 'message waiting' })
    const words = make('p', { className: 'text', dir: 'auto', textContent: text })
    item.append(words, make('small', { textContent: 'Waiting to be sent' }))
    list.append(item)
    list.scrollTop = list.scrollHeight
    items.push(item)
  }

  function drop() {
    items.shift().remove()
  }

  function sent(cursor) {
    const item = items.shift()
    item.lastChild.textContent = 'Sent'
    item.seq = Number.parseInt(cursor, 10)
    item.place = place
    if (document.querySelector(`.pages [data-cursor="${cursor}"]`)) item.remove()
  }

  function settle({ seq, isAnew, isCaughtUp }) {
    place = seq
    for (const item of [...list.children]) {
      item.isOld ||= item.seq && isAnew
      // The number may be of a new history and the place still of the old one: then it tells nothing until it moves.
      const isTold = isCaughtUp || item.isOld || item.place !== seq
      if (item.seq <= seq && isTold) item.remove()
      else if (item.isOld && isCaughtUp) setTimeout(() => item.remove(), FORGOTTEN_MS)
    }
  }

  function end() {
    for (const item of items) item.lastChild.textContent = 'Not sent'
  }

  return { add, drop, sent, settle, end }
}
