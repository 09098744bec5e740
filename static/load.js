const PATIENCE_MS = 9000
let failures = 0

/** What is only needed now and then, fetched when it is; undefined where it cannot be had now. */
export async function later() {
  try {
    // A browser may remember for an address that its script could not be had, or wait for it for ever.
    const script = import(`${document.getElementById('chat').dataset.later}?${failures}`)
    return await Promise.race([script, new Promise((_, reject) => setTimeout(reject, PATIENCE_MS))])
  } catch {
    failures += 1
  }
}
