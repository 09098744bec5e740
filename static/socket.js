// With this code a server closes a socket that gives way to another tab's, or that it cannot serve now.
const BUSY_CODE = 1013

/** The socket is htmx's, which opens it when it reads its element, and closes it when it lets go of that. */
export function openSocket({ came, ended }) {
  const chat = document.getElementById('chat')
  let isWanted = true

  document.addEventListener('htmx-ws-before-connection', (event) => isWanted || event.preventDefault())
  document.addEventListener('htmx-ws-before-message-incoming', (event) => {
    event.preventDefault()
    const { connection, message } = event.detail
    // The last message of an earlier connection may come only now.
    if (connection === chat._htmx.ws?.connection) came(message.data)
  })
  // What this page ends itself has another reason.
  document.addEventListener(
    'htmx-ws-close',
    ({ detail }) => detail.reason === 'closed' && ended(detail.code === BUSY_CODE),
  )

  function set(wanted) {
    isWanted = wanted
    htmx.process(chat, true)
  }
  return { open: () => set(true), close: () => set(false) }
}
