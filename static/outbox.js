// What was typed and is not answered yet: kept in this tab, sent in order, one at a time, each under its own key.
// Trying again is safe, because the server stores a key once.
export function openOutbox(form) {
  const field = form.elements.text
  const list = document.getElementById('waiting')
  const shelf = `parlour:${form.dataset.member}`
  const { queue = [], draft = '' } = read()
  let isSending = false
  let failures = 0
  let timer

  field.value ||= draft
  show()
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    say()
  })
  field.addEventListener('input', keep)
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    say()
  })
  form.addEventListener('htmx-config-request', ({ detail: { ctx } }) => {
    ctx.request.body = new FormData()
    ctx.request.body.set('text', queue[0].text)
    ctx.request.body.set('key', queue[0].key)
  })
  form.addEventListener('htmx-finally-request', ({ detail: { ctx } }) => answered(ctx.response))

  function say() {
    field.focus()
    if (!field.value.trim()) return
    const key = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('')
    queue.push({ key, text: field.value })
    field.value = ''
    keep()
    show()
    send()
  }

  function send() {
    clearTimeout(timer)
    if (isSending || !queue.length) return
    isSending = true
    htmx.trigger(form, 'send')
  }

  function answered(response) {
    isSending = false
    const status = response?.status
    if (status === 200) taken()
    else if (status >= 400 && status < 500 && status !== 429) refused()
    else later(status === 429 ? response.headers.get('Retry-After') * 1000 : Math.min(1000 * 2 ** failures++, 30000))
    keep()
  }

  function taken() {
    failures = 0
    queue.shift()
    show()
    setTimeout(send)
  }

  // The reason stands beside the field; the text goes back there, before what was typed meanwhile.
  function refused() {
    field.value = [queue.shift().text, field.value].filter(Boolean).join('\n')
    field.focus()
    show()
    setTimeout(send)
  }

  function later(delay) {
    timer = setTimeout(send, delay * (0.8 + Math.random() * 0.4))
  }

  function show() {
    list.replaceChildren(
      ...queue.map(({ text }) => {
        const item = make('li', { className: 'message waiting' })
        const words = make('p', { className: 'text', dir: 'auto', textContent: text })
        item.append(words, make('small', { textContent: 'Waiting to be sent' }))
        return item
      }),
    )
  }

  function read() {
    try {
      return JSON.parse(sessionStorage[shelf] ?? '{}')
    } catch {
      return {}
    }
  }

  function keep() {
    try {
      sessionStorage[shelf] = JSON.stringify({ queue, draft: field.value })
    } catch {
      // A browser that may not keep anything still sends.
    }
  }

  return send
}

/** Makes an element. */
export function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties)
}
