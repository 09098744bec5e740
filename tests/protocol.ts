import { Buffer } from 'node:buffer'
import process from 'node:process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Line } from './support/line.ts'
import { Person } from './support/person.ts'
import { exchange, Raw } from './support/raw.ts'
import { serve, type TestServer } from './support/server.ts'

interface Talk {
  server: TestServer
  ann: Person
  line: Line
  said: string[]
}

const all = suite<Talk>('protocol')

all.before(async (context) => {
  context.server = await serve()
  context.ann = await Person.create(context.server.url, 'ann')
  const bob = await Person.join(context.server.url, context.ann.code, 'bob')
  context.line = await bob.listen()
  context.said = []
})
all.after(({ server }) => server.stop())

/** Whatever somebody sends, two others talk on. */
function test(name: string, send: (talk: Talk) => Promise<void>): void {
  // Not in a hook: uvu loses what failed before it where a hook fails too.
  all(name, async (talk) => {
    await send(talk)
    const { ann, line, said } = talk
    said.push(`text ${said.length}`)
    await ann.say(said.at(-1) as string)
    await line.count(said.length)
    assert.equal(line.texts, said)
  })
}

test('a request that is not HTTP is answered 400', async ({ server }) => {
  const requests = [
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ' / HTTP/1.1\r\nHost: x\r\n\r\n',
  ]
  for (const request of requests) {
    assert.is(statusIn(await exchange(server.url, request)), 400, request)
  }
})

test('a Host or a path that no browser sends breaks nothing', async ({ server }) => {
  for (const host of ['', 'a b', 'a/b', 'a@b', '[::1', '\xff', 'a:99999']) {
    const answer = await exchange(server.url, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    assert.is(statusIn(answer), 400, host)
  }
  const paths = {
    200: ['http://other.example/', '/?%'],
    400: ['/\\', '/\xff', '*', 'http://', 'nothing'],
    404: ['//', '/%', '/rooms/%E0%A4%A', `/${'x'.repeat(10_000)}`],
  }
  for (const [status, all] of Object.entries(paths)) {
    for (const path of all) {
      const answer = await exchange(server.url, `GET ${path} HTTP/1.1\r\nHost: a.b\r\nConnection: close\r\n\r\n`)
      assert.is(statusIn(answer), Number(status), path)
    }
  }
})

test('a whole address is asked for like its path, by a handshake too', async ({ server, ann }) => {
  const host = new URL(server.url).host
  const room = `${server.url}/rooms/${ann.code}`
  const session = `Host: ${host}\r\nCookie: parlour=${ann.token}\r\n`
  const page = await exchange(server.url, `GET ${room} HTTP/1.1\r\n${session}Connection: close\r\n\r\n`)
  assert.match(page, /^HTTP\/1\.1 200 [\s\S]*<main/)
  const said = await exchange(server.url, post(`${room}/messages`, `${session}Origin: ${server.url}\r\n`))
  assert.is(statusIn(said), 422)
  assert.is(await knock(server, `${room}/socket HTTP/1.1`, `${session}Origin: ${server.url}\r\n`), 101)
  for (const target of [
    server.url,
    `${server.url}/`,
    `${server.url}?/socket`,
    `ftp://${host}/rooms/${ann.code}/socket`,
  ])
    assert.is(await knock(server, `${target} HTTP/1.1`, `${session}Origin: ${server.url}\r\n`), 404, target)
})

test('where the address and the Host name two sites, a page of neither is the chat’s own', async ({ server, ann }) => {
  const path = `/rooms/${ann.code}`
  const own = new URL(server.url).host
  for (const [target, host] of [
    [own, 'evil.example'],
    ['evil.example', own],
    [`evil.example@${own}`, own],
  ])
    for (const origin of [own, 'evil.example', 'undefined']) {
      const heads = `Host: ${host}\r\nCookie: parlour=${ann.token}\r\nOrigin: http://${origin}\r\n`
      assert.is(
        await knock(server, `http://${target}${path}/socket HTTP/1.1`, heads),
        403,
        `${target} ${host} ${origin}`,
      )
      assert.is(statusIn(await exchange(server.url, post(`http://${target}${path}/messages`, heads))), 403)
    }
})

test('before HTTP/1.1 nobody can ask for a WebSocket, and whoever does is answered plainly', async ({
  server,
  ann,
}) => {
  const session = `Authorization: Bearer ${ann.token}\r\n`
  assert.is(await knock(server, `/rooms/${ann.code}/socket HTTP/1.0`, session), 426)
  assert.is(await knock(server, '/ HTTP/1.0', session), 200)
  assert.is(await knock(server, `/rooms/${ann.code}/socket HTTP/1.1`, `Host: a.b\r\n${session}`), 101)
})

test('methods from beyond the table are refused like any other', async ({ server }) => {
  for (const method of ['TRACE', 'PROPFIND', 'PURGE', 'QUERY', 'LOCK']) {
    const answer = await exchange(server.url, `${method} / HTTP/1.1\r\nHost: a.b\r\nConnection: close\r\n\r\n`)
    assert.is(statusIn(answer), 405, method)
  }
  const connected = await exchange(server.url, 'CONNECT a.b:443 HTTP/1.1\r\nHost: a.b:443\r\n\r\n')
  assert.is(connected, '', 'a wish for a tunnel is not even answered')
})

test('two lengths for one body are refused, so that nothing can hide between them', async ({ server }) => {
  const head = 'POST /join HTTP/1.1\r\nHost: a.b\r\nContent-Type: application/x-www-form-urlencoded\r\n'
  const lengths = [
    'Content-Length: 4\r\nTransfer-Encoding: chunked',
    'Content-Length: 4\r\nContent-Length: 5',
    'Content-Length: -1',
    'Content-Length: 1e9',
    'Transfer-Encoding: chunked, identity',
  ]
  for (const length of lengths) {
    const answer = await exchange(server.url, `${head}${length}\r\nConnection: close\r\n\r\n0\r\n\r\n`)
    assert.is(statusIn(answer), 400, length)
  }
})

test('a body whose length is not said is read, and so is none at all', async ({ server, ann }) => {
  const eve = await Person.join(server.url, ann.code, 'eve')
  const head = (path: string) =>
    `POST /rooms/${ann.code}${path} HTTP/1.1\r\nHost: a.b\r\nAuthorization: Bearer ${eve.token}\r\nAccept: application/json\r\nConnection: close\r\n`
  const chunked = 'Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n'
  const refused = await exchange(
    server.url,
    `${head('/messages')}${chunked}5\r\ntext=\r\n2\r\n%2\r\n1\r\n0\r\n0\r\n\r\n`,
  )
  assert.match(refused, /^HTTP\/1\.1 422 [\s\S]*text-blank/)
  assert.match(await exchange(server.url, `${head('/messages')}\r\n`), /^HTTP\/1\.1 422 [\s\S]*text-blank/)
  assert.match(await exchange(server.url, `${head('/leave')}\r\n`), /^HTTP\/1\.1 204 /)
})

test('a body that goes on and on is refused before it ends', async ({ server }) => {
  const raw = await Raw.open(server.url)
  raw.send(
    'POST /join HTTP/1.1\r\nHost: a.b\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  for (let count = 0; count < 20; count += 1) raw.send(`1000\r\n${'x'.repeat(4096)}\r\n`)
  await raw.until('HTTP/1.1 413')
  raw.socket.destroy()
})

test('a body that is said to be too large is refused before it is sent', async ({ server }) => {
  const raw = await Raw.open(server.url)
  raw.send(
    `POST /join HTTP/1.1\r\nHost: a.b\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${1e9}\r\n\r\n`,
  )
  await raw.until('HTTP/1.1 413')
  raw.socket.destroy()
})

test('a request that ends in the middle is not done', async ({ server }) => {
  for (const request of [
    'GET / HT',
    'GET / HTTP/1.1\r\nHost:',
    'POST /join HTTP/1.1\r\nHost: a.b\r\nContent-Length: 10\r\n\r\nabc',
    `GET / HTTP/1.1\r\nHost: a.b\r\nUpgrade: websocket\r\nConnection: Up`,
  ]) {
    const raw = await Raw.open(server.url)
    raw.send(request)
    raw.socket.end()
    // Deno closes without a word.
    assert.is(statusIn(await raw.ended), 'deno' in process.versions ? undefined : 400, request)
  }
})

test('headers that are too large are refused', async ({ server }) => {
  const answer = await exchange(
    server.url,
    // No more than is read at once: where a server closes before it has read all, the answer can be lost on its way.
    `GET / HTTP/1.1\r\nHost: a.b\r\nCookie: parlour=${'x'.repeat(20_000)}\r\n\r\n`,
  )
  assert.is(statusIn(answer), 431)
})

test('a request that would rather speak HTTP/2 is answered as it is', async ({ server, ann }) => {
  const upgrade =
    'Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n'
  const health = await exchange(server.url, `GET /health HTTP/1.1\r\nHost: a.b\r\n${upgrade}\r\n`)
  assert.match(health, /^HTTP\/1\.1 200 [\s\S]*\{"status":"ok"\}/)
  const lost = await exchange(server.url, `GET /nothing HTTP/1.1\r\nHost: a.b\r\n${upgrade}\r\n`)
  assert.match(lost, /^HTTP\/1\.1 404 /)
  const body = 'name=zoe'
  const type = `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n`
  const joined = await exchange(
    server.url,
    `POST /rooms/${ann.code}/members HTTP/1.1\r\nHost: a.b\r\n${upgrade}${type}\r\n${body}`,
  )
  // Before Node 24 a body that comes with such a wish cannot be read.
  assert.match(joined, /^HTTP\/1\.1 (303 |400 [\s\S]*Please send this again)/)
})

test('a handshake that is no handshake is refused', async ({ server, ann }) => {
  const path = `/rooms/${ann.code}/socket`
  const whole = `GET ${path} HTTP/1.1\r\nHost: a.b\r\nOrigin: http://a.b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`
  const broken = [
    whole.replace(/Sec-WebSocket-Key: .*\r\n/, ''),
    whole.replace('dGhlIHNhbXBsZSBub25jZQ==', 'short'),
    whole.replace('Version: 13', 'Version: 7'),
    whole.replace('GET', 'POST'),
  ]
  for (const handshake of broken)
    assert.match(await exchange(server.url, handshake), /^HTTP\/1\.1 (400|405|426)/, handshake)
})

test('frames that break the protocol end the connection that sent them, with the code that says why', async ({
  ann,
}) => {
  const frames: [string, Uint8Array, number][] = [
    ['without a mask', Buffer.from([0x81, 0x02, 0x68, 0x69]), 1002],
    ['with a reserved bit', masked(0xc1, Buffer.from('hi')), 1002],
    ['of an unknown kind', masked(0x83, Buffer.from('hi')), 1002],
    ['with a ping too long', masked(0x89, Buffer.alloc(126)), 1002],
    ['that goes on with nothing', masked(0x80, Buffer.from('hi')), 1002],
    ['that is binary', masked(0x82, Buffer.from('hi')), 1003],
    ['that is no UTF-8', masked(0x81, Buffer.from([0xff, 0xfe])), 1007],
    ['that holds half a character', masked(0x81, Buffer.from([0xed, 0xa0, 0x80])), 1007],
    ['that is too large', masked(0x81, Buffer.alloc(16 * 1024 + 1, 'x')), 1009],
    ['that says it is enormous', Buffer.from([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4]), 1009],
  ]
  for (const [words, bytes, code] of frames) {
    const line = await ann.listen()
    await line.frame('id="since"')
    rawOf(line).write(bytes)
    assert.is(await line.closed, code, words)
  }
})

test('parts of a frame that together are too large end the connection', async ({ ann }) => {
  const line = await ann.listen()
  await line.frame('id="since"')
  rawOf(line).write(masked(0x01, Buffer.alloc(10_000, 'x')))
  rawOf(line).write(masked(0x80, Buffer.alloc(10_000, 'x')))
  assert.is(await line.closed, 1009)
})

all.run()

/** The status of an answer; undefined where there was none. */
function statusIn(answer: string): number | undefined {
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]
  return status === undefined ? undefined : Number(status)
}

/** Asks for a WebSocket; the status of the answer. */
async function knock(server: TestServer, line: string, heads: string): Promise<number | undefined> {
  const raw = await Raw.open(server.url)
  const key = `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'a'.repeat(22)}==\r\n`
  raw.send(`GET ${line}\r\n${heads}Connection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n`)
  await raw.until('\r\n\r\n')
  raw.socket.destroy()
  return statusIn(raw.received)
}

/** A form without a field. */
function post(target: string, heads: string): string {
  return `POST ${target} HTTP/1.1\r\n${heads}Content-Length: 0\r\nConnection: close\r\n\r\n`
}

/** The bytes below a socket, past all that would keep a client from breaking the rules. */
function rawOf(line: Line): { write(bytes: Uint8Array): void } {
  return (line.socket as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket
}

/** A frame as a client sends it (RFC 6455, 5.2). */
function masked(first: number, payload: Uint8Array): Buffer {
  const mask = [1, 2, 3, 4]
  const length = payload.length < 126 ? [0x80 | payload.length] : [0xfe, payload.length >> 8, payload.length & 0xff]
  return Buffer.from([first, ...length, ...mask, ...payload.map((byte, index) => byte ^ mask[index % 4])])
}
