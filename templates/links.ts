import { raw } from 'hono/html'
import { type Html, html } from './html.ts'

// An address ends at what cannot be seen: marks of direction would show another address than the one that it opens.
// Joiners and forms of signs are kept, which are spelling in Persian, in Indic scripts and in emoji.
const URLS =
  /\bhttps?:\/\/(?:[^\s<>"'`\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800\uFFFC]|\u200C|\u200D|\uFE0E|\uFE0F)+/giu
// Signs that resemble a slash or a dot, a name before an @, and what only joins letters make a host seem another.
const HOST = /^https?:\/\/(?:\[[\da-f:.]+\]|[\p{L}\p{M}\p{N}._-]{1,253})(?::\d{1,5})?(?=[/?#]|$)/iu
// Letters of other scripts that resemble a slash, a question mark or a dot: behind a Latin one the host seems to end.
const FALSE_END =
  /^https?:\/\/[^/?#]*[a-z\d][\u0241\u0294\u097D\u13AE\u2CC6\u2CC7\u3033\u30CE\u4E36\u4E3F\uA4F8-\uA4FB\uA6EB]/iu
// What ends a sentence or a bracket around a link is no part of it.
const ENDING = new Set('.,:;!?…\'"»”’)]}*_~')

/** A text with its http and https addresses as links. Line breaks stay, and are marked for browsers without styles. */
export function linkify(text: string): Html[] {
  if (!text.includes('://')) return [lines(text)]
  const parts: Html[] = []
  let end = 0
  for (const match of text.matchAll(URLS)) {
    const url = trim(match[0])
    if (!isUrl(url)) continue
    parts.push(lines(text.slice(end, match.index)), link(url))
    end = match.index + url.length
  }
  parts.push(lines(text.slice(end)))
  return parts
}

function link(url: string): Html {
  return html`<a href="${url}" target="_blank" rel="noopener noreferrer nofollow ugc"><bdi dir="ltr">${url}</bdi></a>`
}

function lines(text: string): Html {
  const escaped = html`${text}`
  return text.includes('\n') ? raw(escaped.toString().replaceAll('\n', '\n<br>')) : escaped
}

function trim(url: string): string {
  let end = url.length
  while (end > 0 && ENDING.has(url[end - 1])) end -= 1
  // A closing bracket that the address itself opened belongs to it.
  for (let open = opened(url.slice(0, end)); url[end] === ')' && open > 0; open -= 1) end += 1
  return url.slice(0, end)
}

/** How many more brackets are opened than closed. */
function opened(url: string): number {
  let open = 0
  for (const sign of url) open += sign === '(' ? 1 : sign === ')' ? -1 : 0
  return open
}

function isUrl(url: string): boolean {
  // The host is looked at first: to encode a long one takes the square of its length.
  if (!HOST.test(url) || FALSE_END.test(url)) return false
  // Node 20 optimises `URL.canParse` after some thousand calls, and then says no to every `ü`.
  try {
    return new URL(url).host !== ''
  } catch {
    return false
  }
}
