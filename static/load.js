let failures = 0

/** What is only needed now and then, fetched when it is; undefined where it cannot be had now. */
export async function later() {
  try {
    // A browser may keep that a script could not be had, by its address.
    return await import(`${document.getElementById('chat').dataset.later}?${failures}`)
  } catch {
    failures += 1
  }
}
