import { createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

/** What a proxy answers in the server's place. */
interface Strange {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** What becomes of a handshake: refused, passed on, never answered, or answered and then nothing comes. */
type Sockets = 'refused' | 'passed' | 'hanging' | 'silent'

/** A proxy as some networks have: it passes requests on and, until it is told to, lets no socket through. */
export async function withoutSockets(port: number, sockets: Sockets = 'refused') {
  const asked: string[] = []
  const streams = new Set<string>()
  const kept = new Set<Duplex>()
  let fate = sockets
  let isBuffering = false
  let instead: (asked: IncomingMessage) => Strange | undefined = () => undefined
  const server = createServer((incoming, answer) => {
    const { method, url = '', headers } = incoming
    asked.push(`${method} ${url}`)
    const strange = instead(incoming)
    if (strange) return void answer.writeHead(strange.status, strange.headers).end(strange.body)
    const passed = request({ host: '127.0.0.1', port, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      if (response.headers['content-type']?.includes('event-stream')) streams.add(url)
      // What is buffered is handed on once it has ended.
      if (isBuffering)
        return void response.toArray().then(
          (parts) => answer.end(Buffer.concat(parts)),
          () => {},
        )
      answer.flushHeaders()
      response.pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    answer.on('close', () => {
      streams.delete(url)
      passed.destroy()
    })
    incoming.pipe(passed)
  })
  server.on('upgrade', (incoming, socket) => {
    kept.add(socket.on('error', () => socket.destroy()))
    if (fate === 'refused') socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    else if (fate !== 'hanging') passSocket(incoming, socket, port, fate === 'silent')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What was asked for, without sockets: methods and paths. */
    asked,
    /** The event streams that are open. */
    streams,
    cut: () => server.closeAllConnections(),
    /** What becomes of handshakes from now on. */
    treatSockets: (sockets: Sockets) => {
      fate = sockets
    },
    /** Breaks the sockets that were let through. */
    cutSockets: () => {
      for (const socket of kept) socket.destroy()
    },
    /** From now on nothing comes back over the sockets that were let through. */
    silence: () => {
      for (const socket of kept) socket.emit('silence')
    },
    /** From now on an answer is handed on once it has come whole. */
    buffer: () => {
      isBuffering = true
    },
    /** From now on it answers by itself wherever this gives an answer. */
    answerInstead: (answer: typeof instead) => {
      instead = answer
    },
    stop: () => {
      for (const socket of kept) socket.destroy()
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

/** @param isSilent whether nothing comes back after the answer to the handshake */
function passSocket(
  { method, url, rawHeaders }: IncomingMessage,
  socket: Duplex,
  port: number,
  isSilent: boolean,
): void {
  const passed = connect(port, '127.0.0.1')
  const lines = rawHeaders.map((part, index) => (index % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join('')
  passed.write(`${method} ${url} HTTP/1.1\r\n${lines}\r\n`)
  passed.once('data', (head) => {
    socket.write(head)
    if (!isSilent) passed.pipe(socket)
    else passed.resume()
  })
  socket.pipe(passed)
  socket.on('silence', () => passed.unpipe(socket).resume())
  for (const end of [passed, socket]) end.on('error', () => [passed, socket].map((each) => each.destroy()))
  for (const end of [passed, socket]) end.on('close', () => [passed, socket].map((each) => each.destroy()))
}
