// A page holds a bounded number of lines.
import { earlier } from '../templates/earlier.ts'
import { LINES } from './lines.js'
import { make } from './make.js'

// More goes at once than has to, so that this is rare.
const SPARE_LINES = 100
// So many stay while somebody reads older ones.
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
  // Whoever is near the newest lines would ask for them again at once.
  const isFar = isReading && -scroll.scrollTop > (scroll.scrollHeight - scroll.clientHeight) / 2
  if (isFar) return trimNewest(lines, scroll)
  trimOldest(oldest(lines, most - SPARE_LINES), path)
}

/** The newest message stays, because the link to earlier ones begins at it, and so does a gap after it. */
function oldest(lines, kept) {
  const newest = lines.findLastIndex((line) => line.matches('.message'))
  return lines.slice(0, -kept).filter((line, index) => index < newest || (index > newest && !line.matches('.gap')))
}

function trimNewest(lines, scroll) {
  const newest = lines.slice(0, READING_LINES).findLast((line) => line.matches('.message'))
  if (!newest) return
  const top = () => lines[0].getBoundingClientRect().top
  const before = top()
  // A gap is told again with what follows it.
  for (const line of lines.slice(lines.indexOf(newest) + 1)) line.remove()
  // What is read stays where it is, though the scroller counts from its end.
  scroll.scrollTop += top() - before
  return newest
}

function trimOldest(lines, path) {
  const pages = document.querySelector('.pages')
  const gap = lines.findLast((line) => line.matches('.gap'))
  for (const line of lines) line.remove()
  for (const page of pages.querySelectorAll(':scope > ul')) if (!page.firstElementChild) page.remove()
  const first = pages.querySelector('.message')
  if (!first) return
  // The gap stays, above all that came after it.
  if (gap) {
    pages.querySelector(':scope > .gap')?.remove()
    pages.prepend(make('p', { className: 'gap', textContent: gap.textContent }))
  }
  const text = earlier(path, first.dataset.cursor)
  const older = pages.querySelector('.older') ?? make('p', {})
  first.closest('.pages > *').before(older)
  // By a swap, because htmx goes on watching an element that it did not take away itself.
  htmx.swap({ sourceElement: pages, target: older, swap: 'outerHTML', text })
}
