/** A way whose script is fetched when it is tried for the first time. */
export function openLater(name) {
  return (options) => {
    let way
    let isWanted
    let failures = 0

    async function open() {
      isWanted = true
      try {
        // A browser may keep that a script could not be had, by its address.
        const script = await import(`${document.getElementById('chat').dataset.ways}?${failures}`)
        way ??= script[name](options)
        if (isWanted) way.open()
      } catch {
        failures += 1
        options.ended()
      }
    }

    function close() {
      isWanted = false
      way?.close()
    }
    return { open, close }
  }
}
