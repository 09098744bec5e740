/** What a page showed at one moment, and what a person did in it. */
export type Glance =
  | {
      /** Which document it was. */
      readonly document: number
      /** From the oldest to the newest: cursors of messages, `gap 27`, `gap`, and `older` for the link to what is older. */
      readonly items: readonly string[]
      /** The messages that were not shown before: cursor, text and when it was said. */
      readonly fresh: readonly (readonly [cursor: string, text: string, at: number])[]
      /** What is said to wait, or to be sent and not yet in the log. */
      readonly waiting: readonly string[]
      readonly field: string
      readonly status: string
      /** Whether the reader is far from the newest line. */
      readonly isFar: boolean
    }
  | { readonly said: string }

/** Runs in the page, before its own scripts: tells `glance` whatever a person gets to see there, each frame in which it changes. */
export function watch(): void {
  const glance = (window as unknown as { glance(glance: unknown): void }).glance
  const told = new Set<string>()
  const timer = setTimeout.bind(window)
  const frame = requestAnimationFrame.bind(window)
  let last = ''
  let isDue = false
  const find = (selector: string) => [...document.querySelectorAll<HTMLElement>(selector)]
  const read = (line: HTMLElement) => {
    if (line.matches('.message')) return line.dataset.cursor ?? ''
    if (line.matches('.older')) return 'older'
    return `gap ${/^\d+/.exec(line.textContent ?? '') ?? ''}`.trim()
  }
  const tell = (cursor: string) => {
    told.add(cursor)
    const line = document.querySelector(`.pages [data-cursor="${cursor}"]`)
    const at = Date.parse(line?.querySelector('time')?.dateTime ?? '')
    return [cursor, line?.querySelector('.text')?.textContent ?? '', at]
  }
  const look = () => {
    isDue = false
    // Without its script a page is not yet what it will be.
    if (!('htmx' in window) || !document.getElementById('log')) return
    const items = find('.pages .message, .pages .gap, .pages .older').map(read)
    const seen = {
      document: performance.timeOrigin,
      items,
      waiting: find('#waiting .text').map((text) => text.textContent ?? ''),
      field: (document.getElementById('text') as HTMLTextAreaElement | null)?.value ?? '',
      status: document.getElementById('status')?.textContent ?? '',
      isFar: (document.getElementById('scroll')?.scrollTop ?? 0) < -50,
    }
    const words = JSON.stringify(seen)
    if (words === last) return
    last = words
    glance({ ...seen, fresh: items.filter((item) => /^\d/.test(item) && !told.has(item)).map(tell) })
  }
  // After the frame was painted; a page whose frames are held back is looked at all the same.
  const soon = () => {
    if (isDue) return
    isDue = true
    frame(() => timer(look))
    timer(() => isDue && look(), 250)
  }
  addEventListener(
    'keydown',
    ({ key, target }) => {
      const field = target as HTMLTextAreaElement
      if (key === 'Enter' && field.id === 'text' && 'htmx' in window) glance({ said: field.value })
    },
    true,
  )
  document.addEventListener('DOMContentLoaded', () => {
    const whole = { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ['class'] }
    new MutationObserver(soon).observe(document.body, whole)
    document.addEventListener('input', soon)
    document.getElementById('scroll')?.addEventListener('scroll', soon)
    timer(soon)
  })
}

/** Runs in the page, before its own scripts: its wall clock can be set by `skew`, in milliseconds. */
export function loosenClock(): void {
  const Real = Date
  let skew = 0
  const now = () => Real.now() + skew
  window.Date = new Proxy(Real, {
    construct: (_, given: []) => (given.length === 0 ? new Real(now()) : new Real(...given)),
    apply: () => new Real(now()).toString(),
    get: (_, name) => (name === 'now' ? now : Reflect.get(Real, name)),
  })
  Object.assign(window, {
    skew: (milliseconds: number) => {
      skew = milliseconds
    },
  })
}
