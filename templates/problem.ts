import type { Room } from '../rooms/types.ts'
import { type Html, html } from './html.ts'
import { type Place, page } from './page.ts'
import { roomPath } from './room.ts'

/**
 * A page that says what went wrong and what to do now.
 * @param room the room to join, where that is what is missing
 */
export function problemPage(place: Place, words: string, room?: Room): Html {
  // In a frame of somebody else's page the window is not ours.
  const top = !place.frame && html` target="_top"`
  const way = room
    ? html`<a href="${roomPath(place, room)}"${top}>Join the room</a>`
    : html`<a href="${place.base}/"${top}>To the first page</a>`
  return page({
    title: 'Parlour',
    className: 'home',
    place,
    body: html`<main>
<header><h1>Not this way</h1>
<p>${words}</p></header>
<p class="aside">${way}</p>
</main>`,
  })
}
