import type { Attendance, Member, Page, Room } from '../rooms/types.ts'
import { attendance, since } from './frames.ts'
import { history } from './history.ts'
import { type Html, html } from './html.ts'
import { inFrame, type Place, page, staying } from './page.ts'
import { reason } from './reason.ts'

export interface RoomView {
  readonly place: Place
  /** The room's own address, with scheme and host: what one sends to a friend. */
  readonly url: string
  readonly room: Room
  readonly member: Member
  readonly here: Attendance
  readonly page: Page
  /** Whether this is the newest page of the log, and so the one that goes on. */
  readonly isNewest: boolean
  /** In a frame, what lets a window of one's own in as the same member. */
  readonly handover?: string
  /** Whether other sites may show the room in a frame. */
  readonly isFramable?: boolean
  /** What was typed and not taken, and why; and the key that its form had, because it may have been taken all the same. */
  readonly draft?: { readonly text: string; readonly reason: string; readonly once?: string }
}

/** What a room is called by. */
export type Named = Pick<Room, 'code' | 'title'>

/** The path of a room. */
export function roomPath({ base }: Place, { code }: Pick<Room, 'code'>): string {
  return `${base}/rooms/${code}`
}

/** Names a view of the growing page: by the place at which it begins, and a mark of its own. */
export function makeView({ start }: Page): string {
  return `${start}-${crypto.randomUUID().slice(0, 8)}`
}

/** The path of the pages around a view. Browsers keep these, so it changes with the file that they load. */
export function framePath(place: Place, room: Room, view: string, isWaiting: boolean): string {
  return `${roomPath(place, room)}/frame/${view}?${isWaiting ? 'wait&' : ''}${place.frame ? 'framed&' : ''}${place.assets.style}`
}

/** The title that names a room. */
export function roomTitle(room: Named): string {
  return room.title || `Room ${room.code}`
}

/** The room, for a member. */
export function roomPage(view: RoomView): Html {
  const { room, place, member } = view
  return page({
    title: `${roomTitle(room)} · Parlour`,
    className: 'room',
    place,
    own: member.id,
    isScripted: view.isNewest,
    body: html`${bar(view)}
<main>
${view.isNewest && line(view)}
<div id="scroll" class="scroll" tabindex="0" role="region" aria-label="Messages">
<div class="pages">
${log(view)}
</div>
</div>
${view.isNewest ? compose(view) : newest(view)}
${view.isNewest && frames(view)}
</main>
${place.frame?.isReadonly && openWindow(view, 'Open in a window to write')}`,
  })
}

function bar(view: RoomView): Html {
  const { room, place, url, here, member } = view
  const path = roomPath(place, room)
  const share = html`<p class="share"><a id="link" href="${url}" title="The link to this room">${room.code}</a></p>`
  const leave = html`<form action="${path}/leave" method="post"${inFrame(place)}><button class="quiet">Leave</button></form>`
  return html`<header class="bar">
<h1 dir="auto">${roomTitle(room)}</h1>
${!place.frame && share}
<details class="people">
<summary><span id="count">${here.count}</span> here</summary>
<div>
<ul id="members">${attendance(here)}</ul>
<p class="plain">You are <b><bdi>${member.name}</bdi></b>.${!place.frame && html` Without scripts: <a href="${path}">refresh</a> or <a href="${path}/live">watch live</a>.`}</p>
${place.frame ? html`${share}${leave}` : view.isFramable && embed(view)}
</div>
</details>
${place.frame ? !place.frame.isReadonly && openWindow(view, 'Open in a window') : leave}
</header>`
}

/** A window keeps cookies apart from those of a frame, so what lets it in goes with the form, and never into an address. */
function openWindow({ place, room, handover }: Pick<RoomView, 'place' | 'room' | 'handover'>, words: string): Html {
  return html`<form class="outside" action="${roomPath(place, room)}/window" method="post" target="_blank" rel="noopener">
<input type="hidden" name="token" value="${handover}"><button class="quiet">${words}</button></form>`
}

/** The one line that shows the room in another page. */
function embed({ room, url }: RoomView): Html {
  const frame = html`<iframe src="${url}?framed" name="${room.code}" title="${roomTitle(room)}" width="400" height="600" style="border:0;max-width:100%"></iframe>`
  return html`<p class="plain"><label for="embed">To show this room in a page of yours:</label>
<input id="embed" value="${frame.toString()}" readonly></p>`
}

/** For a browser that keeps no cookie in a frame, and so forgets at once who has joined there. */
export function forgottenPage(place: Place, room: Room, handover: string | undefined): Html {
  const way = handover
    ? openWindow({ place, room, handover }, 'Open in a window')
    : html`<p class="aside"><a href="${roomPath(place, room)}">Open in a window</a></p>`
  return page({
    title: `${roomTitle(room)} · Parlour`,
    className: 'home',
    place,
    body: html`<main>
<header><h1 dir="auto">${roomTitle(room)}</h1>
<p>Your browser keeps nothing for a room inside another page, so it cannot stay here. In a window of its own it works.</p></header>
${way}
</main>`,
  })
}

function line({ place, room, page }: RoomView): Html {
  return html`<div id="chat" hidden data-hx-ws-connect="${roomPath(place, room)}/socket" data-later="${place.base}/static/${place.assets.later}">
<form autocomplete="off" data-hx-ws-send data-hx-trigger="htmx-ws-after-connection from:#chat">${since(page.cursor)}</form>
</div>`
}

function log(view: RoomView): Html {
  return html`${history({ place: view.place, room: view.room, page: view.page, logId: view.isNewest ? 'log' : undefined })}
${view.isNewest && view.page.messages.length === 0 && html`<p class="empty">Nobody has said anything yet. Send somebody the code or the link.</p>`}`
}

function compose({ place, room, member, draft }: RoomView): Html {
  const path = roomPath(place, room)
  const form = html`<form id="say" class="say" action="${path}/messages" method="post"${inFrame(place)} data-member="${member.id}">
${sayFields(draft)}
</form>`
  return html`<ul id="waiting" class="messages" aria-label="On the way"></ul>
<p id="status" class="status" role="status"></p>
${place.frame?.isReadonly ? html`<div hidden>${form}</div>` : form}`
}

/** The field to write in and what goes with it. The key makes a form that was sent twice count once. */
export function sayFields(draft: RoomView['draft']): Html {
  const key = draft?.once || crypto.randomUUID().slice(0, 13)
  return html`<div id="reason" class="reason" role="alert">${draft && reason(draft.reason)}</div>
<input type="hidden" name="once" value="${key}">
<label for="text" class="unseen">Message</label>
<textarea id="text" name="text" rows="1" maxlength="4000" required placeholder="Say something" enterkeyhint="send" autocomplete="off" dir="auto"${draft ? html` aria-describedby="reason" aria-invalid="true"` : html` autofocus`}>
${draft?.text}</textarea>
<button>Send</button>`
}

function newest({ place, room }: RoomView): Html {
  return html`<p class="newest"><a href="${staying(place, roomPath(place, room))}"${inFrame(place)}>Back to the newest messages</a></p>`
}

function frames({ place, room, page }: RoomView): Html {
  const path = roomPath(place, room)
  return html`<noscript><div class="frames">
<iframe src="${framePath(place, room, makeView(page), true)}" title="Messages"></iframe>
${
  !place.frame?.isReadonly &&
  html`<iframe src="${staying(place, `${path}/write`)}#text" title="Write a message"></iframe>
`
}</div></noscript>`
}
