import { createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

/** What a proxy answers in the server's place. */
interface Strange {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** A proxy as some networks have: it passes requests on and, until it is told to, lets no socket through. */
export async function withoutSockets(port: number) {
  const asked: string[] = []
  const sockets = new Set<Duplex>()
  let letsSockets = false
  let instead: (asked: IncomingMessage) => Strange | undefined = () => undefined
  const server = createServer((incoming, answer) => {
    const { method, url = '', headers } = incoming
    asked.push(`${method} ${url}`)
    const strange = instead(incoming)
    if (strange) return void answer.writeHead(strange.status, strange.headers).end(strange.body)
    const passed = request({ host: '127.0.0.1', port, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      answer.flushHeaders()
      response.pipe(answer)
    })
    passed.on('error', () => answer.destroy())
    answer.on('close', () => passed.destroy())
    incoming.pipe(passed)
  })
  server.on('upgrade', (incoming, socket) => {
    sockets.add(socket.on('error', () => socket.destroy()))
    if (letsSockets) passSocket(incoming, socket, port)
    else socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What was asked for, without sockets: methods and paths. */
    asked,
    cut: () => server.closeAllConnections(),
    letSockets: () => {
      letsSockets = true
    },
    /** From now on it answers by itself wherever this gives an answer. */
    answerInstead: (answer: typeof instead) => {
      instead = answer
    },
    stop: () => {
      for (const socket of sockets) socket.destroy()
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

function passSocket({ method, url, rawHeaders }: IncomingMessage, socket: Duplex, port: number): void {
  const passed = connect(port, '127.0.0.1')
  const lines = rawHeaders.map((part, index) => (index % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join('')
  passed.write(`${method} ${url} HTTP/1.1\r\n${lines}\r\n`)
  passed.pipe(socket).pipe(passed)
  for (const end of [passed, socket]) end.on('error', () => [passed, socket].map((each) => each.destroy()))
}
