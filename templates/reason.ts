import { writeCursor } from '../rooms/cursor.ts'
import type { Message } from '../rooms/types.ts'
import { type Html, html } from './html.ts'

/** Why something was not done, beside where it was asked. The page's script knows by the class that the server said it. */
export function reason(words: string): Html {
  return html`<p class="refusal">${quoting(words)}</p>`
}

/** Words in which what is quoted, a name, stands in a direction of its own. */
export function quoting(words: string): Html {
  const [, before, quoted, after] = /^(.*?“)(.*)(”.*)$/s.exec(words) ?? []
  return quoted === undefined ? html`${words}` : html`${before}<bdi>${quoted}</bdi>${after}`
}

/**
 * The answer to a message that was taken: only what names its key counts as one. The message itself comes to its
 * sender by the same way as to everybody else. One that was taken back meanwhile has no key of its own any more.
 */
export function sent(key: string, message: Message): Html {
  return html`<span class="sent" data-key="${key}" data-cursor="${writeCursor(message)}"></span>`
}
