import type { Batch } from '../rooms/fanout.ts'
import { heapBytes } from '../rooms/heap.ts'
import type { Event, Gap, Member, MemberChanged, Message, Notice, Page } from '../rooms/types.ts'
import { type Html, html } from './html.ts'
import { linkify } from './links.ts'

// Half of what renderings may take in the whole process: an old half goes when the new one is full.
const HALF_BYTES = 16 * 1024 * 1024
// About what a rendering takes beside its text.
const RENDERING_BYTES = 100
const HUES = 12
// What a small phone shows at once: lines, and letters in one of them.
const ROWS = 16
const ROW_LETTERS = 32
const DAY_MS = 24 * 60 * 60 * 1000

/** A message as everybody sees it. */
export function message(message: Message): string {
  return newer.get(message) ?? keep(message, older.get(message) ?? whole(render(message).toString()))
}

// One rendering serves the page, the history, the fan-out and every viewer.
let newer = new WeakMap<Message, string>()
let older = new WeakMap<Message, string>()
let newerBytes = 0

function keep(message: Message, fragment: string): string {
  newerBytes += heapBytes(fragment) + RENDERING_BYTES
  if (newerBytes > HALF_BYTES) {
    older = newer
    newer = new WeakMap()
    newerBytes = 0
  }
  newer.set(message, fragment)
  return fragment
}

/**
 * What a batch adds to the log: messages with the days between them, notices and gaps.
 * What is no line of the log is left out.
 */
export function lines({ events, previous }: Pick<Batch, 'events' | 'previous'>): string {
  let text = ''
  let day = previous && dayOf(previous)
  for (const event of events) {
    if (event.kind === 'message' && day !== dayOf(event)) {
      day = dayOf(event)
      text += separator(day)
    }
    text += line(event)
  }
  return text
}

/** A page of the log, behind the gap before it if there is one. */
export function pageLines({ gap, messages, previous }: Page): string {
  return lines({ events: gap ? [gap, ...messages] : messages, previous })
}

function line(event: Event): string {
  if (event.kind === 'message') return message(event)
  if (event.kind === 'edited' || event.kind === 'deleted') return revision(event.message)
  if (event.kind === 'notice') return notice(event)
  if (event.kind === 'gap') return gap(event)
  if (event.kind === 'member') return renaming(event)
  return ''
}

function render(message: Message, swap?: Html): Html {
  const { seq, tag, member, name, at, isDeleted } = message
  const time = new Date(at).toISOString()
  return html`<li id="m${seq}" class="message${stateOf(message)}" data-member="${member}" data-cursor="${seq}.${tag}"${swap}><bdi class="name h${hue(name)}">${name}</bdi> <time datetime="${time}">${time.slice(11, 16)}</time>${isDeleted ? html`<p class="plain">This message was deleted.</p>` : textOf(message)}</li>
`
}

function textOf({ text }: Message): Html {
  return html`<p class="text" dir="auto"${isTall(text) && html` tabindex="0"`}>${linkify(text)}</p>`
}

function stateOf({ isDeleted, edited }: Message): string {
  if (isDeleted) return ' deleted'
  return edited === undefined ? '' : ' edited'
}

/** A message that was changed or taken back: it takes the place of what it was, wherever that stands. */
function revision(message: Message): string {
  return render(message, html` hx-swap-oob="true"`).toString()
}

/** Whether a text may be taller than a screen gives it, and so has to be scrolled, by the keyboard too. */
function isTall(text: string): boolean {
  let rows = text.length / ROW_LETTERS
  for (let at = text.indexOf('\n'); at >= 0 && rows < ROWS; at = text.indexOf('\n', at + 1)) rows += 1
  return rows >= ROWS
}

/** V8 keeps a text as the tree of its parts until something reads it: what is kept for long is made one piece first. */
function whole(text: string): string {
  void text.charCodeAt(0)
  return text
}

function separator(day: number): string {
  const date = new Date(day * DAY_MS)
  return html`<li class="day"><time datetime="${date.toISOString().slice(0, 10)}">${longDate(date)}</time></li>
`.toString()
}

function gap({ missed }: Gap): string {
  // Nothing that stands in a log is gone: only what hosts did.
  if (missed === 0) return ''
  const words = missed ? `${missed} ${missed === 1 ? 'message is' : 'messages are'} no longer kept.` : UNKNOWN_GAP
  return html`<li class="gap">${words}</li>
`.toString()
}

const UNKNOWN_GAP = 'Some messages are no longer kept.'

function notice({ joined, left }: Notice): string {
  const words = [joined.length > 0 && html`${names(joined)} joined`, left.length > 0 && html`${names(left)} left`]
  return html`<li class="notice">${words.filter(Boolean).flatMap((part, index) => (index === 0 ? [part] : [' · ', part]))}</li>
`.toString()
}

/** That somebody has another name: only their old messages still say the one that they had. */
function renaming({ was, member }: MemberChanged): string {
  if (was === undefined) return ''
  return html`<li class="notice">${called(was)} is now called ${called(member.name)}</li>
`.toString()
}

function names(members: readonly Member[]): Html[] {
  const shown = members.slice(0, members.length > 4 ? 3 : 4).map(({ name }) => called(name))
  const others = members.length - shown.length
  const last = others > 0 ? html`${others} others` : shown.pop()
  const rest = shown.flatMap((name, index) => (index === 0 ? [name] : [html`, `, name]))
  return [...rest, ...(rest.length > 0 ? [html` and `] : []), ...(last ? [last] : [])]
}

/** A name in a sentence: set apart, so that its words are not read as the sentence's and its direction is its own. */
function called(name: string): Html {
  return html`<b><bdi>${name}</bdi></b>`
}

// The server does not know a reader's time zone: days and times are UTC here, and the page's script makes them local.
// Written out, because what ICU would load for it stays in memory: 6 MB.
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
]

function longDate(date: Date): string {
  return `${WEEKDAYS[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`
}

function dayOf({ at }: Message): number {
  return Math.floor(at / DAY_MS)
}

/** A name's own colour, of those in the stylesheet: the same for everyone, today and tomorrow. */
function hue(name: string): number {
  let hash = 0
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0
  return hash % HUES
}
