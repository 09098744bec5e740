import type { Socket } from 'node:net'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { TestClock } from './support/clock.ts'
import { suite } from './support/ground.ts'
import { Line } from './support/line.ts'
import { Person } from './support/person.ts'
import { serve, type TestServer } from './support/server.ts'
import { Stream } from './support/stream.ts'

const test = suite<{ server: TestServer }>('socket')

test.before(async (context) => {
  context.server = await serve()
})
test.after(({ server }) => server.stop())

test('what one says reaches everyone, the sender too', async ({ server }) => {
  const { ann, bob } = await pair(server)
  const [anns, bobs] = [await here(ann), await here(bob)]
  await ann.say('hello')
  await Promise.all([anns.count(1), bobs.count(1)])
  assert.equal(bobs.messages, [{ seq: 1, member: ann.id, name: 'ann', text: 'hello' }])
  assert.equal(anns.messages, bobs.messages)
})

test('a newcomer that asks from a cursor gets what followed it and then what comes', async ({ server }) => {
  const ann = await Person.create(server.url, 'ann')
  const first = await ann.say('one')
  await ann.say('two')
  const line = await ann.listen(first.cursor)
  await line.count(1)
  await ann.say('three')
  await line.count(2)
  assert.equal(line.texts, ['two', 'three'])
})

test('nothing is delivered before the place to begin has been read', async ({ server }) => {
  const { ann, bob } = await pair(server)
  const bobs = await here(bob)
  const waiting = await bob.connect()
  const { cursor } = await ann.say('one')
  await bobs.count(1)
  await ann.say('two')
  await bobs.count(2)
  assert.equal(waiting.frames, [])
  waiting.send({ since: cursor })
  await waiting.count(1)
  assert.equal(waiting.texts, ['two'])
})

test('who left before they were let in is sent nothing of what was said, however late the store says so', async () => {
  const store = new LateStore({ history: 10, bytes: 1000, rooms: 10 })
  const server = await serve({ store })
  try {
    const { ann, bob } = await pair(server)
    await ann.say('between us')
    store.isLate = true
    const late = await bob.connect()
    late.send({ since: '0.a' })
    late.socket.ping()
    await new Promise((resolve) => late.socket.once('pong', resolve))
    await ann.say('more')
    await store.dismiss(ann.code, bob.id)
    store.answer()
    assert.is(await late.closed, 1008)
    assert.equal(late.texts, [])
  } finally {
    await server.stop()
  }
})

test('a second place to begin is not asked for', async ({ server }) => {
  const ann = await Person.create(server.url, 'ann')
  const { cursor } = await ann.say('one')
  const line = await ann.listen(cursor)
  await line.frame('id="since"')
  line.send({ since: '0.zzzzzz' })
  await ann.say('two')
  await line.count(1)
  assert.equal(line.texts, ['two'])
})

test('each frame that carries messages carries the newest place too', async ({ server }) => {
  const ann = await Person.create(server.url, 'ann')
  const line = await here(ann)
  for (let count = 0; count < 20; count += 1) await ann.say(`text ${count}`)
  await line.count(20)
  for (const frame of line.frames.filter((frame) => frame.includes('class="message"'))) {
    const newest = [...frame.matchAll(/id="m(\d+)"/g)].at(-1)?.[1]
    assert.match(frame, new RegExp(`id="since" name="since" value="${newest}\\.\\w+"`))
    assert.match(frame, /<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z">/)
  }
})

test('what is posted by a frame reaches everyone, once for each key, whatever else is in the frame', async ({
  server,
}) => {
  const { ann, bob } = await pair(server)
  const [anns, bobs] = [await here(ann), await here(bob)]
  for (const text of ['hello', 'hello', 'other text'])
    anns.send({ text, key: 'k', headers: { 'HX-Request': 'true' }, x: 1 })
  anns.send({ text: 'without a key' })
  anns.send({ text: 'two\nlines <b>', key: 'l', since: 'ignored' })
  await Promise.all([bobs.count(3), anns.count(3)])
  assert.equal(bobs.texts, ['hello', 'without a key', 'two\nlines <b>'])
  assert.equal(anns.texts, bobs.texts)
})

test('what cannot be posted is answered with the reason, to its sender only, who may go on', async ({ server }) => {
  const { ann, bob } = await pair(server)
  const [anns, bobs] = [await here(ann), await here(bob)]
  const frames: [string, RegExp][] = [
    ['{"text":""}', /type something/],
    ['{"text":" \\n"}', /type something/],
    [JSON.stringify({ text: 'x'.repeat(4001) }), /too long/],
    [JSON.stringify({ text: 'x', key: 'k'.repeat(129) }), /key/],
    ['not JSON', /could not be read/],
    ['', /could not be read/],
    ['null', /could not be read/],
    ['[]', /could not be read/],
    ['"text"', /could not be read/],
    ['{"text":1}', /could not be read/],
    ['{"text":{"isEscaped":true}}', /could not be read/],
    ['{"since":1}', /could not be read/],
    ['{"text":"x","key":{}}', /could not be read/],
  ]
  for (const [frame, words] of frames) {
    const refused = () => anns.frames.filter((frame) => frame.includes('id="reason"'))
    const before = refused().length
    anns.socket.send(frame)
    await anns.until(() => refused().length > before)
    assert.match(
      refused()[before],
      /^<div id="reason"[^>]*role="alert"[^>]*>(<p class="refusal">)?[A-Z][^<]*\.(<\/p>)?<\/div>$/,
      frame,
    )
    assert.match(refused()[before], words)
  }
  anns.send({ text: 'hello' })
  await bobs.count(1)
  assert.equal(bobs.texts, ['hello'])
  assert.not.ok(bobs.frames.some((frame) => frame.includes('id="reason"')))
})

test('a handshake must come from this site, or with a token', async ({ server }) => {
  const ann = await Person.create(server.url, 'ann')
  const path = `${ann.room.replace(/^http/, 'ws')}/socket`
  const cookie = `parlour=${ann.token}`
  const own = server.url
  for (const origin of [
    undefined,
    'null',
    'http://evil.example',
    own.replace('http', 'https'),
    `${own}.evil.example`,
    own.replace(/:\d+$/, ':1'),
  ]) {
    const headers = { Cookie: cookie, ...(origin !== undefined && { Origin: origin }) }
    assert.is(await handshake(path, headers), 403, origin)
  }
  assert.is(await handshake(path, { Cookie: cookie, Origin: own }), 101)
  assert.is(await handshake(path, { Authorization: `Bearer ${ann.token}`, Origin: 'http://evil.example' }), 101)
  for (const other of ['Basic YTpi', `Basic ${ann.token}`, '']) {
    const headers = { Cookie: cookie, Authorization: other }
    assert.is(await handshake(path, { ...headers, Origin: 'http://evil.example' }), 403, other)
    assert.is(await handshake(path, headers), 403, other)
  }
  assert.is(await handshake(path, { Cookie: cookie, Authorization: 'Basic YTpi', Origin: own }), 101)
})

test('a token that is none opens nothing to a page elsewhere that has the cookie', async ({ server }) => {
  const ann = await Person.create(server.url, 'ann')
  const headers = { Cookie: `parlour=${ann.token}`, Origin: 'http://evil.example', Authorization: 'Bearer x' }
  const line = await Line.open(`${ann.room.replace(/^http/, 'ws')}/socket`, headers)
  assert.is(await line.closed, 1008)
})

test('an origin that was named in the settings may open sockets', async () => {
  const server = await serve({ origins: ['https://friend.example'] })
  const ann = await Person.create(server.url, 'ann')
  const path = `${ann.room.replace(/^http/, 'ws')}/socket`
  assert.is(await handshake(path, { Cookie: `parlour=${ann.token}`, Origin: 'https://friend.example' }), 101)
  assert.is(await handshake(path, { Cookie: `parlour=${ann.token}`, Origin: 'https://foe.example' }), 403)
  await server.stop()
})

test('there is no socket at another path', async ({ server }) => {
  const headers = { Origin: server.url }
  const url = server.url.replace('http', 'ws')
  for (const path of [
    '/',
    '/socket',
    '/rooms/socket',
    '/rooms/ACD-EFG-HJK',
    '/rooms/ACD-EFG-HJK/socket/',
    '/rooms/ACD-EFG-HJK/other',
    '/rooms//socket',
  ]) {
    assert.is(await handshake(url + path, headers), 404, path)
  }
})

test('whoever is refused for good is let in, told why and sent away', async ({ server }) => {
  const { ann, bob } = await pair(server)
  await bob.fetch('/leave', { method: 'POST' })
  const base = server.url.replace('http', 'ws')
  const elsewhere = await Person.create(server.url, 'ann')
  const tokens = ['', 'x', `${ann.token}x`, elsewhere.token, bob.token]
  for (const token of tokens) {
    const line = await Line.open(`${base}/rooms/${ann.code}/socket`, { Authorization: `Bearer ${token}` })
    assert.is(await line.closed, 1008)
    assert.match(line.frames.join(), /no longer in this room.*<a href="\/">/)
  }
  for (const code of ['ACD-EFG-HJK', 'nothing', '%00']) {
    const line = await Line.open(`${base}/rooms/${code}/socket`, { Origin: server.url })
    assert.is(await line.closed, 1008)
    assert.match(line.frames.join(), /room is gone.*<a href="\/">/)
  }
})

test('a code is read in a handshake as it is elsewhere, below a base path too', async () => {
  const server = await serve({ base: '/chat' })
  const ann = await Person.create(server.url, 'ann')
  const url = `ws://127.0.0.1:${server.port}`
  const headers = { Authorization: `Bearer ${ann.token}` }
  assert.is(await handshake(`${url}/chat/rooms/${ann.code.toLowerCase()}/socket?x`, headers), 101)
  assert.is(await handshake(`${url}/rooms/${ann.code}/socket`, headers), 404)
  await server.stop()
})

test('a gap is announced with its number, and the newest window follows', async () => {
  const server = await serve({ history: 5 })
  const ann = await Person.create(server.url, 'ann')
  const first = await ann.say('text 1')
  for (let count = 2; count <= 12; count += 1) await ann.say(`text ${count}`)
  const line = await ann.listen(first.cursor)
  await line.count(5)
  assert.match(line.frames.join(''), /^<li class="gap">6 messages are no longer kept\.<\/li>/)
  assert.equal(
    line.messages.map(({ seq }) => seq),
    [8, 9, 10, 11, 12],
  )
  for (const cursor of ['1.zz', '99.zz', 'rubbish', '-1', '💥', `1.${'z'.repeat(5000)}`]) {
    const lost = await ann.listen(cursor)
    await lost.count(5)
    assert.match(lost.frames.join(''), /^<li class="gap">Some messages are no longer kept\.<\/li>/, cursor)
    assert.equal(lost.messages, line.messages)
  }
  await server.stop()
})

test('whoever leaves is gone from every connection at once, and their session is worth nothing', async () => {
  // While it stands still nothing that waits for a while can happen.
  const clock = new TestClock()
  const server = await serve({ clock })
  const { ann, bob } = await pair(server)
  const anns = await here(ann)
  const sockets = [await here(bob), await here(bob), await bob.connect()]
  const streams = [
    new Stream(await bob.fetch('/events')),
    new Stream(await bob.fetch('/live', { headers: { Accept: 'text/html' } })),
  ]
  await streams[1].has('class="messages"')
  assert.is((await bob.fetch('/leave', { method: 'POST' })).status, 204)
  assert.equal(await Promise.all(sockets.map(({ closed }) => closed)), [1008, 1008, 1008])
  await Promise.all(streams.map(({ ended }) => ended))
  await ann.say('they are gone')
  await anns.count(1)
  for (const path of ['', '/messages', '/events', '/live']) assert.is((await bob.fetch(path)).status, 401, path)
  assert.is((await bob.fetch('/messages', { method: 'POST', body: 'text=x' })).status >= 400, true)
  assert.is(await (await bob.connect()).closed, 1008)
  for (const line of sockets) assert.equal(line.texts, [])
  assert.is((await Person.join(server.url, ann.code, 'bob')).name, 'bob', 'the name is free')
  const stopped = server.stop()
  await clock.pass(3000)
  await stopped
})

test('whoever keeps sending what is refused is sent away, the others talk on', async () => {
  const server = await serve({ areRatesLimited: true })
  const { ann, bob } = await pair(server)
  const [anns, bobs] = [await here(ann), await here(bob)]
  for (let count = 0; count < 200; count += 1) bobs.send({ text: `spam ${count}` })
  assert.is(await bobs.closed, 1008)
  assert.ok(bobs.frames.some((frame) => frame.includes('very quick')))
  await ann.say('hello')
  await anns.until(({ texts }) => texts.includes('hello'))
  assert.ok(anns.texts.filter((text) => text.startsWith('spam')).length <= 8)
  await server.stop()
})

test('codes cannot be tried by sockets either', async () => {
  const server = await serve({ areRatesLimited: true })
  const ann = await Person.create(server.url, 'ann')
  const url = server.url.replace('http', 'ws')
  const codes: number[] = []
  for (let count = 0; count < 12; count += 1) {
    codes.push(await (await Line.open(`${url}/rooms/ACD-EFG-HJK/socket`, { Origin: server.url })).closed)
  }
  assert.equal(codes, [...Array(10).fill(1008), 1013, 1013])
  assert.is(await (await Line.open(`${url}/rooms/${ann.code}/socket`, { Origin: server.url })).closed, 1008)
  const line = await here(ann)
  await ann.say('members are not stopped')
  await line.count(1)
  await server.stop()
})

test('what is said in one packet with the place to begin from comes back', async () => {
  const server = await serve()
  const { ann } = await pair(server)
  const line = await ann.connect()
  const wire = (line.socket as unknown as { _socket: Socket })._socket
  wire.cork()
  for (const frame of [{ since: '' }, { text: 'one' }, { text: 'two' }]) line.send(frame)
  wire.uncork()
  await line.count(2)
  assert.equal(line.texts, ['one', 'two'])
  await server.stop()
})

test('after a restart that forgot everything members come back by their tokens, and the gap is announced', async () => {
  const first = await serve()
  const { ann, bob } = await pair(first)
  const line = await here(ann)
  await ann.say('before')
  await line.count(1)
  await first.stop()
  assert.is(await line.closed, 1012)
  const second = await serve({ port: first.port })
  const [anns, bobs] = [await ann.listen(line.cursor), await bob.listen(line.cursor)]
  await Promise.all([anns.frame('class="gap"'), bobs.frame('class="gap"')])
  assert.is((await bob.say('after')).seq, 1)
  await Promise.all([anns.count(1), bobs.count(1)])
  assert.equal(anns.messages, [{ seq: 1, member: bob.id, name: 'bob', text: 'after' }])
  const page = (await (await ann.fetch('')).json()) as { room: { title: string }; members: { name: string }[] }
  assert.equal([page.room.title, page.members.map(({ name }) => name).toSorted()], ['Friday', ['ann', 'bob']])
  await second.stop()
})

test('another secret does not know them', async () => {
  const first = await serve()
  const ann = await Person.create(first.url, 'ann')
  await first.stop()
  const second = await serve({ port: first.port, secrets: ['another'] })
  assert.is(await (await ann.connect()).closed, 1008)
  assert.is((await ann.fetch('')).status, 404)
  await second.stop()
})

test('a room that is gone says so and leads home', async () => {
  const clock = new TestClock()
  const store = new MemoryStore({ history: 10, bytes: 1000, rooms: 10, clock })
  const server = await serve({ clock, store, ttl: 60_000 })
  const ann = await Person.create(server.url, 'ann')
  await ann.say('hello')
  await clock.pass(5 * 60_000)
  const line = await ann.connect()
  assert.is(await line.closed, 1008)
  assert.match(line.frames.join(), /This room is gone\. <a href="\/">/)
  assert.is((await ann.fetch('')).status, 404)
  const page = await ann.fetch('', { headers: { Accept: 'text/html' } })
  assert.match(await page.text(), /no room with this code[\s\S]*<a href="\/" target="_top">/)
  assert.is(await store.find(ann.code), undefined)
  const stopped = server.stop()
  await clock.pass(10_000)
  await stopped
})

/** Two people in a room of their own. */
async function pair(server: TestServer) {
  const ann = await Person.create(server.url, 'ann', 'Friday')
  return { ann, bob: await Person.join(server.url, ann.code, 'bob') }
}

/** A socket that has caught up. */
async function here(person: Person): Promise<Line> {
  const line = await person.listen()
  await line.frame('id="since"')
  return line
}

/** The status that a handshake is answered with. */
async function handshake(url: string, headers: Record<string, string>): Promise<number> {
  try {
    const line = await Line.open(url, headers)
    line.close()
    return 101
  } catch (error) {
    return Number(/Unexpected server response: (\d+)/.exec(String(error))?.[1])
  }
}

/** A store that says late whether somebody who was looked up already is a member. */
class LateStore extends MemoryStore {
  isLate = false
  answer = () => {}
  #asked = 0
  #held = new Promise<void>((resolve) => {
    this.answer = resolve
  })

  override async member(code: string, id: string) {
    if (this.isLate && ++this.#asked === 2) await this.#held
    return super.member(code, id)
  }
}

test.run()
