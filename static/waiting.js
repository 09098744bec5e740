// What one said, in view from the moment it is sent until its line stands in the log.
import { later } from './load.js'
import { make } from './make.js'

/**
 * Shows what is on its way, in the order in which it is sent.
 * @param url the address of the room's messages
 * @returns `add` for what is to be sent, for the first of it `sent` once it was answered and `drop` when it came back,
 * `end` when nothing more is sent, and `settle`, to be called with the page's place in the log when lines were put in
 */
export function openWaiting(url) {
  const list = document.getElementById('waiting')
  const items = []

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
    item.cursor = cursor
    if (isShown(cursor)) item.remove()
  }

  function settle({ seq, isAnew, isCaughtUp }) {
    for (const item of [...list.children]) {
      if (!item.cursor) continue
      item.isOld ||= isAnew
      const isPassed = Number.parseInt(item.cursor, 10) <= seq
      if (isShown(item.cursor)) item.remove()
      else if (isPassed || (item.isOld && isCaughtUp))
        later().then((script) => script?.dropWhereOver(url, item, isPassed))
    }
  }

  function end() {
    for (const item of items) item.lastChild.textContent = 'Not sent'
  }

  return { add, drop, sent, settle, end }
}

function isShown(cursor) {
  return document.querySelector(`.pages [data-cursor="${cursor}"]`)
}
