import type { Room } from '../rooms/types.ts'
import { type Html, html } from './html.ts'
import { inFrame, type Place, page } from './page.ts'
import { quoting } from './reason.ts'
import { roomPath, roomTitle } from './room.ts'

/** A field as it was sent, and why it was not taken. */
export interface Refused {
  /** The form it was in. */
  readonly form: 'create' | 'join'
  readonly field: 'name' | 'title' | 'code' | 'password'
  readonly reason: string
  readonly typed: Readonly<Record<string, string>>
}

/** Somebody for whom another site vouches. */
export interface Nameplate {
  readonly name: string
  /** What proves it, where they came by a link. */
  readonly token?: string
}

/** What there is to say at a door. */
export interface AtDoor {
  readonly refused?: Refused
  /** Why somebody is not in yet, where no field is to blame. */
  readonly words?: string
  readonly visitor?: Nameplate
  /** Whether there is no other room to go to. */
  readonly isOnly?: boolean
}

/** The home page: make a room, or join one. */
export function homePage(place: Place, refused?: Refused): Html {
  return page({
    title: 'Parlour',
    className: 'home',
    place,
    body: html`<main>
<header><img src="${place.base}/static/${place.assets.icon}" alt="" width="56" height="56"><h1>Parlour</h1>
<p>A room to talk in. No account, nothing to install.</p></header>
<div class="doors">
<form action="${place.base}/rooms" method="post"${inFrame(place)}>
<h2>Make a room</h2>
${nameField('create', refused)}
${field({ form: 'create', name: 'title', label: 'What is it about?', hint: 'optional', refused, attributes: html` maxlength="160" dir="auto"` })}
<button>Make a room</button>
</form>
<form action="${place.base}/join" method="post"${inFrame(place)}>
<h2>Join a room</h2>
${field({ form: 'join', name: 'code', label: 'Code', hint: 'like ACD-EFG-HJK', refused, attributes: html` required maxlength="64" autocapitalize="characters" spellcheck="false"` })}
${nameField('join', refused)}
<button>Join</button>
</form>
</div>
</main>`,
  })
}

/** The way into a room for somebody who is no member of it. */
export function doorPage(place: Place, room: Room, { refused, words, visitor, isOnly }: AtDoor = {}): Html {
  const why = words ?? (visitor && refused?.field === 'name' ? refused.reason : undefined)
  return page({
    title: `Join ${roomTitle(room)} · Parlour`,
    className: 'home',
    place,
    body: html`<main>
<header><h1 dir="auto">${roomTitle(room)}</h1>
${
  why &&
  html`<p class="reason" role="alert">${quoting(why)}</p>
`
}<p>You are about to join a room.${!visitor && ' What shall the others call you?'}</p></header>
<div class="doors">
<form action="${roomPath(place, room)}/members" method="post"${inFrame(place)}>
${visitor ? nameplate(visitor) : nameField('join', refused, refused?.field !== 'password')}
${room.password !== '' && passwordField(refused)}
<button>Join</button>
</form>
</div>
${!isOnly && html`<p class="aside"><a href="${place.base}/">Another room</a></p>`}
</main>`,
  })
}

function nameplate({ name, token }: Nameplate): Html {
  return html`<p>You come in as <b><bdi>${name}</bdi></b>.</p>
${token && html`<input type="hidden" name="visitor" value="${token}">`}`
}

function passwordField(refused: Refused | undefined): Html {
  const hasFocus = refused?.field === 'password'
  const attributes = html` required type="password" autocomplete="off"${hasFocus && html` autofocus`}`
  return field({ form: 'join', name: 'password', label: 'Password of the room', refused, attributes })
}

interface FieldOptions {
  readonly form: Refused['form']
  readonly name: Refused['field']
  readonly label: string
  readonly hint?: string
  readonly attributes?: Html
  readonly refused: Refused | undefined
}

function nameField(form: Refused['form'], refused: Refused | undefined, hasFocus = false): Html {
  const attributes = html` required maxlength="64" autocomplete="nickname" dir="auto"${hasFocus && html` autofocus`}`
  return field({ form, name: 'name', label: 'Your name', refused, attributes })
}

function field({ form, name, label, hint, attributes, refused }: FieldOptions): Html {
  const id = `${form}-${name}`
  const typed = refused?.form === form ? refused : undefined
  const why = typed?.field === name ? typed.reason : undefined
  return html`<p class="field"><label for="${id}">${label}${hint && html` <span>${hint}</span>`}</label>
<input id="${id}" name="${name}" value="${typed?.typed[name]}"${attributes}${why && html` aria-invalid="true" aria-describedby="${id}-why"`}>
${why && html`<span id="${id}-why" class="reason">${quoting(why)}</span>`}</p>`
}
