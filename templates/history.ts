import { raw } from 'hono/html'
import { writeCursor } from '../rooms/cursor.ts'
import type { Page, Room } from '../rooms/types.ts'
import { earlier } from './earlier.ts'
import { type Html, html } from './html.ts'
import { pageLines } from './message.ts'
import type { Place } from './page.ts'

export interface HistoryView {
  readonly place: Place
  readonly room: Room
  readonly page: Page
  /** The id of the list, where new messages are to be added to it. */
  readonly logId?: string
}

/**
 * A page of the log below the link to what is older. Older pages take the place of that link and stand outside
 * the live region, so that a screen reader does not read them out as news.
 */
export function history({ place, room, page, logId }: HistoryView): Html {
  const list = html`<ul class="messages"${logId && html` id="${logId}"`}>
${raw(pageLines(page))}</ul>`
  return html`${older(place, room, page)}
${logId ? html`<div role="log" aria-live="polite" aria-relevant="additions" aria-label="New messages">${list}</div>` : list}`
}

/**
 * The link to what is before a page, if there is something.
 * @param isPlain whether the page does without scripts
 */
export function older(place: Place, { code }: Room, { more, messages }: Page, isPlain = false): Html | undefined {
  const path = html`${place.base}/rooms/${code}`.toString()
  // The line to be copied names a frame on somebody else's page by the code.
  const way = `target="${place.frame ? code : '_top'}"`
  return more ? raw(earlier(path, writeCursor(messages[0]), isPlain ? way : undefined)) : undefined
}
