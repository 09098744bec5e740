import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { cookieScope, isLoopback, originsOf } from '../routes/guard/frame.ts'
import { Handovers } from '../routes/guard/handover.ts'
import { Sessions } from '../routes/guard/session.ts'
import { readSettings } from '../routes/settings.ts'
import { isPublicSuffix } from '../routes/suffix.ts'
import { TestClock } from './support/clock.ts'
import { withOutage } from './support/outage.ts'
import { Person } from './support/person.ts'
import { Raw } from './support/raw.ts'
import { serve } from './support/server.ts'
import { escaped, type Guest, HOST, makeHouse } from './support/site.ts'

const SITES = ['https://example.org', 'https://*.example.net:8443']
const CROSSING = 'SameSite=None; Secure; Partitioned'
const HTTPS = { 'X-Forwarded-Proto': 'https' }
const IN_FRAME = { ...HTTPS, 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': 'same-origin' }
// The proxy before it ends TLS.
const FRAMABLE = { frameOrigins: SITES, trustedProxies: ['loopback'], peer: '127.0.0.1' }
const HOUR_MS = 60 * 60 * 1000

const test = suite('framing')
const read = (value: string) => readSettings([], { FRAME_ORIGINS: value }).frameOrigins

test('sites are read in the ways that people write them, and kept as browsers write origins', () => {
  assert.equal(read(''), [])
  assert.equal(read(' HTTPS://Example.ORG:443 ,https://example.org,http://localhost:3000,'), [
    'https://example.org',
    'http://localhost:3000',
  ])
  assert.equal(read('https://*.Example.NET:8443,http://example.org:80,https://bücher.example'), [
    'https://*.example.net:8443',
    'http://example.org',
    'https://xn--bcher-kva.example',
  ])
  assert.equal(read('https://*.parlour.github.io,https://*.www.ck,https://*.city.kobe.jp').length, 3)
})

test('what cannot be a site is named, and so is what to do', () => {
  const wrong: Record<string, string> = {
    'https://example.org/': 'write https://example.org.',
    'https://example.org.': 'write https://example.org.',
    'https://*.Example.org.:8443': 'write https://*.example.org:8443.',
    'https://example.org/page': 'leave out what follows',
    'https://example.org?x': 'leave out what follows',
    'https://ann:secret@example.org': 'leave the name before the @ out',
    'ftp://example.org': 'it has to begin with https:// or http://',
    'example.org': 'it has to begin with https:// or http://',
    '*': 'it has to begin with https:// or http://',
    null: 'it has to begin with https:// or http://',
    'https://*': 'a star can only be',
    'https://a.*.org': 'a star can only be',
    'https://*a.example.org': 'a star can only be',
    'https://*.*.example.org': 'a star can only be',
    'https://example.org:*': 'a star can only be',
    'https://*.com': 'a name of two parts',
    'https://*.localhost': 'a name of two parts',
    'https://*.127.0.0.1': 'a name of two parts',
    'https://*.co.uk': 'below co.uk anybody can have a site',
    'https://*.github.io': 'below github.io anybody can have a site',
    'https://*.compute.amazonaws.com': 'anybody can have a site',
    'https://*.foo.ck': 'anybody can have a site',
    'https://[::1]:8443': 'write its name',
    'https://a;sandbox': 'write its name',
    "https://a'b.example": 'write its name',
    'https://example..org': 'write its name',
    'https://a b': 'that is no site',
    'https://': 'that is no site',
    'https://example.org:99999': 'that is no site',
  }
  for (const [item, advice] of Object.entries(wrong)) {
    const list = `https://a.example,${item}`
    assert.throws(
      () => read(list),
      ({ message }: Error) => message.includes(`“${item}”`) && message.includes(advice),
      item,
    )
  }
  const many = Array.from({ length: 101 }, (_, index) => `https://a${index}.example`)
  assert.is(read(many.slice(1).join(',')).length, 100)
  assert.throws(() => read(many.join(',')), /at most 100 sites/)
})

test('of names that look like public suffixes only those are taken for one that are', () => {
  for (const host of [
    'com',
    'co.uk',
    'github.io',
    'blogspot.com',
    'vercel.app',
    'x.kobe.jp',
    'anything.ck',
    'xn--p1ai',
  ])
    assert.ok(isPublicSuffix(host), host)
  for (const host of ['example.com', 'example.co.uk', 'ann.github.io', 'www.ck', 'city.kobe.jp', 'o.uk', 'ithub.io'])
    assert.not(isPublicSuffix(host), host)
})

test('the sites that are named may frame every page, and nobody else may', async () => {
  const policies = async (frameOrigins: string[]) => {
    const { house } = makeHouse({ ...FRAMABLE, frameOrigins })
    const ann = await house.open()
    const answers = [await ann.ask(), await ann.ask('/live'), await ann.ask('/write'), await house.ask('/nothing')]
    return answers.map(({ headers }) => /frame-ancestors [^;]*/.exec(headers.get('content-security-policy') ?? '')?.[0])
  }
  assert.equal(new Set(await policies([])), new Set(["frame-ancestors 'self'"]))
  assert.equal(
    new Set(await policies(SITES)),
    new Set(["frame-ancestors 'self' https://example.org https://*.example.net:8443"]),
  )
})

test('only those sites are taken for the origin of a post or a handshake', async () => {
  const origins = originsOf(['https://other.example'], SITES)
  const allowed = [
    'https://other.example',
    'https://example.org',
    'https://a.example.net:8443',
    'https://a.b.example.net:8443',
  ]
  const refused = [
    ...['https://example.net:8443', 'https://a.example.net', 'http://a.example.net:8443', 'https://a.example.org'],
    ...[
      'https://badexample.net:8443',
      'https://.example.net:8443',
      'https://evil.com/.example.net:8443',
      'https://*',
      '',
    ],
    ...['https://evil.com#.example.net:8443', 'https://example.org.', 'https://a.example.net:84430', 'null'],
  ]
  for (const origin of allowed) assert.ok(origins.has(origin), origin)
  for (const origin of refused) assert.not(origins.has(origin), origin)
  const { house } = makeHouse({ ...FRAMABLE })
  const ann = await house.open()
  assert.is((await ann.post('/messages', { text: 'x' }, { Origin: 'https://a.example.net:8443' })).status, 303)
  assert.is((await ann.post('/messages', { text: 'x' }, { Origin: 'https://example.net:8443' })).status, 403)
  const server = await serve({ frameOrigins: SITES })
  const { code, token } = await Person.create(server.url, 'ann')
  for (const [origin, status] of [
    ['https://a.example.net:8443', 101],
    ['https://example.net:8443', 403],
  ]) {
    const head = `GET /rooms/${code}/socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: parlour=${token}\r\nOrigin: ${origin}\r\n\r\n`
    const line = await Raw.open(server.url)
    line.send(head)
    await line.until(`HTTP/1.1 ${status}`)
    line.socket.destroy()
  }
  await server.stop()
})

test('a post that names no origin is refused where the browser says that another site sent it', async () => {
  for (const frameOrigins of [[], SITES]) {
    const { house } = makeHouse({ ...FRAMABLE, frameOrigins })
    const ann = await house.open()
    const status = async (headers: Record<string, string>) =>
      (await ann.post('/messages', { text: 'x' }, headers)).status
    assert.is(await status({}), 303)
    for (const site of ['same-origin', 'none']) assert.is(await status({ 'Sec-Fetch-Site': site }), 303, site)
    for (const site of ['cross-site', 'same-site']) assert.is(await status({ 'Sec-Fetch-Site': site }), 403, site)
    assert.is(await status({ Origin: 'null' }), 403)
    assert.is(await status({ Origin: 'null', 'Sec-Fetch-Site': 'cross-site' }), 403)
    assert.is(await status({ Origin: 'null', 'Sec-Fetch-Site': 'same-origin' }), 303)
    assert.is((await ann.texts()).length, 4)
  }
})

test('cookies reach a frame on another site where that is allowed, and where browsers keep them', async () => {
  assert.is(cookieScope(false, 'https', HOST), 'SameSite=Lax; Secure')
  assert.is(cookieScope(false, 'http', 'localhost'), 'SameSite=Lax')
  assert.is(cookieScope(true, 'https', HOST), CROSSING)
  assert.is(cookieScope(true, 'http', 'localhost:8000'), CROSSING)
  assert.is(cookieScope(true, 'http', '192.168.1.7:8000'), 'SameSite=Lax', 'a secure one would be dropped')
  for (const host of ['localhost', 'LOCALHOST:1', 'a.localhost', '127.0.0.1:80', '127.9.9.9', '[::1]:80'])
    assert.ok(isLoopback(host), host)
  for (const host of [
    '',
    'mylocalhost',
    'localhost.example',
    '127.0.0.1.example',
    '1127.0.0.1',
    '[::2]',
    '[fe80::1]',
    '10.0.0.1',
  ])
    assert.not(isLoopback(host), host)
})

test('session and views carry the same attributes when they are made and when they are taken back', async () => {
  const { house } = makeHouse({ ...FRAMABLE })
  const ann = await house.open()
  const cookie = (response: Response) => response.headers.get('set-cookie') ?? ''
  const joined = await house.post(`${ann.room}/members`, { name: 'bob' }, HTTPS)
  assert.match(cookie(joined), new RegExp(`^parlour=\\S+; Path=${ann.room}; Max-Age=\\d+; HttpOnly; ${CROSSING}$`))
  const live = await ann.ask('/live', { headers: HTTPS })
  assert.match(cookie(live), new RegExp(`^seen=.*; HttpOnly; ${CROSSING}$`))
  await live.body?.cancel()
  const left = await ann.post('/leave', {}, HTTPS)
  const gone = `parlour=; Path=${ann.room}; Max-Age=0; HttpOnly`
  assert.equal(left.headers.getSetCookie(), [`${gone}; SameSite=Lax`, `${gone}; ${CROSSING}`])
  const over = await ann.ask('/live/1.a-00000000', { headers: HTTPS })
  assert.match(cookie(over), new RegExp(`^over=1; .*; HttpOnly; ${CROSSING}$`))
  assert.match(cookie(await house.post(`${ann.room}/members`, { name: 'cy' })), /HttpOnly; SameSite=Lax$/)
})

test('a page is compact where its browser says that it is framed, or says nothing and its address does', async () => {
  const { house } = makeHouse({ ...FRAMABLE })
  const ann = await house.open('ann', 'Tea')
  const isCompact = async (path: string, headers: Record<string, string>) => {
    const pages = [await ann.ask(path, { headers }), await house.ask(ann.room + path, { headers })]
    const texts = await Promise.all(pages.map((page) => page.text()))
    const marks = texts.map((text) => /class="\w+ framed"/.test(text) && /<base target="_blank">/.test(text))
    assert.is(marks[0], marks[1])
    assert.is(/\/static\/frame-/.test(texts[0]), marks[0])
    return marks[0]
  }
  for (const purpose of ['iframe', 'frame', 'embed', 'object'])
    assert.ok(await isCompact('', { 'Sec-Fetch-Dest': purpose }))
  for (const path of ['?framed', '?framed&readonly', '?readonly', '?before=1.a&framed'])
    assert.ok(await isCompact(path, {}), path)
  assert.not(await isCompact('', {}))
  assert.not(await isCompact('?framed', { 'Sec-Fetch-Dest': 'document' }))
  assert.not(await isCompact('?framedly', {}))
  assert.not(
    await isCompact('', { Referer: `http://${HOST}${ann.room}?framed` }),
    'a window that was opened from a frame',
  )
})

test('in a frame every form stays, or opens a window as it says, and every link but those to pages of the log goes out', async () => {
  const { house } = makeHouse({ ...FRAMABLE })
  const ann = await house.open('ann', 'Tea')
  for (let index = 0; index < 60; index += 1) await ann.say(`line ${index}`)
  const pages = [
    await house.ask('/', { headers: IN_FRAME }),
    await house.ask(ann.room, { headers: IN_FRAME }),
    await ann.ask('', { headers: IN_FRAME }),
    await ann.ask('?before=9.a', { headers: IN_FRAME }),
    await ann.ask('/write?framed', { headers: IN_FRAME }),
    await house.ask('/nothing', { headers: IN_FRAME }),
    await house.ask(`${ann.room}/write?framed`, { headers: IN_FRAME }),
  ]
  for (const page of pages) {
    const text = await page.text()
    assert.match(text, '<base target="_blank">')
    for (const [form] of text.matchAll(/<form[^>]*method="post"[^>]*>/g)) assert.match(form, /target="_(self|blank)"/)
    assert.not.match(text, /_top|_parent/)
    for (const [link] of text.matchAll(/<a [^>]*>/g))
      assert.is(link.includes('"_self"'), link.includes('?framed"'), link)
  }
  const plain = await (await ann.ask()).text()
  assert.not.match(plain, /<base|_blank|framed"|target="_self"/)
  const write = await (await house.ask(`${ann.room}/write`, { headers: IN_FRAME })).text()
  assert.match(write, 'target="_top"', 'a part of our own page leads its window on')
})

test('the mark of a frame outlives joining, posting and leaving, and what is in no frame gets none', async () => {
  const { house } = makeHouse({ ...FRAMABLE })
  const ann = await house.open()
  const to = (response: Response) => [response.status, response.headers.get('location')]
  const from = (path: string) => ({ Referer: `http://${HOST}${path}` })
  for (const [index, headers] of [IN_FRAME, from(`${ann.room}?framed`)].entries()) {
    const joined = await house.post(`${ann.room}/members`, { name: `bob${index}` }, headers)
    assert.match(joined.headers.get('location') ?? '', new RegExp(`^${ann.room}\\?framed&joined=[\\w-]{16}$`))
    const coded = await house.post('/join', { code: ann.code, name: `cy${index}` }, headers)
    assert.match(coded.headers.get('location') ?? '', `${ann.room}?framed&joined=`)
    assert.match(
      (await house.post('/rooms', { name: 'zoe' }, headers)).headers.get('location') ?? '',
      '?framed&joined=',
    )
  }
  const write = { text: 'x', from: 'write' }
  assert.equal(to(await ann.post('/messages', { text: 'x' }, from(`${ann.room}?framed`))), [303, `${ann.room}?framed`])
  assert.equal(to(await ann.post('/messages', write, from(`${ann.room}/write?framed`))), [
    303,
    `${ann.room}/write?framed#text`,
  ])
  const own = { ...IN_FRAME, ...from(`${ann.room}/write`) }
  assert.equal(to(await ann.post('/messages', write, own)), [303, `${ann.room}/write#text`], 'a frame of our own page')
  assert.equal(to(await ann.post('/leave', {}, IN_FRAME)), [303, '/?framed'])
  const joined = await house.post(`${ann.room}/members`, { name: 'eve' }, { 'Sec-Fetch-Dest': 'document' })
  assert.equal(to(joined), [303, ann.room])
  const readonly = { ...IN_FRAME, ...from(`${ann.room}?framed&readonly`) }
  const reading = await house.post(`${ann.room}/members`, { name: 'max' }, readonly)
  assert.match(reading.headers.get('location') ?? '', `${ann.room}?framed&readonly&joined=`)
})

test('who joins in a frame goes on without the mark, or is told once and for all that no cookie is kept there', async () => {
  const { house, clock } = makeHouse({ ...FRAMABLE })
  const ann = await house.open('ann', 'Tea')
  const join = async (name: string) => {
    const joined = await house.post(`${ann.room}/members`, { name }, IN_FRAME)
    return {
      path: joined.headers.get('location') as string,
      Cookie: /^[^;]+/.exec(joined.headers.get('set-cookie') ?? '')?.[0] as string,
    }
  }
  const kept = await join('bob')
  const clean = await house.ask(kept.path, { headers: { ...IN_FRAME, Cookie: kept.Cookie } })
  assert.equal([clean.status, clean.headers.get('location')], [303, `${ann.room}?framed`])
  const lost = await join('cy')
  const told = await (await house.ask(lost.path, { headers: IN_FRAME })).text()
  assert.match(told, /keeps nothing for a room inside another page[^]*Open in a window/)
  assert.not.match(told, 'name="name"', 'no door again')
  const token = /name="token" value="([^"]+)"/.exec(told)?.[1] as string
  const opened = await house.post(`${ann.room}/window`, { token }, HTTPS)
  assert.equal([opened.status, opened.headers.get('location')], [303, ann.room])
  const again = await (await house.ask(lost.path, { headers: IN_FRAME })).text()
  assert.match(again, /keeps nothing/)
  assert.match(again, `<a href="${ann.room}">Open in a window</a>`)
  assert.not.match(again, 'name="token"', 'whoever reads the address later gets nobody’s session')
  const late = await join('eve')
  await clock.pass(60_001)
  assert.not.match(await (await house.ask(late.path, { headers: IN_FRAME })).text(), 'name="token"')
  const other = await house.open()
  const moved = await join('max')
  assert.not.match(
    await (await house.ask(moved.path.replace(ann.code, other.code), { headers: IN_FRAME })).text(),
    'name="token"',
  )
  assert.match(
    await (await house.ask(moved.path, { headers: { 'Sec-Fetch-Dest': 'document' } })).text(),
    'name="name"',
    'in a window the mark means nothing',
  )
})

test('a window opens as the same member, once for each page, and without anything in its address', async () => {
  const { house } = makeHouse({ ...FRAMABLE })
  const ann = await house.open('ann', 'Tea')
  const token = await tokenOf(ann)
  const opened = await house.post(`${ann.room}/window`, { token }, HTTPS)
  assert.equal([opened.status, opened.headers.get('location')], [303, ann.room])
  const [old, set] = opened.headers.getSetCookie()
  assert.is(old, `parlour=; Path=${ann.room}; Max-Age=0; HttpOnly; SameSite=Lax`)
  assert.match(set, new RegExp(`; HttpOnly; ${CROSSING}$`))
  const Cookie = set.split(';')[0]
  assert.not.match(Cookie, token)
  const page = await (await house.ask(ann.room, { headers: { Cookie } })).text()
  assert.match(page, `data-member="${ann.id}"`)
  const twice = await house.post(`${ann.room}/window`, { token }, HTTPS)
  const door = await twice.text()
  assert.is(twice.status, 403)
  assert.match(door, /into a window is over[^]*name="name"/)
  const back = await house.post(`${ann.room}/window`, { token }, { ...HTTPS, Cookie })
  assert.equal([back.status, back.headers.get('location')], [303, ann.room], 'the window has its own cookie already')
})

test('what lets into a window is not used up by a store that fails', async () => {
  const { store, outage } = withOutage(new MemoryStore({ history: 50, bytes: 1024 * 1024, rooms: 10 }))
  const { house } = makeHouse({ ...FRAMABLE, store })
  const ann = await house.open()
  const token = await tokenOf(ann)
  outage.of = ['member']
  assert.is((await house.post(`${ann.room}/window`, { token }, HTTPS)).status, 503)
  outage.of = []
  const both = await Promise.all([1, 2].map(() => house.post(`${ann.room}/window`, { token }, HTTPS)))
  assert.equal(both.map(({ status }) => status).toSorted(), [303, 403], 'once')
})

test('nothing lets into a window that is forged, for another room, a session, too old, from before a restart, or of who left', async () => {
  const { house, clock } = makeHouse({ ...FRAMABLE })
  const [ann, bob] = [await house.open(), await house.open('bob')]
  const status = async (guest: Guest, token: string) =>
    (await house.post(`${guest.room}/window`, { token }, HTTPS)).status
  const token = await tokenOf(ann)
  for (const wrong of ['', 'x', ann.token, `${token}x`, `x${token}`, token.replace('.', ''), 'x'.repeat(60_000)])
    assert.is(await status(ann, wrong), 403, wrong.slice(0, 20))
  assert.is(await status(bob, token), 403)
  assert.is((await house.ask(ann.room, { headers: { Cookie: `parlour=${token}` } })).status, 200)
  assert.is(
    (await house.json(ann.room, { headers: { Authorization: `Bearer ${token}` } })).status,
    401,
    'it is no session',
  )
  await clock.pass(12 * HOUR_MS + 1)
  assert.is(await status(ann, token), 403, 'too old')
  const { house: next } = makeHouse({ ...FRAMABLE, clock: new TestClock() })
  assert.is((await next.post(`${ann.room}/window`, { token: await tokenOf(ann) }, HTTPS)).status, 404)
  const last = await tokenOf(ann)
  await ann.post('/leave')
  assert.is(await status(ann, last), 403, 'who has left')
  assert.is(
    (await house.post(`${bob.room}/window`, { token: await tokenOf(bob) }, { Origin: 'https://evil.example' })).status,
    403,
  )
})

test('what lets into a window is bounded, and good once however many others there were', () => {
  const clock = new TestClock()
  const handovers = new Handovers(new Sessions(['a secret of the tests'], clock), clock)
  const room = { code: 'ACD-EFG-HJK', title: '', generation: 'g' } as never
  const make = (id: string) => handovers.make(room, { id, name: 'x', role: 'member' })
  const first = make('first')
  assert.ok(handovers.redeem('ACD-EFG-HJK', first))
  for (let index = 0; index < 10_001; index += 1)
    assert.ok(handovers.redeem('ACD-EFG-HJK', make(`m${index}`)) || index > 9998)
  assert.is(handovers.redeem('ACD-EFG-HJK', first), undefined, 'though it is forgotten who used it')
  const expected = Array.from({ length: 1001 }, () => handovers.expect(room, { id: 'x', name: 'x', role: 'member' }))
  assert.is(handovers.arrive('ACD-EFG-HJK', expected[0]), undefined)
  assert.ok(handovers.arrive('ACD-EFG-HJK', expected[1000]))
  assert.is(handovers.arrive('ACD-EFG-HJK', expected[1000]), undefined)
})

test('whom the site around the chat names without a cookie is told too that a frame keeps none', async () => {
  const visitor = (request: Request) =>
    new URL(request.url).searchParams.has('ticket') ? { id: '17', name: 'ann' } : undefined
  const { house } = makeHouse({ ...FRAMABLE, fixed: [{ code: 'lobby', title: '' }], visitor })
  const came = await house.ask('/rooms/lobby?framed&ticket=1', { headers: IN_FRAME })
  const path = came.headers.get('location') as string
  assert.match(path, /^\/rooms\/lobby\?framed=&ticket=1&joined=[\w-]{16}$/)
  const lost = await house.ask(path, { headers: IN_FRAME })
  assert.match(await lost.text(), /keeps nothing for a room inside another page[^]*name="token"/)
  assert.is(lost.headers.get('set-cookie'), null)
  const Cookie = /^[^;]+/.exec(came.headers.get('set-cookie') ?? '')?.[0] as string
  const kept = await house.ask(path, { headers: { ...IN_FRAME, Cookie } })
  assert.equal([kept.status, kept.headers.get('location')], [303, '/rooms/lobby?framed'])
  const again = await house.ask('/rooms/lobby?framed&ticket=1', { headers: { ...IN_FRAME, Cookie } })
  assert.is(again.status, 200, 'who is known already is not asked to come again')
  const window = await house.ask('/rooms/lobby?ticket=1', { headers: { 'Sec-Fetch-Dest': 'document' } })
  assert.match(await window.text(), 'You are <b><bdi>ann</bdi></b>')
})

test('a room offers one line to copy where other sites may show it, and not in a frame', async () => {
  const title = `Tea & "bread" <b>'s`
  const { house } = makeHouse({ ...FRAMABLE })
  const ann = await house.open('ann', title)
  const page = await (await ann.ask('', { headers: HTTPS })).text()
  const line = `<iframe src="https://${HOST}${ann.room}?framed" name="${ann.code}" title="${escaped(title)}" width="400" height="600" style="border:0;max-width:100%"></iframe>`
  assert.match(page, `<input id="embed" value="${escaped(line)}" readonly>`)
  assert.not.match(await (await ann.ask('', { headers: IN_FRAME })).text(), 'id="embed"')
  const { house: closed } = makeHouse()
  assert.not.match(await (await (await closed.open()).ask()).text(), 'id="embed"')
})

test('read-only shows a member the room without a form to write, and a stranger its door', async () => {
  const { house } = makeHouse({ ...FRAMABLE })
  const ann = await house.open('ann', 'Tea')
  await ann.say('hello')
  const page = await (await ann.ask('?framed&readonly', { headers: IN_FRAME })).text()
  assert.match(page, />hello</)
  assert.match(page, 'data-hx-ws-connect', 'it is live')
  assert.match(page, /<p id="status"[^]*<div hidden><form id="say"[^]*<\/form><\/div>/)
  assert.not.match(page, 'title="Write a message"', 'nor without scripts')
  assert.is(page.match(/Open in a window to write/g)?.length, 1)
  assert.match(await (await house.ask(`${ann.room}?framed&readonly`, { headers: IN_FRAME })).text(), 'name="name"')
  assert.not.match(await (await ann.ask('?framed', { headers: IN_FRAME })).text(), 'to write<')
})

test('the page in a frame of a room that can be framed keeps everything else as it was', async () => {
  const store = new MemoryStore({ history: 50, bytes: 1024 * 1024, rooms: 10 })
  const { house } = makeHouse({ store, ...FRAMABLE })
  const ann = await house.open('ann')
  const { headers } = await ann.ask('', { headers: IN_FRAME })
  assert.is(headers.get('referrer-policy'), 'same-origin')
  assert.is(headers.get('cache-control'), 'no-store')
  assert.is(headers.get('x-frame-options'), null)
})

test.run()

/** What the page in a frame sends for a window. */
async function tokenOf(guest: Guest): Promise<string> {
  const page = await (await guest.ask('', { headers: IN_FRAME })).text()
  return /name="token" value="([^"]+)"/.exec(page)?.[1] as string
}
