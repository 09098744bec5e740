// A page holds a bounded number of lines.
import { make } from './make.js'

// Of somebody who follows, with more than is needed gone at once, so that this is rare; and of somebody who reads older ones.
const LINES = 500
const SPARE = 100
const READING_LINES = 1000

/**
 * Takes the oldest lines out of the page of somebody who is at the newest. What somebody reads further up does not go
 * away: the lines at the end that is farther from there go, and come again on the way to it.
 * @param path the room's
 * @returns the message that is now the newest in the page, where newer ones went
 */
export function trim(path) {
  const lines = [...document.querySelectorAll('.pages li')]
  const scroll = document.getElementById('scroll')
  const isReading = scroll.scrollTop < -50
  const most = isReading ? READING_LINES : LINES
  if (lines.length <= most) return
  const isFar = isReading && -scroll.scrollTop > (scroll.scrollHeight - scroll.clientHeight) / 2
  if (isFar) return trimNewest(lines, scroll)
  trimOldest(lines.slice(0, SPARE - most), path)
}

function trimNewest(lines, scroll) {
  const top = () => lines[0].getBoundingClientRect().top
  const before = top()
  const last = lines.slice(0, READING_LINES).findLast((line) => line.matches('.message'))
  // A gap is told again with what follows it.
  for (const line of lines.slice(lines.indexOf(last) + 1)) line.remove()
  // What is read stays where it is, though the scroller counts from its end.
  scroll.scrollTop += top() - before
  return last
}

function trimOldest(lines, path) {
  const pages = document.querySelector('.pages')
  const gap = lines.findLast((line) => line.matches('.gap'))
  for (const line of lines) line.remove()
  for (const page of pages.querySelectorAll(':scope > ul')) if (!page.firstElementChild) page.remove()
  const first = pages.querySelector('.message')
  if (!first) return
  // It stays, above all that came after what it speaks of.
  if (gap) {
    pages.querySelector(':scope > .gap')?.remove()
    pages.prepend(make('p', { className: 'gap', textContent: gap.textContent }))
  }
  const before = `?before=${first.dataset.cursor}`
  const text = `<p class="older"><a href="${path}${before}" data-hx-get="${path}/messages${before}" data-hx-trigger="click, intersect root:#scroll once" data-hx-target="closest .older" data-hx-swap="outerHTML">Earlier messages</a></p>`
  const older = pages.querySelector('.older') ?? make('p', {})
  first.closest('.pages > *').before(older)
  // By a swap, because what htmx watches it lets go of only when it takes it away itself.
  htmx.swap({ sourceElement: pages, target: older, swap: 'outerHTML', text })
}
