import { raw } from 'hono/html'
import type { Batch } from '../rooms/fanout.ts'
import type { Attendance, Member } from '../rooms/types.ts'
import { type Html, html } from './html.ts'
import { lines } from './message.ts'
import type { Place } from './page.ts'
import { reason } from './reason.ts'

/** The place from which a page resumes. */
export function since(cursor: string): Html {
  return html`<input type="hidden" id="since" name="since" value="${cursor}">`
}

/** Who is here, as the items of a list. */
export function attendance(here: Attendance): Html {
  return html`${raw(names(here.members))}${here.count > here.members.length && others(here)}`
}

/** How many are here beside those who are named. */
function others({ members, count }: Attendance, swap?: Html): Html {
  return html`<li id="others" class="others"${swap}>and ${count - members.length} more</li>`
}

/** A batch for a page that goes on by scripts: lines for its log, and what changes elsewhere in the page. */
export function frame(batch: Batch): string {
  let text = lines(batch)
  // The place travels with whatever it is the place after, so that the two cannot be torn apart.
  if (batch.cursor) text += sinceSwap(batch.cursor)
  const here = batch.events.findLast((event) => event.kind === 'attendance')
  return here ? text + attendanceSwap(here) : text
}

/** A refusal of what came by the socket, for the page that sent it. */
export function refusalFrame(words: string): string {
  return html`<div id="reason" class="reason" role="alert" hx-swap-oob="true">${reason(words)}</div>`.toString()
}

/** The last word to a page: what became of the room, and where to go. */
export function farewellFrame(words: string, { base }: Place): string {
  return html`<p id="status" class="status gone" role="status" hx-swap-oob="true">${words} <a href="${base}/">Start or join another</a></p>`.toString()
}

// In a crowd that is gathering the list is asked for by each one who comes, and hardly changes.
const lists = new WeakMap<readonly Member[], string>()

function names(members: readonly Member[]): string {
  let list = lists.get(members)
  if (list === undefined) {
    list = members.map(item).join('')
    lists.set(members, list)
  }
  return list
}

const items = new WeakMap<Member, string>()

function item(member: Member): string {
  let rendered = items.get(member)
  if (rendered === undefined) {
    rendered = html`<li data-member="${member.id}"><bdi>${member.name}</bdi></li>`.toString()
    items.set(member, rendered)
  }
  return rendered
}

function sinceSwap(cursor: string): string {
  return `<input type="hidden" id="since" name="since" value="${cursor}" hx-swap-oob="true">`
}

const swaps = new WeakMap<Attendance, string>()

function attendanceSwap(here: Attendance): string {
  let swap = swaps.get(here)
  if (swap === undefined) {
    const list = here.isCountOnly
      ? others(here, html` hx-swap-oob="true"`)
      : html`<ul id="members" hx-swap-oob="innerHTML">${attendance(here)}</ul>`
    swap = html`<span id="count" hx-swap-oob="innerHTML">${here.count}</span>${list}`.toString()
    swaps.set(here, swap)
  }
  return swap
}
