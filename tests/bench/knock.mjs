import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { compile, here, pinned } from './tools.mjs'

const run = promisify(execFile)
export const program = compile('knock')

/**
 * Sends requests from the second core.
 * @param requests their bytes, taken in turn
 * @param options `tasks` in all, `slots` at once, each `steps` requests; `fresh`: a new connection for each
 * @returns how long it took, and the CPU of the server, in milliseconds
 */
export async function knock(server, requests, { tasks, slots = 32, steps = 1, fresh = false }) {
  const file = `${here}build/requests-${process.pid}`
  writeFileSync(
    file,
    Buffer.concat(requests.map((request) => Buffer.concat([Buffer.from(`${request.length}\n`), Buffer.from(request)]))),
  )
  const [name, ...values] = pinned(
    1,
    [program, server.port, server.pid, file, slots, tasks, steps, Number(fresh)].map(String),
  )
  const { stdout } = await run(name, values).catch(({ stderr }) => {
    throw new Error(`${server.name}: ${stderr.trim()}`)
  })
  const answer = JSON.parse(stdout)
  if (answer.failed > 0 || answer.done < tasks)
    throw new Error(`${server.name}: ${answer.failed} requests failed, ${answer.done} of ${tasks} done`)
  return answer
}

/** The bytes of a request; a body is a form. */
export function request(server, method, path, headers = {}, body = '') {
  const length = body ? { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': body.length } : {}
  const lines = Object.entries({ Host: `127.0.0.1:${server.port}`, ...length, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

/** The bytes of a WebSocket handshake and the first frame behind it. */
export function handshake(server, path, headers, text) {
  const upgrade = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': 13,
  }
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
  return Buffer.concat([Buffer.from(request(server, 'GET', path, { ...upgrade, ...headers })), frame])
}
