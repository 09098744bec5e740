/**
 * Whether the server no longer knows a place in the log.
 * @param url the address of the room's messages
 */
export async function isForgotten(url, cursor) {
  try {
    const response = await fetch(`${url}?after=${cursor}&limit=1`, { headers: { Accept: 'application/json' } })
    return 'gap' in (await response.json())
  } catch {
    return false
  }
}
