import { make } from './make.js'

const SHOWN_MS = 3000

/** Copies a text, and lets the button that was pressed say whether that was done. */
export async function copy(button, text) {
  button.textContent = (await write(text)) ? 'Copied' : 'Not copied'
  button.focus()
  setTimeout(() => {
    button.textContent = 'Copy'
  }, SHOWN_MS)
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // A page that came by plain http has no clipboard to write to, but what is selected in it can be copied.
    const field = document.body.appendChild(make('textarea', { className: 'unseen', readOnly: true, value: text }))
    field.select()
    const isCopied = document.execCommand('copy')
    field.remove()
    return isCopied
  }
}
