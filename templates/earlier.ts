// htmx takes the page before in the place of the link, once the link comes into view.
const SCRIPTED =
  'data-hx-trigger="click, intersect root:#scroll once" data-hx-target="closest .older" data-hx-swap="outerHTML"'

/**
 * The link to what is earlier. The page's script writes it too, so this knows nothing but texts.
 * @param path the room's, escaped
 * @param cursor of the first message that is shown
 * @param way where it leads to instead, in a page without scripts
 */
export function earlier(path: string, cursor: string, way?: string): string {
  const before = `?before=${cursor}`
  const more = way ?? `data-hx-get="${path}/messages${before}" ${SCRIPTED}`
  return `<p class="older"><a href="${path}${before}" ${more}>Earlier messages</a></p>`
}
