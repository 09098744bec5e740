import type { Server } from 'node:http'
import { serve as otherServe, upgradeWebSocket } from 'other-node-server'
import type { Browser } from 'playwright-core'
import { Server as SocketIO } from 'socket.io'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocketServer } from 'ws'
import { openStore } from '../rooms/stores/open.ts'
import { type Chat, createChat, openChat } from '../routes/chat.ts'
import { type ChatOptions, readOptions } from '../routes/options.ts'
import { CHROMIUM, launch, visit } from './support/browser.ts'
import { type Host, HOSTS, type HostKind, listen, OPTIONS, siteWith } from './support/hosts.ts'
import { Jar } from './support/jar.ts'
import { Line } from './support/line.ts'
import { say } from './support/page.ts'
import { Person } from './support/person.ts'
import { exchange } from './support/raw.ts'
import { Stream } from './support/stream.ts'
import { needing } from './support/tools.ts'

const FOREIGN = 'http://evil.example'
const OWN_HEADERS = ['content-security-policy', 'referrer-policy', 'x-content-type-options', 'cache-control']

// What they do with what carries bytes is what `node:http` does.
const ODD = ['the server of @hono/node-server', 'another copy of @hono/node-server']

const PATHS = [
  ['/', ''],
  ['/chat', '/chat'],
  ['/t/:team/chat', '/t/blue/chat'],
]

interface Mounted {
  readonly host: Host
  readonly chat: Chat
  /** What was said on standard error meanwhile. */
  readonly said: string[]
}

const test = suite<{ closing: (() => Promise<unknown>)[] }>('mounting')
const { error } = console

test.before.each((context) => {
  context.closing = []
})
test.after.each(async ({ closing }) => {
  for (const close of closing) await close()
  console.error = error
})

for (const kind of HOSTS) {
  for (const [pattern, base] of PATHS) {
    test(`on ${kind.name} a browser finds its way at ${pattern}: pages, redirects, cookies, files, streams`, async (context) => {
      const { host } = await mount(context, kind, pattern)
      const jar = new Jar(host.url)
      for (const home of base ? [base, `${base}/`] : ['/']) {
        const page = await jar.get(home)
        assert.is(page.status, 200, home)
        assert.match(await page.text(), `action="${base}/rooms"`)
      }
      const page = await jar.post(`${base}/rooms`, { name: 'ann', title: 'Friday' })
      const room = new URL(page.url).pathname
      const html = await page.text()
      assert.match(room, new RegExp(`^${base}/rooms/[^/]+$`))
      assert.match(html, '<title>Friday')
      for (const [, file] of html.matchAll(/<(?:link|script)[^>]* (?:href|src)="([^"]*)"/g)) {
        assert.ok(file.startsWith(`${base}/`), file)
        assert.is((await jar.get(file)).status, 200, file)
      }
      const [events, live] = [new Stream(await jar.get(`${room}/events`)), new Stream(await jar.get(`${room}/live`))]
      await Promise.all([events.has('event: beat'), live.has('<body')])
      assert.match(await (await jar.post(`${room}/messages`, { text: 'hello' })).text(), '>hello</p>')
      await Promise.all([events.has('>hello</p>'), live.has('>hello</p>')])
      await Promise.all([events.close(), live.close()])
      const typed = room.toLowerCase().replaceAll('-', '')
      assert.is(new URL((await jar.get(typed)).url).pathname, room, 'a code that is typed in another way')
      const left = await jar.post(`${room}/leave`, {})
      assert.is(new URL(left.url).pathname, `${base}/`)
    })

    test(`on ${kind.name} a page’s socket at ${pattern} ${kind.isWired ? 'is opened and carries' : 'is refused at once'}`, async (context) => {
      const { host, chat, said } = await mount(context, kind, pattern)
      const jar = new Jar(host.url)
      const room = new URL((await jar.post(`${base}/rooms`, { name: 'ann' })).url).pathname
      const socket = `${host.url.replace('http', 'ws')}${room}/socket`
      const own = { Cookie: jar.cookiesFor(`${room}/socket`), Origin: host.url }
      if (!kind.isWired) {
        assert.match(String(await Line.open(socket, own).catch(String)), '426')
        assert.is(said.length, 1)
        return
      }
      assert.match(String(await Line.open(socket, { ...own, Origin: FOREIGN }).catch(String)), '403')
      assert.match(String(await Line.open(socket, { Cookie: own.Cookie }).catch(String)), '403')
      const stranger = await Line.open(socket, { Origin: host.url })
      assert.is(await stranger.closed, 1008)
      assert.match(stranger.frames.join(), `<a href="${base}/">`)
      const line = await Line.open(socket, own)
      line.send({ since: '' })
      await line.frame('id="since"')
      line.send({ text: 'hello', key: 'k1', headers: {} })
      await line.count(1)
      await jar.post(`${room}/messages`, { text: 'by a form' })
      await line.count(2)
      assert.equal(line.texts, ['hello', 'by a form'])
      await chat.drain()
      assert.is(await line.closed, 1012)
      assert.match(String(await Line.open(socket, own).catch(String)), '503')
      assert.equal(
        said.map((line) => JSON.parse(line).event),
        ['origin-refused'],
      )
    })
  }

  test(`on ${kind.name} nothing of the chat’s touches what is the host’s`, async (context) => {
    for (const [pattern, base] of PATHS) {
      const { host } = await mount(context, kind, pattern)
      const posted = { method: 'POST', headers: { Origin: FOREIGN } }
      const answers: [string, RequestInit, number, string][] = [
        ['/host', {}, 200, 'the host’s'],
        ['/host', posted, 200, 'posted to the host'],
        ['/nothing', posted, 404, 'nothing of the host’s'],
        [`${base}/nothing`, {}, 404, 'nothing of the host’s'],
        [`${base}/rooms/x/y/z`, posted, 404, 'nothing of the host’s'],
      ]
      for (const [path, init, status, text] of answers) {
        const response = await fetch(host.url + path, init)
        assert.equal([path, response.status, await response.text()], [path, status, text])
        assert.is(response.headers.get('x-host'), 'yes')
        for (const name of OWN_HEADERS) assert.is(response.headers.get(name), null, `${path} ${name}`)
      }
      assert.is((await fetch(`${host.url}${base}/rooms`, posted)).status, 403)
    }
  })

  test(`on ${kind.name} double slashes and encoded dots around a mount lead to the host, and nobody away`, async (context) => {
    const { host } = await mount(context, kind, '/chat')
    const jar = new Jar(host.url)
    const room = new URL((await jar.post('/chat/rooms', { name: 'ann' })).url).pathname
    const code = room.split('/').at(-1)
    const targets = [
      `//chat${room.slice('/chat'.length)}`,
      `//evil.example/chat/rooms/${code}`,
      `/chat//rooms/${code}`,
      `/chat/%2e%2e/rooms/${code}`,
      `/chat/../rooms/${code}`,
      `/%2e%2e/nothing/`,
      `/chat%2frooms/${code}`,
      `/chat/rooms/%2e%2e/%2e%2e/%2e%2e/nothing`,
      `//evil.example/%2f..`,
      '//',
      '/chat/.%2e/',
    ]
    for (const target of targets) {
      const answer = await exchange(
        host.url,
        `GET ${target} HTTP/1.1\r\nHost: ${new URL(host.url).host}\r\nConnection: close\r\n\r\n`,
      )
      assert.match(answer, /^HTTP\/1\.1 (200|308|4\d\d) /, target)
      assert.not.match(answer, /^location: *(\/\/|https?:)/im, target)
      assert.not.match(answer, /an error of the host/, target)
    }
  })

  test(`on ${kind.name} a mount path may hold signs that mean something elsewhere`, async (context) => {
    for (const path of ['/a.b', '/a+b', '/(chat)', '/$chat', '/[chat]', '/^chat', '/ch@t!', '/caf%C3%A9']) {
      const { host } = await mount(context, kind, decodeURI(path))
      const jar = new Jar(host.url)
      const page = await jar.post(`${path}/rooms`, { name: 'ann' })
      assert.is(page.status, 200, path)
      const room = new URL(page.url).pathname
      // Node 26 escapes `^` in a path, as the URL standard has it today, and Node 20 does not.
      assert.ok(room.startsWith(`${new URL(path, host.url).pathname}/rooms/`), room)
      const other = path.replace(/[^\w/]/, 'x')
      assert.is((await jar.get(`${other}/`)).status, 404, other)
      if (!kind.isWired) continue
      const own = { Cookie: jar.cookiesFor(`${room}/socket`), Origin: host.url }
      const line = await Line.open(`${host.url.replace('http', 'ws')}${room}/socket`, own)
      line.send({ since: '' })
      await line.frame('id="since"')
      line.close()
    }
  })

  if (!kind.isWired) continue

  test(`on ${kind.name} a socket ends with the code that says why`, async (context) => {
    const { host } = await mount(context, kind, '/chat', { rateLimits: true })
    const ann = await Person.create(`${host.url}/chat`, 'ann')
    const ends: [number, (line: Line) => void][] = [
      [1009, ({ socket }) => socket.send(JSON.stringify({ text: 'x'.repeat(16 * 1024) }))],
      [1009, ({ socket }) => socket.send(JSON.stringify({ text: 'ü'.repeat(8 * 1024) }))],
      [1003, ({ socket }) => socket.send(new Uint8Array([1, 2, 3]))],
      [1008, (line) => Array.from({ length: 130 }).forEach(() => line.send({}))],
    ]
    for (const [code, act] of ends) {
      const line = await ann.listen()
      await line.frame('id="since"')
      act(line)
      assert.is(await line.closed, code)
    }
    const [line, bob] = [await ann.listen(), await Person.join(`${host.url}/chat`, ann.code, 'bob')]
    const other = await bob.listen()
    await other.frame('id="since"')
    await ann.fetch('/leave', { method: 'POST' })
    assert.is(await line.closed, 1008)
    await other.frame('left')
  })

  test(`on ${kind.name} the oldest of seventeen sockets gives way, and what cannot be read is refused in words`, async (context) => {
    const { host } = await mount(context, kind, '/chat')
    const ann = await Person.create(`${host.url}/chat`, 'ann')
    const lines: Line[] = []
    for (let index = 0; index < 17; index += 1) {
      lines.push(await ann.listen())
      await lines[index].frame('id="since"')
    }
    assert.is(await lines[0].closed, 1013)
    const last = lines[16]
    last.socket.send('not JSON')
    await last.frame('could not be read')
    last.send({ text: 'x'.repeat(5000) })
    await last.frame('too long')
    await ann.say('hello')
    await Promise.all(lines.slice(1).map((line) => line.count(1)))
  })

  if (!ODD.includes(kind.name)) {
    test(`on ${kind.name} a reader that takes nothing is cut off at a mebibyte, and holds nobody up`, async (context) => {
      const { host } = await mount(context, kind, '/chat', {}, 1)
      const ann = await Person.create(`${host.url}/chat`, 'ann')
      const line = await ann.listen()
      const slow = await (await Person.join(`${host.url}/chat`, ann.code, 'slow')).listen()
      await Promise.all([slow.frame('id="since"'), line.frame('>2</span>')])
      slow.socket.pause()
      const text = 'x'.repeat(4000)
      while (!isAlone(line)) {
        const { length } = line.messages
        assert.ok(length < 20_000, 'somebody who takes nothing is still there')
        for (let index = 0; index < 20; index += 1) line.send({ text })
        await line.count(length + 20)
      }
      slow.socket.terminate()
    })
  }
}

test('a chat stands beside Socket.IO, sockets of `ws` and those of the host’s own copy of the Node server', async (context) => {
  const said = listenToErrors()
  const chat = createChat({ rateLimits: false })
  const site = siteWith({ '/chat': chat })
  site.get(
    '/own',
    upgradeWebSocket(() => ({ onOpen: (_, socket) => socket.send('of the host’s copy') })),
  )
  const websocket = { server: new WebSocketServer({ noServer: true }) }
  const server = otherServe({ fetch: site.fetch, hostname: '127.0.0.1', port: 0, websocket, ...OPTIONS }) as Server
  const io = new SocketIO(server)
  const plain = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (chat.upgrade(request, socket, head)) return
    if (request.url === '/plain') plain.handleUpgrade(request, socket, head, (ws) => ws.send('of ws'))
  })
  const host = await listen(server)
  context.closing.push(() => chat.drain())
  context.closing.push(() => io.close())
  const ann = await Person.create(`${host.url}/chat`, 'ann')
  const line = await ann.listen()
  const socket = host.url.replace('http', 'ws')
  const others = [
    ['/plain', 'of ws'],
    ['/own', 'of the host’s copy'],
    ['/socket.io/?EIO=4&transport=websocket', '"sid"'],
  ]
  for (const [path, words] of others) {
    const other = await Line.open(socket + path, {})
    await other.frame(words)
    other.close()
    await other.closed
  }
  await line.frame('id="since"')
  await ann.say('hello')
  await line.count(1)
  assert.equal([line.texts, said], [['hello'], []])
})

test('two chats on one server share nothing, and without `upgrade` each says once what to add', async (context) => {
  const kind = HOSTS.find(({ isWired }) => !isWired) as HostKind
  const said = listenToErrors()
  const chats = { '/one': createChat({ rateLimits: false }), '/two': createChat({ rateLimits: false }) }
  const host = await kind.start(siteWith(chats), Object.values(chats))
  for (const chat of Object.values(chats)) context.closing.push(() => chat.drain())
  context.closing.push(() => host.stop())
  for (const path of ['/one', '/two', '/one', '/two']) {
    const ann = await Person.create(host.url + path, 'ann')
    assert.match(String(await ann.connect().catch(String)), '426')
    const stream = new Stream(await fetch(`${ann.room}/events`, { headers: { Cookie: `parlour=${ann.token}` } }))
    await stream.has('event: beat')
    await stream.close()
  }
  assert.is(said.length, 2)
  for (const line of said) {
    assert.match(line, "server.on('upgrade', (request, socket, head) => chat.upgrade(request, socket, head)")
    assert.not.match(line, '\n')
  }
})

test('a program that reads events of a chat without sockets is nobody who misses them', async (context) => {
  const { host, said } = await mount(context, HOSTS[0], '/chat')
  const ann = await Person.create(`${host.url}/chat`, 'ann')
  const stream = new Stream(await ann.fetch('/events'))
  await stream.has(':')
  await stream.close()
  assert.is((await ann.fetch('/socket')).status, 426)
  assert.equal(said, [])
})

const withBrowser = needing(CHROMIUM, test)
let browser: Browser | undefined

for (const kind of HOSTS.filter(({ name }) => !ODD.includes(name))) {
  withBrowser(`on ${kind.name} a page goes live at /t/x/chat, with a slash at the end and without`, async (context) => {
    browser ??= await launch()
    const { host } = await mount(context, kind, '/t/:team/chat')
    for (const home of ['/t/x/chat', '/t/x/chat/']) {
      const page = await visit(browser)
      await page.goto(host.url + home)
      await page.fill('form[action$="/rooms"] [name=name]', 'ann')
      await page.click('form[action$="/rooms"] button')
      await page.waitForSelector('#status:text-is("Connected")')
      const bob = await Person.join(`${host.url}/t/x/chat`, new URL(page.url()).pathname.split('/').at(-1) ?? '', 'bob')
      await bob.say('hello')
      await page.waitForSelector('#m1:has-text("hello")')
      await say(page, 'welcome')
      await page.waitForSelector('#m2:has-text("welcome")')
      assert.equal(page.problems, [])
      await page.context().close()
    }
  })
}

test.after(async () => {
  await browser?.close()
})

test.run()

/**
 * A host with one chat.
 * @param grace milliseconds in which somebody without a connection has not left
 */
async function mount(
  context: { closing: (() => Promise<unknown>)[] },
  kind: HostKind,
  pattern: string,
  options: ChatOptions = {},
  grace?: number,
): Promise<Mounted> {
  const said = listenToErrors()
  const chat = makeChat({ rateLimits: false, ...options }, grace)
  const host = await kind.start(siteWith({ [pattern]: chat }), [chat])
  context.closing.push(async () => {
    await chat.drain()
    await host.stop()
  })
  return { host, chat, said }
}

function makeChat(options: ChatOptions, grace?: number): Chat {
  if (grace === undefined) return createChat(options)
  const settings = readOptions(options)
  return openChat({ ...settings, store: openStore(settings.store, settings), grace })
}

/** Whether nobody else is here, as far as a line was told. */
function isAlone({ frames }: Line): boolean {
  return frames.findLast((frame) => frame.includes('id="count"'))?.includes('>1</span>') ?? false
}

function listenToErrors(): string[] {
  const said: string[] = []
  console.error = (...words: unknown[]) => void said.push(words.join(' '))
  return said
}
