import type { Room } from '../rooms/types.ts'
import { type Html, html } from './html.ts'
import { type Place, page } from './page.ts'
import { roomPath } from './room.ts'

/**
 * A page that says what went wrong and what to do now.
 * @param room the room to join, where that is what is missing
 */
export function problemPage(place: Place, words: string, room?: Room): Html {
  const way = room
    ? html`<a href="${roomPath(place, room)}" target="_top">Join the room</a>`
    : html`<a href="${place.base}/" target="_top">To the first page</a>`
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
