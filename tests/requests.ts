import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { errorIn, HOST, makeHouse } from './support/site.ts'

const test = suite('requests')
const { house } = makeHouse()

test('GET / has a form to make a room and one to join one', async () => {
  const response = await house.ask('/')
  assert.is(response.status, 200)
  const html = await response.text()
  assert.match(html, /<form action="\/rooms" method="post">[\s\S]*name="name"[\s\S]*name="title"[\s\S]*<\/form>/)
  assert.match(html, /<form action="\/join" method="post">[\s\S]*name="code"[\s\S]*name="name"[\s\S]*<\/form>/)
  assert.match(response.headers.get('content-type') ?? '', /^text\/html; charset=utf-8/i)
})

test('POST /rooms leads a browser into the room, with a cookie for it alone', async () => {
  const response = await house.post('/rooms', { name: 'ann', title: 'Friday' })
  assert.is(response.status, 303)
  const path = response.headers.get('location') ?? ''
  assert.match(path, /^\/rooms\/(\w{3}-){2}\w{3}$/)
  const cookie = response.headers.get('set-cookie') ?? ''
  assert.match(cookie, new RegExp(`^parlour=[\\w.-]+; Path=${path}; Max-Age=\\d+; HttpOnly; SameSite=Lax$`))
  const page = await house.ask(path, { headers: { Cookie: cookie.split(';')[0] } })
  assert.is(page.status, 200)
  assert.match(await page.text(), '<h1 dir="auto">Friday</h1>')
})

test('POST /rooms tells a program the room, the member and a token', async () => {
  const response = await house.json('/rooms', {
    method: 'POST',
    body: new URLSearchParams({ name: 'ann', title: 'Friday' }),
  })
  assert.is(response.status, 201)
  const { room, member, token } = (await response.json()) as Record<string, Record<string, string>>
  assert.equal([room.title, member.name], ['Friday', 'ann'])
  assert.type(token, 'string')
  assert.not.match(String(token), member.id)
})

test('POST /join leads into the room, however its code was typed', async () => {
  const ann = await house.open()
  const response = await house.post('/join', { code: ` ${ann.code.toLowerCase().replaceAll('-', ' ')} `, name: 'bob' })
  assert.is(response.status, 303)
  assert.is(response.headers.get('location'), ann.room)
  assert.match(response.headers.get('set-cookie') ?? '', `Path=${ann.room};`)
  const joined = await house.json('/join', {
    method: 'POST',
    body: new URLSearchParams({ code: ann.code, name: 'zoe' }),
  })
  assert.is(joined.status, 201)
  assert.equal(Object.keys((await joined.json()) as object), ['room', 'member', 'token'])
})

test('POST /join with a code that no room has shows the form again, with what was typed and why', async () => {
  for (const code of ['ACD-EFG-HJK', 'nothing <b>']) {
    const response = await house.post('/join', { code, name: 'bob "b"' })
    assert.is(response.status, 404)
    const html = await response.text()
    const reason =
      /<input id="join-code" name="code" value="([^"]*)"[^>]* aria-describedby="([\w-]+)">\s*<span id="\2"[^>]*>There is no room/
    assert.is(reason.exec(html)?.[1], code.replace('<b>', '&lt;b&gt;'))
    assert.match(html, '<input id="join-name" name="name" value="bob &quot;b&quot;"')
    assert.is(response.headers.get('set-cookie'), null)
    const answer = await house.json('/join', { method: 'POST', body: new URLSearchParams({ code, name: 'bob' }) })
    assert.is(answer.status, 404)
    assert.is(await errorIn(answer), 'room-unknown')
  }
})

test('GET /rooms/CODE is the room for a member', async () => {
  const ann = await house.open('ann', 'Friday')
  await house.join(ann.code, 'bob')
  await ann.say('hello')
  const page = await ann.ask()
  assert.is(page.status, 200)
  const html = await page.text()
  for (const words of [
    '<title>Friday',
    ann.code,
    `http://${HOST}${ann.room}`,
    '<span id="count">2</span>',
    'hello',
    `action="${ann.room}/messages"`,
    `action="${ann.room}/leave"`,
  ]) {
    assert.ok(html.includes(words), words)
  }
  const answer = await ann.json()
  assert.is(answer.status, 200)
  const { room, members } = (await answer.json()) as { room: { code: string }; members: { name: string }[] }
  assert.equal([room.code, members.map(({ name }) => name)], [ann.code, ['ann', 'bob']])
})

test('GET /rooms/CODE greets a stranger with a form for the name, and says no more of the room than its title', async () => {
  const ann = await house.open('ann', 'Friday')
  await ann.say('a secret')
  const door = await house.ask(ann.room)
  assert.is(door.status, 200)
  const html = await door.text()
  assert.match(html, `<form action="${ann.room}/members" method="post">`)
  for (const words of ['a secret', 'ann<', ann.id]) assert.not.ok(html.includes(words), words)
  const answer = await house.json(ann.room)
  assert.is(answer.status, 401)
  assert.is(await errorIn(answer), 'no-session')
})

test('whatever is below a room that is not there is not there', async () => {
  for (const path of ['', '/messages', '/events', '/live', '/write']) {
    const page = await house.ask(`/rooms/ACD-EFG-HJK${path}`)
    assert.is(page.status, 404, path)
    assert.match(await page.text(), 'There is no room with this code.')
    const answer = await house.json(`/rooms/ACD-EFG-HJK${path}`)
    assert.is(answer.status, 404, path)
    assert.is(await errorIn(answer), 'room-unknown')
  }
  for (const path of ['/members', '/messages', '/leave']) {
    assert.is((await house.post(`/rooms/ACD-EFG-HJK${path}`, { name: 'ann', text: 'x' })).status, 404, path)
  }
})

test('what is for members is not for strangers, who are told where to join', async () => {
  const ann = await house.open()
  for (const path of ['/messages', '/events', '/live', '/write']) {
    const page = await house.ask(ann.room + path)
    assert.is(page.status, 401, path)
    assert.match(await page.text(), `<a href="${ann.room}" target="_top">Join the room</a>`)
    const answer = await house.json(ann.room + path)
    assert.equal([answer.status, await errorIn(answer)], [401, 'no-session'], path)
  }
  assert.is((await house.post(`${ann.room}/messages`, { text: 'hello' })).status, 401)
  assert.equal(await ann.texts(), [])
})

test('POST /rooms/CODE/members lets somebody in at the door', async () => {
  const ann = await house.open()
  const response = await house.post(`${ann.room}/members`, { name: 'bob' })
  assert.is(response.status, 303)
  assert.is(response.headers.get('location'), ann.room)
  assert.match(response.headers.get('set-cookie') ?? '', `Path=${ann.room};`)
  const answer = await house.json(`${ann.room}/members`, { method: 'POST', body: new URLSearchParams({ name: 'zoe' }) })
  assert.is(answer.status, 201)
  const { room, member, token } = (await answer.json()) as Record<string, Record<string, string>>
  assert.equal([room.code, member.name, typeof token], [ann.code, 'zoe', 'string'])
})

test('POST /rooms/CODE/messages answers a form, htmx and a program, each in its way', async () => {
  const ann = await house.open()
  const form = await ann.post('/messages', { text: 'by form' })
  assert.equal([form.status, form.headers.get('location')], [303, ann.room])
  const fragment = await ann.post('/messages', { text: 'by htmx' }, { 'HX-Request': 'true' })
  assert.is(fragment.status, 200)
  assert.not.match(await fragment.text(), '<html')
  const answer = await ann.json('/messages', {
    method: 'POST',
    body: new URLSearchParams({ text: 'by program', key: 'k' }),
  })
  assert.is(answer.status, 201)
  const message = (await answer.json()) as Record<string, string>
  assert.equal(Object.keys(message), ['seq', 'cursor', 'key', 'member', 'name', 'text', 'at'])
  assert.equal(
    [message.seq, message.key, message.member, message.name, message.text],
    [3, 'k', ann.id, 'ann', 'by program'],
  )
  assert.match(message.cursor, /^3\.\w+$/)
  assert.match(message.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(await ann.texts(), ['by form', 'by htmx', 'by program'])
})

test('what was made says where it is', async () => {
  for (const base of ['', '/chat']) {
    const { house } = makeHouse({ base })
    const made = await house.json('/rooms', { method: 'POST', body: new URLSearchParams({ name: 'ann' }) })
    const { room, token } = (await made.json()) as { room: { code: string }; token: string }
    const path = `/rooms/${room.code}`
    assert.is(made.headers.get('location'), base + path)
    const joined = await house.json('/join', {
      method: 'POST',
      body: new URLSearchParams({ code: room.code, name: 'bob' }),
    })
    assert.is(joined.headers.get('location'), base + path)
    const entered = await house.json(`${path}/members`, { method: 'POST', body: new URLSearchParams({ name: 'zoe' }) })
    assert.is(entered.headers.get('location'), base + path)
    const own = { Authorization: `Bearer ${token}` }
    const post = { method: 'POST', body: new URLSearchParams({ text: 'hello', key: 'k' }), headers: own }
    const said = await house.json(`${path}/messages`, post)
    const [address, id] = (said.headers.get('location') ?? '').split('#')
    assert.is(address, `${base + path}/messages`)
    const list = await house.ask(address.slice(base.length), { headers: own })
    assert.match(await list.text(), new RegExp(`id="${id}"[\\s\\S]*hello`))
    assert.is((await house.json(`${path}/messages`, post)).headers.get('location'), null, 'it was made before')
  }
})

test('every time is written in one form', async () => {
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
  const ann = await house.open()
  const made = await house.json('/rooms', { method: 'POST', body: new URLSearchParams({ name: 'ann' }) })
  for (const answer of [made, await ann.json()]) {
    const { room } = (await answer.json()) as { room: { created: string } }
    assert.match(room.created, form)
  }
})

test('a proxy’s own password in Authorization leaves the session in its cookie', async () => {
  const ann = await house.open()
  const headers = { Authorization: 'Basic YTpi', Cookie: `parlour=${ann.token}` }
  assert.match(await (await house.ask(ann.room, { headers })).text(), `action="${ann.room}/messages"`)
  const json = { method: 'POST', body: '{"text":"hello"}', headers: { ...headers, 'Content-Type': 'application/json' } }
  assert.is((await house.ask(`${ann.room}/messages`, json)).status, 400, 'a page elsewhere can send this too')
  assert.equal(await ann.texts(), [])
})

test('the same key again answers the same message and stores nothing', async () => {
  const ann = await house.open()
  const post = () => ann.json('/messages', { method: 'POST', body: new URLSearchParams({ text: 'hello', key: 'k' }) })
  const [first, second] = [await post(), await post()]
  assert.equal([first.status, second.status], [201, 200])
  assert.equal(await first.json(), await second.json())
  assert.equal(await ann.texts(), ['hello'])
})

test('a plain form that is sent twice counts once, and one that goes back to say more says more', async () => {
  const ann = await house.open()
  for (const text of ['hello', 'hello', 'more'])
    assert.is((await ann.post('/messages', { text, once: 'page 1' })).status, 303)
  await ann.post('/messages', { text: 'hello', once: 'page 2' })
  assert.equal(await ann.texts(), ['hello', 'more', 'hello'])
})

test('the page to write on leads back to itself', async () => {
  const ann = await house.open()
  assert.is((await ann.ask('/write')).status, 200)
  const response = await ann.post('/messages', { text: 'hello', from: 'write' })
  assert.equal([response.status, response.headers.get('location')], [303, `${ann.room}/write#text`])
})

test('GET /rooms/CODE/messages pages through the history, oldest first', async () => {
  const ann = await house.open()
  const cursors: string[] = []
  for (let count = 1; count <= 60; count += 1) cursors.push((await ann.say(`text ${count}`)).cursor)
  const page = async (query: string) => {
    const response = await ann.json(`/messages${query}`)
    assert.is(response.status, 200, query)
    const { messages, more, gap } = (await response.json()) as {
      messages: { seq: number }[]
      more: boolean
      gap?: object
    }
    return [messages[0]?.seq, messages.at(-1)?.seq, messages.length, more, gap]
  }
  assert.equal(await page(''), [11, 60, 50, true, undefined])
  assert.equal(await page('?limit=200'), [1, 60, 60, false, undefined])
  assert.equal(await page('?limit=1000000'), [1, 60, 60, false, undefined].with(2, 60))
  assert.equal(await page(`?before=${cursors[10]}`), [1, 10, 10, false, undefined])
  assert.equal(await page(`?before=${cursors[10]}&limit=5`), [6, 10, 5, true, undefined])
  assert.equal(await page(`?after=${cursors[49]}&limit=4`), [51, 54, 4, true, undefined])
  assert.equal(await page(`?after=${cursors[59]}`), [undefined, undefined, 0, false, undefined])
  assert.equal(await page('?after=7.zzzzzz'), [1, 50, 50, true, { missed: null }])
})

test('a page of the history is a fragment for a browser, with a way to what is older', async () => {
  const ann = await house.open()
  for (let count = 1; count <= 51; count += 1) await ann.say(`text ${count}`)
  const response = await ann.ask('/messages')
  assert.is(response.status, 200)
  const html = await response.text()
  assert.not.match(html, '<html')
  assert.equal(
    [...html.matchAll(/id="m(\d+)"/g)].map(([, seq]) => Number(seq)),
    Array.from({ length: 50 }, (_, index) => index + 2),
  )
  const older = /href="([^"]*\?before=[^"]*)"/.exec(html)?.[1] as string
  const page = await house.ask(older, { headers: { Cookie: `parlour=${ann.token}` } })
  assert.is(page.status, 200)
  assert.match(await page.text(), 'id="m1"')
})

test('messages that are no longer kept are announced with their number', async () => {
  const { house } = makeHouse({ history: 5 })
  const ann = await house.open()
  const { cursor } = await ann.say('text 1')
  for (let count = 2; count <= 12; count += 1) await ann.say(`text ${count}`)
  const { gap, messages } = (await (await ann.json(`/messages?after=${cursor}`)).json()) as {
    gap: object
    messages: object[]
  }
  assert.equal([gap, messages.length], [{ missed: 6 }, 5])
  const html = await (await ann.ask(`/messages?after=${cursor}`)).text()
  assert.match(html, '<li class="gap">6 messages are no longer kept.</li>')
})

test('POST /rooms/CODE/leave leads home, and the session is worth nothing after it', async () => {
  const ann = await house.open()
  const bob = await house.join(ann.code, 'bob')
  const response = await ann.post('/leave')
  assert.equal([response.status, response.headers.get('location')], [303, '/'])
  assert.match(response.headers.get('set-cookie') ?? '', new RegExp(`^parlour=; Path=${ann.room}; Max-Age=0`))
  assert.is((await ann.post('/messages', { text: 'hello' })).status, 401)
  assert.is((await ann.json()).status, 401)
  assert.match(await (await ann.ask()).text(), `action="${ann.room}/members"`)
  assert.is((await bob.json('/leave', { method: 'POST' })).status, 204)
  assert.is((await bob.json('/leave', { method: 'POST' })).status, 401)
  assert.is((await bob.post('/leave')).status, 303, 'a browser is home either way')
})

test('GET /health says whether all is well', async () => {
  let isDraining = false
  const { house } = makeHouse({ isDraining: () => isDraining })
  const well = await house.ask('/health')
  assert.equal([well.status, await well.json()], [200, { status: 'ok' }])
  isDraining = true
  assert.is((await house.ask('/health')).status, 503)
})

test('HEAD is GET without a body', async () => {
  const ann = await house.open()
  for (const path of ['', '/messages', '/write']) {
    const response = await ann.ask(path, { method: 'HEAD' })
    assert.equal([response.status, await response.text()], [200, ''], path)
  }
  assert.is((await house.ask('/', { method: 'HEAD' })).status, 200)
  assert.is((await house.ask('/nothing', { method: 'HEAD' })).status, 404)
})

test('HEAD opens no stream that nobody reads', async () => {
  const { house, clock } = makeHouse()
  const ann = await house.open()
  const bob = await house.join(ann.code, 'bob')
  for (const path of ['/events', '/live', '/events?format=json']) {
    const response = await ann.ask(path, { method: 'HEAD' })
    assert.is(response.status, 200, path)
    assert.is(await response.text(), '')
  }
  await clock.pass(60_000)
  const { members } = (await (await bob.json()).json()) as { members: { name: string }[] }
  assert.equal(
    members.map(({ name }) => name),
    ['bob'],
  )
})

test('every answer forbids what no page of this site needs', async () => {
  const ann = await house.open()
  for (const response of [
    await house.ask('/'),
    await ann.ask(),
    await house.ask('/nothing'),
    await house.post('/rooms'),
    await ann.ask('/messages'),
  ]) {
    const { headers } = response
    assert.match(
      headers.get('content-security-policy') ?? '',
      /^default-src 'none'; ?script-src 'self'; ?style-src 'self'/,
    )
    assert.not.match(headers.get('content-security-policy') ?? '', 'unsafe')
    assert.equal([headers.get('x-content-type-options'), headers.get('referrer-policy')], ['nosniff', 'same-origin'])
    assert.match(headers.get('cache-control') ?? '', 'no-store')
  }
})

test('below a base path every address keeps it', async () => {
  const { house } = makeHouse({ base: '/chat' })
  assert.is((await house.app.request(`http://${HOST}/`)).status, 404)
  assert.is((await house.app.request(`http://${HOST}/health`)).status, 404)
  for (const path of ['', '/', '/health']) assert.is((await house.ask(path)).status, 200, path)
  const made = await house.post('/rooms', { name: 'ann' })
  const room = made.headers.get('location') ?? ''
  assert.match(room, /^\/chat\/rooms\//)
  assert.match(made.headers.get('set-cookie') ?? '', `; Path=${room};`)
  const ann = await house.open()
  for (let count = 0; count < 51; count += 1) await ann.say('http-less text')
  const pages = [
    await house.ask('/'),
    await ann.ask(),
    await house.ask(ann.room),
    await ann.ask('/write'),
    await ann.ask('/messages'),
    await house.ask('/nothing'),
    await house.ask(`${ann.room}/messages`),
  ]
  for (const page of pages) {
    const addresses = (await page.text()).matchAll(
      / (?:href|src|action|data-hx-get|data-hx-post|data-hx-ws-connect|data-hx-sse-connect)="([^"]*)"/g,
    )
    for (const [, address] of addresses) assert.match(address, /^(http:\/\/parlour\.test)?\/chat\//)
  }
  const typed = await house.ask(`${ann.room.toLowerCase()}/messages?limit=3`)
  assert.equal([typed.status, typed.headers.get('location')], [308, `/chat${ann.room}/messages?limit=3`])
  assert.is((await ann.post('/messages', { text: 'x' })).headers.get('location'), `/chat${ann.room}`)
  const left = await ann.post('/leave')
  assert.equal(
    [left.headers.get('location'), left.headers.get('set-cookie')?.includes(`Path=/chat${ann.room};`)],
    ['/chat/', true],
  )
})

test('a page from before an upgrade finds today’s files under the names it knows', async () => {
  const page = await (await house.ask('/')).text()
  const names = [...page.matchAll(/\/static\/([^"]+)"/g)].map(([, name]) => name)
  assert.ok(names.length > 0)
  for (const name of names) {
    const now = await house.ask(`/static/${name}`)
    const before = await house.ask(`/static/${name.replace(/-.{10}\./, '-abc_DEF-12.')}`)
    assert.is(before.status, 200, name)
    assert.is(await before.text(), await now.text())
    assert.is(before.headers.get('cache-control'), 'no-store')
    assert.is(before.headers.get('content-type'), now.headers.get('content-type'))
  }
  for (const name of ['other-abc_DEF-12.js', 'chat-abc_DEF-12.svg', 'chat-short.js', 'chat.js'])
    assert.is((await house.ask(`/static/${name}`)).status, 404, name)
})

test('a code that is typed in another way leads to the room’s own address, also for a form', async () => {
  const ann = await house.open()
  for (const path of ['', '/messages?limit=3']) {
    const response = await house.ask(`/rooms/${ann.code.toLowerCase().replaceAll('-', '')}${path}`)
    assert.equal([response.status, response.headers.get('location')], [308, ann.room + path])
  }
  assert.is((await house.post(`/rooms/${ann.code.toLowerCase()}/members`, { name: 'bob' })).status, 308)
})

test('nothing on the way may change or keep a stream', async () => {
  const { house } = makeHouse()
  const ann = await house.open()
  for (const path of ['/events', '/live']) {
    const response = await ann.ask(path)
    assert.is(response.headers.get('cache-control'), 'no-store, no-transform', path)
    await response.body?.cancel()
  }
})

test('a way of packing that is refused by its weight is not used', async () => {
  const { house } = makeHouse()
  const path = /"(\/static\/[^"]+\.js)"/.exec(await (await (await house.open()).ask()).text())?.[1] as string
  for (const [accepted, used] of [
    ['br;q=0, gzip', 'gzip'],
    ['br;q=0.0, gzip;q=0', null],
    ['gzip;q=0.5, br;q=0.1', 'br'],
  ] as const) {
    const response = await house.ask(path, { headers: { 'Accept-Encoding': accepted } })
    assert.is(response.headers.get('content-encoding'), used, accepted)
  }
})

test('who says something by a form is here, though they hold no connection', async () => {
  const { house, clock, site } = makeHouse()
  const ann = await house.open()
  await clock.pass(60_000)
  assert.equal(site.rooms.present(ann.code), [])
  assert.is((await ann.post('/messages', { text: 'hello' })).status, 303)
  assert.equal(
    site.rooms.present(ann.code).map(({ name }) => name),
    ['ann'],
  )
})

test('what was said is answered as said, though the store fails at once after it', async () => {
  const store = new MemoryStore({ history: 10, bytes: 1000, rooms: 10 })
  store.touch = () => Promise.reject(new Error('told to fail'))
  const { house } = makeHouse({ store })
  const ann = await house.open()
  assert.is((await ann.post('/messages', { text: 'hello' })).status, 303)
  assert.equal(await ann.texts(), ['hello'])
})

test.run()
