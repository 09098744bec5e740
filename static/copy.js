import { make } from './make.js'

/** Copies a text; says whether it did. */
export async function copy(text) {
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
