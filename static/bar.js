// The bar above the log, and buttons that copy.
import { later } from './load.js'
import { make } from './make.js'

/** Puts a button beside the room's link that copies it, and closes the list of people at a click elsewhere. */
export function openBar() {
  const link = document.getElementById('link')
  const people = document.querySelector('.people')
  link.after(copyButton(() => link.href))
  document.addEventListener('click', ({ target }) => {
    if (!people.contains(target)) people.open = false
  })
}

/** A button that copies a text and says whether it did. */
export function copyButton(read) {
  const button = make('button', { type: 'button', textContent: 'Copy' })
  button.addEventListener('click', async () => (await later())?.copy(button, read()))
  return button
}
