import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { descriptorsOf, memoryOf, PROC, workOf } from './support/cost.ts'
import type { Line } from './support/line.ts'
import { Person } from './support/person.ts'
import { ServerProcess } from './support/process.ts'
import { Random } from './faults/random.ts'
import { Raw } from './support/raw.ts'
import { needing } from './support/tools.ts'

// What a stranger can send to a running server, each by the number that it had in the list of what was once found.
// After each attack two members of a room go on talking, as quickly as before; descriptors come back; nothing is logged.

interface Context {
  server: ServerProcess
  ann: Person
  bob: Person
  eve: Person
  anns: Line
  bobs: Line
  unread: Unread
  /** Milliseconds of the quickest round trip before anybody attacked. */
  trip: number
}

const MB = 1024 * 1024
const PATIENCE_MS = 30_000
const TICKS_OF_NOISE = 8
const TRIPS = 10
// More pings than twenty a second would be a flood.
const PING_MS = 60
const JSON_WANTED = { Accept: 'application/json' }
const MARKS = '\u0301\u0316'.repeat(16_000)

const all = suite<Context>('hostile')
const test = needing(PROC, all, '/proc')

all.before(async (context) => {
  context.unread = await leaveUnread()
  context.server = await ServerProcess.start({ RATE_LIMITS: 'on' })
  context.ann = await Person.create(context.server.url, 'ann')
  context.bob = await Person.join(context.server.url, context.ann.code, 'bob')
  context.eve = await Person.join(context.server.url, context.ann.code, 'eve')
  context.anns = await context.ann.listen()
  context.bobs = await context.bob.listen()
  await talk(context)
  context.trip = await quickestTrip(context.anns)
})
all.after(async ({ server }) => {
  assert.is(await server.stop('SIGTERM'), 0)
})

attack('1. two requests in one packet, the second for another protocol', async ({ server, ann }) => {
  const first = 'GET / HTTP/1.1\r\nHost:a\r\n\r\n'
  for (const protocol of ['x', 'h2c', 'websocket', 'WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x']) {
    for (const path of ['/', `/rooms/${ann.code}/socket`, `/rooms/${ann.code}/events`]) {
      const second = `GET ${path} HTTP/1.1\r\nHost:a\r\nConnection:upgrade\r\nUpgrade:${protocol}\r\n\r\n`
      await burst(server, [first + second, first + first + second + second], 5)
    }
  }
})

attack('2. names, titles, codes and texts of 32,000 marks cost no more than as many letters', async (context) => {
  const send = async (letters: string) => {
    for (let count = 0; count < 4; count += 1) {
      await post(context, '/rooms', { name: letters })
      await post(context, '/rooms', { name: 'x', title: letters })
      await post(context, '/join', { name: letters, code: context.ann.code })
      await post(context, '/rooms/x/members', { name: letters })
      await post(context, `/rooms/${context.ann.code}/members`, { name: letters })
      await post(context, `/rooms/${context.ann.code}/messages`, { text: letters })
    }
  }
  await costsNoMore(
    context,
    () => send(MARKS),
    () => send('é'.repeat(MARKS.length)),
  )
})

attack('3. handshakes that are refused leave no descriptor behind, though their senders hold on', async (context) => {
  const { server, ann } = context
  const before = await descriptorsOf(server)
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  const heads = [
    `GET /nothing HTTP/1.1\r\nHost: a\r\n${upgrade}`,
    `GET /rooms/${ann.code}/socket HTTP/1.1\r\nHost: a\r\nOrigin: http://evil.example\r\n${upgrade}`,
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA`,
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nConnection: Upgrade\r\nUpgrade: h2c`,
    `GET /rooms/${ann.code}/socket HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nConnection: Upgrade\r\nUpgrade: websocket`,
  ]
  const lines = await held(
    server,
    heads.flatMap((head) => Array(60).fill(`${head}\r\n\r\n`)),
    true,
  )
  await talk(context)
  await until(async () => (await descriptorsOf(server)) <= before, 'descriptors stay')
  for (const line of lines) line.socket.destroy()
})

attack('5. a thousand cookies of the name cost no more than a thousand of another', async (context) => {
  const send = async (name: string) => {
    const headers = { Cookie: Array.from({ length: 1200 }, () => `${name}=a.b`).join(';') }
    for (let count = 0; count < 150; count += 1) await ask(context, `/rooms/${context.ann.code}`, headers)
  }
  await costsNoMore(
    context,
    () => send('parlour'),
    () => send('another'),
  )
})

attack('5. frames that say nothing end the connection that sends them', async ({ eve }) => {
  const floods: ((socket: WebSocket) => void)[] = [
    (socket) => socket.send('{}'),
    (socket) => socket.send('{"since":""}'),
    (socket) => socket.send('x'),
    (socket) => socket.ping(),
    (socket) => socket.pong(),
  ]
  for (const flood of floods) {
    const line = await eve.connect()
    for (let count = 0; count < 2000; count += 1) flood(line.socket)
    assert.is(await Promise.race([line.closed, delay(PATIENCE_MS, 0, { ref: false })]), 1008, String(flood))
    line.close()
  }
})

attack('5. a session has sixteen sockets and no more', async ({ eve }) => {
  const lines: Line[] = []
  for (let count = 0; count < 40; count += 1) lines.push(await eve.listen())
  const first = Promise.all(lines.slice(0, 24).map((line) => line.closed))
  const closed = await Promise.race([first, delay(PATIENCE_MS, [0], { ref: false })])
  assert.equal(new Set(closed), new Set([1013]))
  for (const line of lines.slice(24)) {
    assert.is(line.socket.readyState, WebSocket.OPEN)
    line.close()
    await line.closed
  }
})

attack('5. whoever asked for streams in a queue and hung up is not here any more', async (context) => {
  const { server, eve, anns } = context
  const head = (path: string) =>
    `GET /rooms/${eve.code}${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${eve.token}\r\n\r\n`
  await askAs(context, eve, '/leave', {})
  const zoe = JSON.parse((await ask(context, '/join', JSON_WANTED, { code: eve.code, name: 'zoe' })).text)
  const queue = (head('/events') + head('/live').repeat(12)).replaceAll(eve.token, zoe.token)
  const lines = await held(server, Array(20).fill(queue))
  await Promise.all(lines.slice(-1).map((line) => line.until('HTTP/1.1 200')))
  for (const line of lines) line.socket.destroy()
  await anns.frame('zoe</bdi>')
  await anns.until(({ frames }) => /zoe(<[^>]*>)* left/.test(frames.join('')))
})

attack('7. texts made to be slow cost no more than others', async () => {
  const server = await ServerProcess.start()
  const ann = await Person.create(server.url, 'ann')
  const room = { server, ann }
  // What nobody reads is not rendered.
  await (await ann.listen()).frame('id="since"')
  const say = (text: string) => async () => {
    for (let count = 0; count < 40; count += 1) await ann.say(text)
  }
  const texts = ['('.repeat(3980), '.'.repeat(3980), `${'.)'.repeat(1990)}`, '('.repeat(1990) + ')'.repeat(1990)]
  for (const text of texts) await costsNoMore(room, say(`http://a/${text}x`), say(`http://a/${'x'.repeat(3980)}x`))
  for (const text of texts) await costsNoMore(room, say(`http://a/${text}`), say(`http://a/${'x'.repeat(3980)}`))
  await costsNoMore(room, say(`http://${'ü'.repeat(3980)}`), say(`http://${'u'.repeat(3980)}`))
  await server.stop('SIGTERM')
})

attack('8. nobody comes in under a name that looks like one who is here', async (context) => {
  const twins = [
    'ann\ufffc',
    '\ufffcann',
    'host\ufffc',
    'ann\u2800',
    'ann\u3164',
    'аnn',
    'bоb',
    'ann\u{1d159}',
    'ad\u200dmin',
  ]
  for (const name of twins) {
    const { status } = await post(context, `/rooms/${context.ann.code}/members`, { name })
    assert.ok([409, 422].includes(status), `${JSON.stringify(name)} was answered with ${status}`)
  }
})

attack('11. what somebody else signed, or nobody, is no session and no error', async (context) => {
  const tokens = [
    'e30.x',
    `${Buffer.from('null').toString('base64url')}.x`,
    '..',
    '.',
    'x'.repeat(7000),
    context.ann.token.slice(0, -1),
  ]
  for (const token of tokens) {
    const { status } = await ask(context, `/rooms/${context.ann.code}`, { Authorization: `Bearer ${token}` })
    assert.is(status, 401, token.slice(0, 20))
  }
})

attack('13. a body that is too long is refused in words before the line is closed', async ({ server, ann }) => {
  const head = `POST /rooms/${ann.code}/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ann.token}\r\nContent-Type: application/x-www-form-urlencoded\r\n`
  const [line] = await held(server, [`${head}Transfer-Encoding: chunked\r\n\r\n`])
  for (let count = 0; count < 20; count += 1) line.send(`1000\r\n${'x'.repeat(4096)}\r\n`)
  assert.match(await line.ended, /^HTTP\/1\.1 413 [\s\S]*\r\nConnection: close\r\n/i)
  const [twice] = await held(server, ['GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'])
  assert.match(await twice.ended, /^HTTP\/1\.1 400 /)
})

attack('what is no HTTP at all, or half of it', async ({ server, ann }) => {
  const random = new Random(7)
  const sound = `POST /rooms/${ann.code}/messages?x=%00 HTTP/1.1\r\nHost: a\r\nCookie: parlour=${ann.token}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 60\r\n\r\n--b\r\nContent-Disposition: form-data; name="text"\r\n\r\nx\r\n--b--`
  const broken = Array.from({ length: 300 }, () => {
    const bytes = Buffer.from(sound)
    for (let count = 0; count <= random.next() * 6; count += 1)
      bytes[random.whole(0, bytes.length)] = random.whole(0, 256)
    return bytes.subarray(0, random.whole(1, bytes.length)).toString('latin1')
  })
  await burst(server, broken, 1)
})

// It comes late, because it leaves its address nothing to join or say.
attack('6. a crowd of joins and posts from one address leaves a room its members and its history', async (context) => {
  const { ann, bob } = context
  const { seq } = await sayWhenAllowed(context, ann)
  const start = performance.now()
  const joins = Array.from({ length: 100 }, (_, index) =>
    ask(context, '/join', JSON_WANTED, { code: ann.code, name: `c${index}` }),
  )
  const inside = (await Promise.all(joins)).filter(({ status }) => status === 201)
  // One more may join with each second that a busy machine takes for it.
  const most = 60 + Math.ceil((performance.now() - start) / 1000)
  assert.ok(inside.length <= most, `${inside.length} joined at once from one address`)
  const posts = inside.flatMap(({ text }) => {
    const headers = { Authorization: `Bearer ${JSON.parse(text).token}` }
    return Array.from({ length: 8 }, () => ask(context, `/rooms/${ann.code}/messages`, headers, { text: 'x' }))
  })
  await Promise.all(posts)
  const { messages } = JSON.parse((await askAs(context, bob, '/messages?limit=200')).text)
  assert.ok(
    messages.some((message: { seq: number }) => message.seq === seq),
    'what was said before is still on the newest page',
  )
  assert.is((await askAs(context, ann, '')).status, 200)
})

// It was begun before the others, because a minute has to pass.
attack('4. answers that nobody reads are held for a minute, and hold little', async ({ unread }) => {
  const { server, lines, descriptors, grown } = unread
  assert.ok(grown < 100 * MB, `${Math.round(grown / MB)} MB are held for those who do not read`)
  await until(async () => (await descriptorsOf(server)) <= descriptors, 'unread answers stay')
  for (const line of lines) line.socket.destroy()
  assert.is(server.faults, '')
  await server.stop('SIGTERM')
})

all.run()

/** A server whose longest answers nobody reads. */
interface Unread {
  readonly server: ServerProcess
  readonly lines: Raw[]
  /** What it held before. */
  readonly descriptors: number
  /** Bytes that it holds since. */
  readonly grown: number
}

async function leaveUnread(): Promise<Unread> {
  const server = await ServerProcess.start()
  const ann = await Person.create(server.url, 'ann')
  const line = await ann.listen()
  // All at once would be 6 MB on its way to this line, which a busy machine cuts off at 1 MiB that it has not read.
  for (let said = 0; said < 250; said += 10) {
    for (let count = 0; count < 10; count += 1) line.send({ text: '"'.repeat(4000) })
    await line.count(said + 10)
  }
  line.close()
  const ask = `GET /rooms/${ann.code}/messages?limit=200 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ann.token}\r\n\r\n`
  await ann.fetch('/messages?limit=200').then((answer) => answer.text())
  const [descriptors, memory] = [await descriptorsOf(server), await memoryOf(server)]
  const lines = await held(server, Array<string>(60).fill(ask.repeat(4)), true)
  await delay(2000)
  return { server, lines, descriptors, grown: (await memoryOf(server)) - memory }
}

/** A test that attacks, and then looks whether anybody was harmed by it. */
function attack(name: string, run: (context: Context) => Promise<void>): void {
  test(name, async (context) => {
    const before = await descriptorsOf(context.server)
    await run(context)
    await talk(context)
    const most = context.trip * 8
    const trip = await quickestTrip(context.anns, most)
    assert.ok(trip < most, `a round trip took ${context.trip} ms before and ${trip} ms after`)
    await until(async () => (await descriptorsOf(context.server)) <= before, 'descriptors stay')
    assert.is(context.server.faults, '', 'nothing went wrong inside')
  })
}

/** Two members say something to each other, and both see it. */
async function talk(context: Context): Promise<void> {
  const { ann, bob, anns, bobs } = context
  for (const person of [ann, bob]) {
    const { seq } = await sayWhenAllowed(context, person)
    for (const line of [anns, bobs]) await line.until(({ messages }) => messages.some((message) => message.seq === seq))
  }
}

async function sayWhenAllowed(context: Context, person: Person): Promise<{ seq: number }> {
  for (;;) {
    const { status, text, wait } = await askAs(context, person, '/messages', { text: 'still here' })
    if (status === 201) return JSON.parse(text)
    assert.is(status, 429)
    await delay(wait * 1000)
  }
}

/**
 * Milliseconds of the quickest of several round trips: what else the machine does slows down some of them, not all.
 * @param most after how many milliseconds it is tried some more: a machine that is busy for a while does not decide
 */
async function quickestTrip({ socket, closed }: Line, most = Number.POSITIVE_INFINITY): Promise<number> {
  const ended = closed.then((code) => {
    throw new Error(`the line was closed with ${code}`)
  })
  // It may end later, when nobody waits for that.
  ended.catch(() => {})
  let quickest = Number.POSITIVE_INFINITY
  for (let count = 0; count < TRIPS || (count < TRIPS * 6 && quickest >= most); count += 1) {
    await delay(PING_MS)
    const start = performance.now()
    socket.ping()
    await Promise.race([once(socket, 'pong'), ended])
    quickest = Math.min(quickest, performance.now() - start)
  }
  return quickest
}

/** Whether the server works no more for the one than for the other, by its own count. */
async function costsNoMore(
  { server }: Pick<Context, 'server'>,
  hostile: () => Promise<void>,
  harmless: () => Promise<void>,
): Promise<void> {
  await harmless()
  const start = await workOf(server)
  await harmless()
  const middle = await workOf(server)
  await hostile()
  const [usual, worst] = [middle - start, (await workOf(server)) - middle]
  assert.ok(worst <= usual * 3 + TICKS_OF_NOISE, `${worst} ticks of work instead of ${usual}`)
}

/** Sends a form with all its letters as they are. */
function post(context: Pick<Context, 'server'>, path: string, fields: Record<string, string>): Promise<Answered> {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--border\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  return ask(
    context,
    path,
    { 'Content-Type': 'multipart/form-data; boundary=border' },
    `${parts.join('')}--border--\r\n`,
  )
}

interface Answered {
  readonly status: number
  readonly text: string
  /** Seconds after which it may be asked again. */
  readonly wait: number
}

/** Asks for a path below the room's, as this person. */
function askAs(context: Context, { code, token }: Person, path: string, fields?: Record<string, string>) {
  return ask(context, `/rooms/${code}${path}`, { ...JSON_WANTED, Authorization: `Bearer ${token}` }, fields)
}

/** Asks on a connection of its own: one that a pool keeps open would count as held by the server. */
async function ask(
  { server }: Pick<Context, 'server'>,
  path: string,
  headers: Record<string, string>,
  body?: string | Record<string, string>,
): Promise<Answered> {
  const isForm = typeof body === 'object'
  const type = isForm && { 'Content-Type': 'application/x-www-form-urlencoded' }
  const method = body === undefined ? 'GET' : 'POST'
  const asked = request(server.url + path, { agent: false, method, headers: { ...headers, ...type } })
  asked.end(isForm ? String(new URLSearchParams(body)) : body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  for await (const part of answer.setEncoding('utf8')) text += part
  return { status: answer.statusCode ?? 0, text, wait: Number(answer.headers['retry-after']) }
}

/** Lines that have sent this and stay open; paused ones read nothing of what comes back. */
function held({ url }: ServerProcess, texts: string[], isPaused = false): Promise<Raw[]> {
  return Promise.all(
    texts.map(async (text) => {
      const line = await Raw.open(url)
      if (isPaused) line.socket.pause()
      line.send(text)
      return line
    }),
  )
}

/** Sends each of these on lines of their own, several times, and hangs up once an answer or the end has come. */
async function burst(server: ServerProcess, texts: string[], times: number): Promise<void> {
  const lines = await held(
    server,
    texts.flatMap((text) => Array<string>(times).fill(text)),
  )
  await delay(200)
  for (const line of lines) line.socket.destroy()
  await Promise.all(lines.map((line) => line.ended))
}

/** Settles once this is true; rejects where that takes longer than a minute and a half. */
async function until(isTrue: () => Promise<boolean>, words: string): Promise<void> {
  for (let count = 0; count < 900; count += 1) {
    if (await isTrue()) return
    await delay(100)
  }
  throw new Error(words)
}
