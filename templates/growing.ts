import { raw } from 'hono/html'
import type { Member, Page, Room } from '../rooms/types.ts'
import { older } from './history.ts'
import { type Html, html } from './html.ts'
import { pageLines } from './message.ts'
import { head, inFrame, type Place, page as wholePage } from './page.ts'
import { type Named, type RoomView, roomPath, roomTitle, sayFields } from './room.ts'

export interface GrowingView {
  readonly place: Place
  readonly room: Room
  readonly member: Member
  /** The newest messages, or all that followed a place and is there at once. */
  readonly page: Page
  /** Whether it stands in a frame of the room's page. */
  readonly isFrame: boolean
}

/** The beginning of the page that keeps growing, up to the newest message: lines of the log follow, and there is no end. */
export function growingHead({ place, room, member, page, isFrame }: GrowingView): Html {
  const path = roomPath(place, room)
  const links = html`<p><a href="${path}/write#text">Write</a> · <a href="${path}">The room's page</a></p>`
  return html`${head({ title: `${roomTitle(room)} · Parlour`, className: 'growing', place, own: member.id, isPart: isFrame })}<main class="scroll">
<div class="pages">
${!isFrame && html`<header><h1 dir="auto">${roomTitle(room)}</h1>${links}</header>`}
${older(place, room, page, true)}
<ul class="messages">
${raw(pageLines(page))}`
}

/**
 * The last line of a growing page.
 * @param next where it goes on at once; else the browser comes back by itself after a while
 */
export function growingTail(next?: string): string {
  return html`</ul></div></main>${next && html`<meta http-equiv="refresh" content="0; url=${next}">`}</body></html>
`.toString()
}

/**
 * Two pages that take turns around the growing one: each refreshes to the other, but not before it has loaded, and it
 * has not loaded while the page in its frame still grows. Once that breaks off the other has its turn. Browsers keep
 * both, so the turns go on while the server is away.
 */
export function framePage(place: Place, room: Room, view: string, isWaiting: boolean): Html {
  const path = roomPath(place, room)
  return wholePage({
    title: `${roomTitle(room)} · Parlour`,
    className: 'frame',
    place,
    isPart: true,
    body: isWaiting
      ? html`<main><p class="empty" role="status">Connecting…</p></main>`
      : html`<main><iframe src="${path}/live/${view}?frame${place.frame && '&framed'}" title="Messages"></iframe></main>`,
  })
}

/** A page to write on, beside the one that grows. */
export function writePage(place: Place, room: Named, draft?: RoomView['draft']): Html {
  const path = roomPath(place, room)
  return wholePage({
    title: `Write to ${roomTitle(room)} · Parlour`,
    className: 'write',
    place,
    body: html`<main><h1 class="unseen">Write a message</h1>
<form class="say" action="${path}/messages" method="post"${inFrame(place)}>
<input type="hidden" name="from" value="write">
${sayFields(draft)}
</form></main>`,
  })
}
