/**
 * Takes a message out of view that was sent and whose line will not come any more: the server no longer has it, or the
 * page is beyond it. Numbers of two histories say nothing of each other, so where the server began anew one may still come.
 * @param url the address of the room's messages
 * @param isPassed whether its number is not above that of the page's place
 */
export async function dropWhereOver(url, item, isPassed) {
  if (item.isAskedFor) return
  item.isAskedFor = true
  if (await isOver(url, item.cursor, isPassed)) item.remove()
  item.isAskedFor = false
}

async function isOver(url, cursor, isPassed) {
  const place = document.getElementById('since').value
  try {
    if (await gapAfter(url, cursor)) return true
    return isPassed && (await gapAfter(url, place))?.missed !== null
  } catch {
    return false
  }
}

/** What the server says is gone after a place; `missed` is null where that is none of its history. */
async function gapAfter(url, cursor) {
  const response = await fetch(`${url}?after=${cursor}&limit=1`, { headers: { Accept: 'application/json' } })
  if (!response.ok) throw new Error(String(response.status))
  return (await response.json()).gap
}
