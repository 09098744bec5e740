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

/** A way whose script is fetched when it is tried. */
export function openLater(name) {
  return (options) => {
    let way
    let isWanted

    async function open() {
      isWanted = true
      const script = await later()
      if (!script) return options.ended()
      way ??= script[name](options)
      if (isWanted) way.open()
    }

    function close() {
      isWanted = false
      way?.close()
    }
    return { open, close }
  }
}
