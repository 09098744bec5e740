import { type Html, html } from './html.ts'

const URLS = /\bhttps?:\/\/[^\s<>"'`\p{Cc}]+/giu
// What ends a sentence or a bracket around a link is no part of it.
const ENDING = /[.,:;!?…'"»”’)\]}*_~]+$/u

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
  return html`<a href="${url}" target="_blank" rel="noopener noreferrer nofollow ugc">${url}</a>`
}

function lines(text: string): Html {
  if (!text.includes('\n')) return html`${text}`
  return html`${text.split('\n').flatMap((line, index) => (index === 0 ? [line] : ['\n', BREAK, line]))}`
}

const BREAK = html`<br>`

function trim(url: string): string {
  let end = url.length
  const ending = ENDING.exec(url)
  if (ending) end = ending.index
  // A closing bracket that the address itself opened belongs to it.
  while (url[end] === ')' && count(url.slice(0, end), '(') > count(url.slice(0, end), ')')) end += 1
  return url.slice(0, end)
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1
}

function isUrl(url: string): boolean {
  return URL.canParse(url) && url.length > 'https://'.length
}
