import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { type Chat, createChat } from '../routes/chat.ts'
import { readOptions } from '../routes/options.ts'
import { SettingsError } from '../routes/reading.ts'
import { readSettings } from '../routes/settings.ts'
import { Line } from './support/line.ts'
import { Person } from './support/person.ts'
import { exchange } from './support/raw.ts'

const SECRET = 'a secret of the tests'
const FOREIGN = 'http://evil.example'

interface Host {
  readonly url: string
  /** Handshakes that no chat took. */
  readonly refused: string[]
}

const test = suite<{ closing: (() => Promise<unknown>)[] }>('chat')

test.before.each((context) => {
  context.closing = []
})
test.after.each(async ({ closing }) => {
  for (const close of closing) await close()
})

for (const [pattern, path] of [
  ['/chat', '/chat'],
  ['/chat/', '/chat'],
  ['/t/:team/chat', '/t/blue/chat'],
  ['/t/:team/chat', '/t/caf%C3%A9;x,y/chat'],
  ['/*/chat', '/anything/chat'],
  ['/', ''],
]) {
  const base = path.replaceAll(';', '%3B')

  test(`mounted at ${pattern}, a room below ${path || '/'} is made, entered and spoken in`, async (context) => {
    const { url } = await serve(context, { [pattern]: make(context) })
    for (const home of pattern.endsWith('/') ? [`${path}/`] : [path, `${path}/`]) {
      const page = await fetch(url + home)
      assert.is(page.status, 200, home)
      assert.match(await page.text(), `action="${base}/rooms"`)
    }
    const made = await post(`${url}${path}/rooms`, { name: 'ann', title: 'Friday' })
    const room = made.headers.get('location') ?? ''
    const cookie = made.headers.get('set-cookie') ?? ''
    assert.is(made.status, 303)
    assert.ok(room.startsWith(`${base}/rooms/`), room)
    assert.ok(cookie.includes(`; Path=${room};`), cookie)
    const Cookie = cookie.split(';')[0]
    const page = await (await fetch(url + room, { headers: { Cookie } })).text()
    assert.match(page, '<title>Friday')
    for (const [, address] of page.matchAll(/ (?:href|src|action|data-(?:hx-ws-connect|later))="([^"]*)"/g))
      assert.ok(address.replace(url, '').startsWith(`${base}/`), address)
    const script = /<script src="([^"]*)"/.exec(page)?.[1]
    assert.is((await fetch(url + script)).status, 200)
    const line = await Line.open(`${url.replace('http', 'ws')}${room}/socket`, { Cookie, Origin: url })
    line.send({ since: '' })
    await line.frame('id="since"')
    assert.is((await post(`${url}${room}/messages`, { text: 'hello' }, { Cookie })).headers.get('location'), room)
    await line.count(1)
    assert.equal(line.texts, ['hello'])
    const left = await post(`${url}${room}/leave`, {}, { Cookie })
    assert.is(left.headers.get('location'), `${base}/`)
    assert.is(await line.closed, 1008)
    assert.match(line.frames.join(), `<a href="${base}/">`)
  })
}

test('nothing of the chat’s runs for what is the host’s, wherever the chat is mounted', async (context) => {
  for (const [mount, path] of [
    ['/chat', '/chat'],
    ['/', ''],
  ]) {
    const { url } = await serve(context, { [mount]: make(context) })
    const none = await fetch(`${url}${path}/nothing`)
    const file = await fetch(`${url}${path}/static/host.css`)
    const posted = await post(`${url}/host`, {}, { Origin: FOREIGN })
    for (const response of [none, file, posted]) {
      for (const header of ['content-security-policy', 'referrer-policy', 'x-content-type-options', 'cache-control'])
        assert.is(response.headers.get(header), null, `${response.url} ${header}`)
      assert.is(response.headers.get('x-host'), 'yes')
    }
    assert.equal([none.status, await none.text()], [404, 'nothing of the host’s'])
    assert.equal([file.status, await file.text()], [200, 'a file of the host’s'])
    assert.equal([posted.status, await posted.text()], [200, 'posted to the host'])
    assert.is((await fetch(`${url}/host`, { method: 'DELETE' })).status, 404)
    assert.is((await fetch(`${url}/broken`)).status, 418)
    const made = await post(`${url}${path}/rooms`, { name: 'ann' }, { Origin: FOREIGN })
    assert.equal([made.status, made.headers.has('content-security-policy')], [403, true])
    assert.is((await fetch(`${url}${path}/rooms`, { method: 'DELETE' })).headers.get('allow'), 'POST')
  }
})

test('what fails in the chat is answered by the chat', async (context) => {
  const store = new MemoryStore({ history: 5, bytes: 1000, rooms: 10 })
  store.create = () => Promise.reject(new Error('a store that fails'))
  const { url } = await serve(context, { '/chat': make(context, { store }) })
  const { error } = console
  console.error = () => {}
  const response = await fetch(`${url}/chat/rooms`, {
    method: 'POST',
    body: new URLSearchParams({ name: 'ann' }),
    headers: { Accept: 'application/json' },
  })
  console.error = error
  assert.ok(response.status >= 500 && response.status !== 418)
  assert.type(((await response.json()) as { error: { code: string } }).error.code, 'string')
})

test('two chats in one process share neither rooms nor sessions nor sockets', async (context) => {
  const [one, other] = [make(context), make(context)]
  const { url, refused } = await serve(context, { '/one': one, '/other': other })
  const ann = await Person.create(`${url}/one`, 'ann')
  const elsewhere = await fetch(`${url}/other/rooms/${ann.code}`, { headers: { Authorization: `Bearer ${ann.token}` } })
  assert.is(elsewhere.status, 404)
  const bob = await Person.create(`${url}/other`, 'bob')
  const [anns, bobs] = [await ann.listen(), await bob.listen()]
  await Promise.all([ann.say('in one'), bob.say('in the other')])
  await Promise.all([anns.count(1), bobs.count(1)])
  assert.equal([anns.texts, bobs.texts], [['in one'], ['in the other']])
  await one.drain()
  assert.is(await anns.closed, 1012)
  await bob.say('still here')
  await bobs.count(2)
  assert.equal(refused, [])
})

test('a chat takes no handshake but its own, and touches nothing of the others', async (context) => {
  const chat = make(context, { basePath: '/chat' })
  const { url, refused } = await serve(context, { '/chat': chat })
  const ann = await Person.create(`${url}/chat`, 'ann')
  const upgrade = (path: string, protocol = 'websocket') =>
    exchange(url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`)
  const others = [
    '/host',
    `/rooms/${ann.code}/socket`,
    `/other/rooms/${ann.code}/socket`,
    '/chat',
    '/chat/socket',
    '//',
  ]
  for (const path of others) assert.match(await upgrade(path), /^HTTP\/1\.1 418 .*host/s, path)
  assert.match(await upgrade(`/chat/rooms/${ann.code}/socket`, 'h2c'), /^HTTP\/1\.1 418 /)
  assert.is(refused.length, others.length + 1)
  assert.match(await upgrade(`/chat/rooms/${ann.code}/socket`), /^HTTP\/1\.1 403 /)
})

test('where the host ends TLS itself, a page’s own origin is one of https', async (context) => {
  const chat = make(context)
  const { url } = await serve(context, { '/chat': chat }, (socket) => Object.assign(socket, { encrypted: true }))
  const ann = await Person.create(`${url}/chat`, 'ann')
  const socket = `${ann.room.replace('http', 'ws')}/socket`
  const Cookie = `parlour=${ann.token}`
  assert.match(String(await Line.open(socket, { Cookie, Origin: url }).catch(String)), '403')
  const line = await Line.open(socket, { Cookie, Origin: url.replace('http', 'https') })
  line.close()
  await line.closed
})

test('after a restart pages come back to their chat before anybody asked it for anything', async (context) => {
  const store = new MemoryStore({ history: 5, bytes: 1000, rooms: 10 })
  const before = await serve(context, { '/t/:team/chat': make(context, { store, secret: SECRET }) })
  const ann = await Person.create(`${before.url}/t/blue/chat`, 'ann')
  const other = make(context, { secret: 'another secret of the tests' })
  const chats = { '/other': other, '/t/:team/chat': make(context, { store, secret: SECRET }) }
  const { url, refused } = await serve(context, chats)
  const socket = `${url.replace('http', 'ws')}/t/blue/chat/rooms/${ann.code}/socket`
  const line = await Line.open(socket, { Cookie: `parlour=${ann.token}`, Origin: url })
  line.send({ since: '' })
  await line.frame('id="since"')
  assert.equal(refused, [])
  await Line.open(socket, { Origin: url }).catch(() => {})
  assert.is(refused.length, 1, 'a stranger’s handshake could be anybody’s')
  await fetch(`${url}/t/red/chat/health`)
  assert.is(await (await Line.open(socket, { Origin: url })).closed, 1008)
  await Line.open(socket.replace('/chat/', '/other/'), { Cookie: `parlour=${ann.token}`, Origin: url }).catch(() => {})
  assert.is(refused.length, 2, 'a path that is no mount of the chat’s')
})

test('two chats with one secret and a path each take their own handshakes, right after a restart too', async (context) => {
  const chats = () => ({
    '/one': make(context, { secret: SECRET, basePath: '/one' }),
    '/other': make(context, { secret: SECRET, basePath: '/other' }),
  })
  const before = await serve(context, chats())
  const bob = await Person.create(`${before.url}/other`, 'bob')
  const after = chats()
  const { url, refused } = await serve(context, after)
  const Cookie = `parlour=${bob.token}`
  const line = await Line.open(`${url.replace('http', 'ws')}/other/rooms/${bob.code}/socket`, { Cookie, Origin: url })
  line.send({ since: '' })
  await line.frame('id="since"')
  const shown = (path: string) => after[path as keyof typeof after].app.request(`/rooms/${bob.code}`)
  assert.equal([(await shown('/one')).status, (await shown('/other')).status, refused.length], [404, 200, 0])
})

test('a chat that drains says goodbye, takes no more, and lets go of its store once', async (context) => {
  const store = new MemoryStore({ history: 5, bytes: 1000, rooms: 10 })
  let closed = 0
  store.close = async () => {
    closed += 1
  }
  const chat = make(context, { store })
  const { url } = await serve(context, { '/chat': chat })
  const ann = await Person.create(`${url}/chat`, 'ann')
  const line = await ann.listen()
  await line.frame('id="since"')
  const draining = chat.drain()
  assert.is(chat.drain(), draining)
  assert.is(await line.closed, 1012)
  await draining
  assert.is(closed, 1)
  assert.is((await fetch(`${url}/chat/health`)).status, 503)
  assert.is((await ann.fetch('/messages', { method: 'POST', body: new URLSearchParams({ text: 'x' }) })).status, 503)
  assert.is((await ann.fetch('/events')).status, 503)
  const late = await Line.open(line.socket.url, { Authorization: `Bearer ${ann.token}` }).catch(String)
  assert.match(String(late), '503')
  assert.is((await fetch(`${url}/host`, { method: 'POST' })).status, 200)
})

test('a chat that has drained says that it will be back, and never that a room is gone', async (context) => {
  const chat = make(context, { secret: SECRET })
  const { url } = await serve(context, { '/chat': chat })
  const ann = await Person.create(`${url}/chat`, 'ann')
  await ann.say('hello')
  await chat.drain()
  const { error } = console
  console.error = () => assert.unreachable('a chat that has drained complains')
  for (const path of ['', '/messages', '/messages?after=1.x', '/events', '/live', '/write', '/leave', '/members'])
    for (const method of ['GET', 'POST']) {
      const body = method === 'POST' ? new URLSearchParams({ name: 'bob', text: 'late' }) : undefined
      const { status, headers } = await ann.fetch(path, { method, body })
      if (status !== 405) assert.equal([path, status, headers.has('retry-after')], [path, 503, true])
    }
  for (const path of ['/rooms', '/join'])
    assert.is((await post(`${url}/chat${path}`, { name: 'bob', code: ann.code })).status, 503)
  console.error = error
})

test('an option that cannot be is refused in the words of the setting', () => {
  const wrong: [Record<string, unknown>, Record<string, string>][] = [
    [{ secret: 'short' }, { SECRET: 'short' }],
    [{ store: 'mysql://x' }, { STORE: 'mysql://x' }],
    [{ store: {} }, { STORE: '[object Object]' }],
    [{ store: null }, { STORE: 'null' }],
    [{ history: 0 }, { HISTORY: '0' }],
    [{ history: 1.5 }, { HISTORY: '1.5' }],
    [{ secret: {} }, { SECRET: 'short' }],
    [{ roomTtl: 'soon' }, { ROOM_TTL: 'soon' }],
    [{ origins: ['example.org'] }, { ORIGINS: 'example.org' }],
    [{ rateLimits: 'maybe' }, { RATE_LIMITS: 'maybe' }],
    [{ basePath: '/t/:team' }, { BASE_PATH: '/t/:team' }],
  ]
  for (const [options, settings] of wrong) {
    const said = sentence(() => readSettings([], settings))
    assert.match(said, Object.keys(settings)[0])
    assert.is(
      sentence(() => createChat(options)),
      said,
    )
  }
  const left = Object.keys(wrong.reduce((all, [options]) => ({ ...all, ...options }), {})).map((name) => [
    name,
    undefined,
  ])
  assert.not.throws(() => readOptions(Object.fromEntries(left)))
  assert.equal([readOptions({ basePath: undefined }).base, readOptions({ basePath: '/' }).base], [undefined, ''])
  for (const name of ['port', 'secrets', 'room_ttl'])
    assert.match(
      sentence(() => createChat({ [name]: 'x' })),
      `“${name}”`,
    )
})

test.run()

function make(context: { closing: (() => Promise<unknown>)[] }, options: Parameters<typeof createChat>[0] = {}): Chat {
  const chat = createChat({ rateLimits: false, ...options })
  context.closing.unshift(() => chat.drain())
  return chat
}

/**
 * A site of somebody else's with chats in it.
 * @param prepare what is done to a socket before a chat is asked about it
 */
async function serve(
  context: { closing: (() => Promise<unknown>)[] },
  chats: Readonly<Record<string, Chat>>,
  prepare: (socket: Duplex) => void = () => {},
): Promise<Host> {
  const host = new Hono()
  host.use(async (c, next) => {
    c.header('X-Host', 'yes')
    await next()
  })
  for (const [path, { app }] of Object.entries(chats)) host.route(path, app)
  host.get('/broken', () => {
    throw new Error('of the host’s')
  })
  host.post('/host', (c) => c.text('posted to the host'))
  for (const path of ['/static/*', '/chat/static/*']) host.get(path, (c) => c.text('a file of the host’s'))
  host.notFound((c) => c.text('nothing of the host’s', 404))
  host.onError((_, c) => c.text('an error of the host’s', 418))
  const refused: string[] = []
  const server = createServer(getRequestListener(host.fetch))
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head) => {
    prepare(socket)
    if (Object.values(chats).some((chat) => chat.upgrade(request, socket, head))) return
    assert.is(socket.listenerCount('error') + socket.listenerCount('close'), 0)
    refused.push(request.url ?? '')
    socket.end('HTTP/1.1 418 No\r\nConnection: close\r\n\r\nfrom the host')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.closing.push(() => stop(server))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, refused }
}

function stop(server: Server): Promise<unknown> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(resolve))
}

function post(url: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual', headers })
}

/** What somebody is told whose setting cannot be. */
function sentence(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof SettingsError) return error.message
    throw error
  }
  return ''
}
