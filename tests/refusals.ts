import { Buffer } from 'node:buffer'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { errorIn, escaped, type Guest, HOST, makeHouse } from './support/site.ts'

const MARKED = '<b>"typed" & kept</b>'

const all = suite<{ ann: Guest; bob: Guest }>('refusals')
const { house } = makeHouse()

all.before.each(async (context) => {
  context.ann = await house.open('ann', 'Friday')
  context.bob = await house.join(context.ann.code, 'bob')
  await context.bob.say('before')
})

/** Whatever was refused, the others go on as if nothing had been. */
function test(name: string, refuse: (people: { ann: Guest; bob: Guest }) => Promise<void>): void {
  // Not in a hook: uvu loses what failed before it where a hook fails too.
  all(name, async ({ ann, bob }) => {
    await refuse({ ann, bob })
    await bob.say('after')
    assert.equal(await ann.texts(), ['before', 'after'])
  })
}

test('a name that cannot be is refused at every door, beside its field, with what was typed', async ({ ann }) => {
  const names: [string, number, string, RegExp][] = [
    ['', 422, 'name-blank', /type a name/],
    [' \t ', 422, 'name-blank', /type a name/],
    ['\u200b\u3164', 422, 'name-blank', /type a name/],
    [`${MARKED}${'x'.repeat(40)}`, 422, 'name-too-long', /too long.*32/],
    ['👨‍👩‍👧‍👦'.repeat(8), 422, 'name-too-long', /too long/],
    ['a\u202eb', 422, 'name-not-allowed', /cannot be shown/],
    [`x${'\u0335'.repeat(5)}`, 422, 'name-not-allowed', /cannot be shown/],
    ['Admin', 422, 'name-reserved', /choose another/],
  ]
  const doors: [string, Record<string, string>, string][] = [
    ['/rooms', { title: MARKED }, 'create'],
    ['/join', { code: ann.code }, 'join'],
    [`${ann.room}/members`, {}, 'join'],
  ]
  for (const [path, others, form] of doors) {
    for (const [name, status, code, words] of names) {
      const page = await house.post(path, { ...others, name })
      assert.is(page.status, status, `${path} ${name}`)
      const html = await page.text()
      assert.match(reasonBeside(html, `${form}-name`), words)
      assert.is(valueOf(html, `${form}-name`), escaped(name))
      for (const [field, typed] of Object.entries(others)) assert.is(valueOf(html, `${form}-${field}`), escaped(typed))
      assert.is(page.headers.get('set-cookie'), null)
      const answer = await house.json(path, { method: 'POST', body: new URLSearchParams({ ...others, name }) })
      assert.equal([answer.status, await errorIn(answer)], [status, code])
    }
  }
})

test('a name that looks like another’s is refused with a suggestion', async ({ ann }) => {
  for (const name of ['ann', 'ANN', 'аnn', ' a n n ']) {
    const page = await house.post(`${ann.room}/members`, { name })
    assert.is(page.status, 409)
    const html = await page.text()
    assert.match(reasonBeside(html, 'join-name'), / \d+<\/bdi>”/)
    assert.is(valueOf(html, 'join-name'), name)
    const answer = await house.json('/join', { method: 'POST', body: new URLSearchParams({ code: ann.code, name }) })
    const { error } = (await answer.json()) as { error: { code: string; suggestion: string } }
    assert.equal([answer.status, error.code], [409, 'name-taken'])
    assert.is((await house.post(`${ann.room}/members`, { name: error.suggestion })).status, 303)
  }
})

test('a title that cannot be is refused beside its field, with what was typed', async () => {
  for (const [title, code] of [
    [MARKED + 'x'.repeat(80), 'title-too-long'],
    ['a\u202eb', 'title-not-allowed'],
    ['a\x07b', 'title-not-allowed'],
  ]) {
    const page = await house.post('/rooms', { name: 'zoe & co', title })
    assert.is(page.status, 422)
    const html = await page.text()
    assert.match(reasonBeside(html, 'create-title'), /title/)
    assert.equal([valueOf(html, 'create-title'), valueOf(html, 'create-name')], [escaped(title), 'zoe &amp; co'])
    const answer = await house.json('/rooms', { method: 'POST', body: new URLSearchParams({ name: 'zoe', title }) })
    assert.equal([answer.status, await errorIn(answer)], [422, code])
  }
})

test('a text that cannot be said comes back in its field, with the reason', async ({ ann }) => {
  const texts: [string, string, RegExp][] = [
    ['', 'text-blank', /type something/],
    ['\n \u200b', 'text-blank', /type something/],
    [`${MARKED}\n${'x'.repeat(4000)}`, 'text-too-long', /4000|4,000/],
  ]
  for (const [text, code, words] of texts) {
    for (const from of ['', 'write']) {
      const page = await ann.post('/messages', { text, from })
      assert.is(page.status, 422)
      const html = await page.text()
      assert.match(/<div id="reason"[^>]*>([\s\S]*?)<\/div>/.exec(html)?.[1] ?? '', words)
      const typed = /<textarea [^>]*>\n?([\s\S]*?)<\/textarea>/.exec(html)?.[1] ?? ''
      assert.is(typed, escaped(text).replaceAll('\r\n', '\n'))
    }
    const fragment = await ann.post('/messages', { text }, { 'HX-Request': 'true' })
    assert.is(fragment.status, 422)
    const html = await fragment.text()
    assert.match(html, words)
    assert.not.match(html, '<html')
    const answer = await ann.json('/messages', { method: 'POST', body: new URLSearchParams({ text }) })
    assert.equal([answer.status, await errorIn(answer)], [422, code])
  }
  const answer = await ann.json('/messages', { method: 'POST', body: new URLSearchParams({ text: 'x'.repeat(4001) }) })
  const { error } = (await answer.json()) as { error: { limit: number } }
  assert.is(error.limit, 4000)
})

test('a key that is too long is refused', async ({ ann }) => {
  const answer = await ann.json('/messages', {
    method: 'POST',
    body: new URLSearchParams({ text: 'x', key: 'k'.repeat(129) }),
  })
  assert.equal([answer.status, await errorIn(answer)], [422, 'key-too-long'])
})

test('a body that cannot be read is refused', async ({ ann }) => {
  const form = 'application/x-www-form-urlencoded'
  const parts = 'multipart/form-data; boundary=x'
  const bodies: [string | undefined, BodyInit][] = [
    ['application/json', '{"text":'],
    ['application/json', ''],
    ['application/json', 'null'],
    ['application/json', '["text"]'],
    ['application/json', '"text"'],
    ['application/json', '{"text":1}'],
    ['application/json', '{"text":{"isEscaped":true}}'],
    ['application/json', '{"text":["x"]}'],
    ['application/json', Buffer.from('7b2274657874223a22ff227d', 'hex')],
    [form, 'text=%ff%fe'],
    [form, 'text=%c3'],
    [form, 'text=%ed%a0%80'],
    [form, Buffer.from('746578743dff', 'hex')],
    ['multipart/form-data', 'text=x'],
    [parts, 'no parts at all'],
    [parts, '--x\r\nContent-Disposition: form-data; name="text"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n'],
    [
      parts,
      Buffer.concat([
        Buffer.from('--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n'),
        Buffer.from([0xff]),
        Buffer.from('\r\n--x--\r\n'),
      ]),
    ],
    ['text/plain', 'text=x'],
    ['application/xml', '<text>x</text>'],
    ['nonsense', 'text=x'],
  ]
  for (const path of [`${ann.room}/messages`, `${ann.room}/members`, '/rooms', '/join']) {
    for (const [type, body] of bodies) {
      const headers = { Authorization: `Bearer ${ann.token}`, ...(type && { 'Content-Type': type }) }
      const answer = await house.json(path, { method: 'POST', body, headers })
      assert.is(answer.status, 400, `${path} ${type} ${body}`)
      assert.is(await errorIn(answer), 'malformed')
    }
    const page = await house.post(path, {}, { 'Content-Type': 'text/plain', Cookie: `parlour=${ann.token}` })
    assert.is(page.status, 400)
    assert.match(await page.text(), /<p>[A-Z][^<]*\.<\/p>/)
  }
})

test('a lone percent sign, a plus and a field that nobody knows are no reason to refuse a form', async () => {
  const { house } = makeHouse()
  const ann = await house.open()
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  await ann.ask('/messages', { method: 'POST', body: 'text=100%+%C3%A9%zz&other=1&text=second&__proto__=x', headers })
  assert.equal(await ann.texts(), ['100% é%zz'])
})

test('JSON is for those who send the token: a page elsewhere cannot use a cookie with it', async ({ ann }) => {
  const body = JSON.stringify({ text: 'hello' })
  const headers = { 'Content-Type': 'application/json' }
  const withCookie = await ann.ask('/messages', { method: 'POST', body, headers })
  assert.is(withCookie.status, 400)
  const plain = await ann.ask('/messages', { method: 'POST', body, headers: { 'Content-Type': 'text/plain' } })
  assert.is(plain.status, 400)
})

test('a program sends JSON with its token', async () => {
  const { house } = makeHouse()
  const headers = { 'Content-Type': 'application/json' }
  const made = await house.json('/rooms', { method: 'POST', body: '{"name":"ann","title":null}', headers })
  assert.is(made.status, 201)
  const ann = await house.open()
  const said = await ann.json('/messages', {
    method: 'POST',
    body: '{"text":"hello","key":"k"}',
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
  })
  assert.is(said.status, 201)
  assert.equal(await ann.texts(), ['hello'])
})

test('a body over 64 KiB is refused, by its length or by counting', async ({ ann }) => {
  const large = `text=${'x'.repeat(64 * 1024)}`
  for (const path of [`${ann.room}/messages`, `${ann.room}/members`, '/rooms', '/join']) {
    for (const body of [large, chunked(large)]) {
      const headers: Record<string, string> = {
        'Content-Type': 'application/x-www-form-urlencoded',
        Authorization: `Bearer ${ann.token}`,
      }
      if (typeof body === 'string') headers['Content-Length'] = String(Buffer.byteLength(body))
      else headers['Transfer-Encoding'] = 'chunked'
      const answer = await house.ask(path, {
        method: 'POST',
        body,
        headers: { ...headers, Accept: 'application/json' },
        duplex: 'half',
      })
      assert.equal([answer.status, await errorIn(answer)], [413, 'body-too-large'], path)
    }
  }
})

test('a text of 4,000 letters of any script fits into a body, as a form or as JSON', async () => {
  const { house } = makeHouse()
  const ann = await house.open()
  const texts = ['😀'.repeat(4000), '한'.repeat(4000)]
  for (const text of texts) {
    assert.is((await ann.post('/messages', { text })).status, 303)
    const body = JSON.stringify({ text: text.slice(2) })
    await ann.json('/messages', { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
  }
  assert.equal(
    await ann.texts(),
    texts.flatMap((text) => [text, text.slice(2)]),
  )
})

test('a cursor or a number that cannot be one is refused', async ({ ann }) => {
  for (const query of [
    'limit=0',
    'limit=-1',
    'limit=x',
    'limit=1.5',
    'limit=',
    'before=x',
    'after=1',
    'after=1.T',
    'before=1.a&after=1.a',
    'before=%00',
  ]) {
    const answer = await ann.json(`/messages?${query}`)
    assert.equal([answer.status, await errorIn(answer)], [400, 'malformed'], query)
    assert.is((await ann.ask(`/messages?${query}`)).status, 400, query)
  }
  assert.is((await ann.ask('?before=x')).status, 400)
})

test('there is nothing at an unknown path, however it is written', async ({ ann }) => {
  const paths = [
    '/nothing',
    '/index.html',
    '/rooms/',
    `${ann.room}/nothing`,
    `${ann.room}/messages/1`,
    '/.env',
    '/main.ts',
    '/static',
    '/static/',
    '/own/',
    '/own/zz.css',
    '/%',
    '/%zz',
    '/%00',
    '/rooms/%E0%A4%A',
    '/rooms/%00',
    '/rooms/..%2f..',
    '//example.org/',
    '/join/x',
  ]
  for (const path of paths) {
    const page = await house.ask(path)
    assert.is(page.status, 404, path)
    assert.match(await page.text(), /<p>[A-Z][^<]*\.<\/p>/, path)
    const answer = await house.json(path)
    assert.is(answer.status, 404, path)
    await errorIn(answer)
  }
})

test('no path leads out of the static files', async () => {
  const names = [
    '../main.ts',
    '..%2fmain.ts',
    '%2e%2e/main.ts',
    '%2e%2e%2fpackage.json',
    '..%5cmain.ts',
    '....//main.ts',
    '%252e%252e%252fmain.ts',
    '../../../../etc/passwd',
    '..%2f..%2f..%2f..%2fetc%2fpasswd',
    '%00',
    'chat.css%00',
    'constructor',
    '__proto__',
    'toString',
    'chat.css',
    'built.ts',
    './',
    '*',
  ]
  for (const name of names) {
    const response = await house.ask(`/static/${name}`)
    assert.is(response.status, 404, name)
    assert.match(await response.text(), /There is nothing at this address|no room/)
  }
})

test('a method that an address does not know is refused with those that it does', async ({ ann }) => {
  const addresses: [string, string][] = [
    ['/', 'GET, HEAD'],
    ['/health', 'GET, HEAD'],
    ['/rooms', 'POST'],
    ['/join', 'POST'],
    [ann.room, 'GET, HEAD'],
    [`${ann.room}/members`, 'POST'],
    [`${ann.room}/messages`, 'POST, GET, HEAD'],
    [`${ann.room}/events`, 'GET, HEAD'],
    [`${ann.room}/live`, 'GET, HEAD'],
    [`${ann.room}/leave`, 'POST'],
    ['/rooms/ACD-EFG-HJK', 'GET, HEAD'],
  ]
  for (const [path, allow] of addresses) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
      if (allow.split(', ').includes(method)) continue
      const page = await house.ask(path, { method, headers: { Cookie: `parlour=${ann.token}` } })
      assert.equal([page.status, page.headers.get('allow')], [405, allow], `${method} ${path}`)
      const answer = await house.json(path, { method, headers: { Authorization: `Bearer ${ann.token}` } })
      assert.is(answer.status, 405)
      if (method !== 'HEAD') assert.is(await errorIn(answer), 'wrong-method')
    }
  }
})

test('whoever is to prove who they are is told how', async ({ ann }) => {
  for (const ask of [house.ask.bind(house), house.json.bind(house)]) {
    for (const path of ['/messages', '/events', '/live', '/write', '/frame/1.a-00000000']) {
      const answer = await ask(ann.room + path)
      assert.equal([answer.status, answer.headers.get('www-authenticate')], [401, 'Bearer'], path)
    }
  }
  assert.is((await house.json(ann.room)).headers.get('www-authenticate'), 'Bearer')
  assert.is((await house.ask('/nothing')).headers.get('www-authenticate'), null)
})

test('a program that brings a token is refused in JSON without asking, unless it asks for HTML', async ({ ann }) => {
  const asked: [string, string, string, RequestInit][] = [
    ['no-session', '/messages', 'Bearer x', {}],
    ['no-session', '', 'Bearer x', {}],
    ['no-session', '/leave', 'Bearer x', { method: 'POST' }],
    ['text-blank', '/messages', `Bearer ${ann.token}`, { method: 'POST', body: new URLSearchParams({ text: ' ' }) }],
    ['name-blank', '/members', `Bearer ${ann.token}`, { method: 'POST', body: new URLSearchParams({ name: ' ' }) }],
    ['malformed', '/messages', `Bearer ${ann.token}`, { method: 'POST', body: 'text' }],
    ['malformed', '/messages?limit=x', `Bearer ${ann.token}`, {}],
    ['not-found', '/nothing', `Bearer ${ann.token}`, {}],
    ['wrong-method', '/messages', `Bearer ${ann.token}`, { method: 'PUT' }],
  ]
  for (const [code, path, Authorization, init] of asked) {
    const bare = await house.ask(ann.room + path, { ...init, headers: { Authorization } })
    assert.is(await errorIn(bare), code, path)
    const html = await house.ask(ann.room + path, { ...init, headers: { Authorization, Accept: 'text/html, */*' } })
    assert.not.match(html.headers.get('content-type') ?? '', 'json', path)
    const fragment = await house.ask(ann.room + path, { ...init, headers: { Authorization, 'HX-Request': 'true' } })
    assert.not.match(fragment.headers.get('content-type') ?? '', 'json', path)
    const proxied = await house.ask(ann.room + path, { ...init, headers: { Authorization: 'Basic YTpi' } })
    assert.not.match(proxied.headers.get('content-type') ?? '', 'json', path)
  }
})

test('a post from another site is refused, whatever it is', async ({ ann }) => {
  const origins = [
    'https://evil.example',
    `https://${HOST}`,
    `http://${HOST}.evil.example`,
    `http://evil.${HOST}`,
    `http://${HOST}:8080`,
    'http://evil.example#parlour.test',
    'null',
    '',
    'file://',
    `http://${HOST}/`,
  ]
  for (const origin of origins) {
    for (const path of [
      `${ann.room}/messages`,
      `${ann.room}/leave`,
      `${ann.room}/members`,
      '/rooms',
      '/join',
      '/nothing',
    ]) {
      const headers = { Origin: origin, Cookie: `parlour=${ann.token}` }
      const page = await house.post(path, { text: 'hello', name: 'eve', code: ann.code }, headers)
      assert.is(page.status, 403, `${path} ${origin}`)
      assert.match(await page.text(), 'another site')
    }
  }
  const answer = await ann.json('/messages', {
    method: 'POST',
    body: 'text=x',
    headers: { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' },
  })
  assert.equal([answer.status, await errorIn(answer)], [403, 'wrong-origin'])
})

test('a post from a page of this site is taken, and so is one that does not say where it is from', async () => {
  const { house } = makeHouse({ origins: ['https://friend.example'] })
  const ann = await house.open()
  const senders: Record<string, string>[] = [
    {},
    { Origin: `http://${HOST}` },
    { Origin: 'https://friend.example' },
    { Origin: 'null', 'Sec-Fetch-Site': 'same-origin' },
  ]
  for (const headers of senders) assert.is((await ann.post('/messages', { text: 'x' }, headers)).status, 303)
  assert.is((await ann.texts()).length, senders.length)
})

test('a session that is stale, foreign or broken is as none', async ({ ann }) => {
  const other = await house.open('ann')
  const eve = await house.join(ann.code, 'eve')
  await eve.post('/leave')
  const [value, signature] = ann.token.split('.')
  const tokens = [
    eve.token,
    other.token,
    `${value}x.${signature}`,
    `${value}.${signature}x`,
    value,
    '',
    'x',
    '%00',
    `"${ann.token}"`,
    'x'.repeat(8000),
  ]
  for (const token of tokens) {
    const headers = { Cookie: `parlour=${token}` }
    assert.match(await (await house.ask(ann.room, { headers })).text(), `action="${ann.room}/members"`)
    const post = await house.post(`${ann.room}/messages`, { text: 'hello' }, headers)
    assert.is(post.status, 401)
    assert.match(await post.text(), 'Join the room')
    const bearer = { Authorization: `Bearer ${token}`, Accept: 'application/json' }
    assert.is((await house.post(`${ann.room}/messages`, { text: 'hello' }, bearer)).status, 401)
  }
})

all.run()

function chunked(text: string): ReadableStream<Uint8Array> {
  const bytes = Buffer.from(text)
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close()
      controller.enqueue(bytes.subarray(at, at + 4096))
      at += 4096
    },
  })
}

/** The reason that the field of this id is described by; empty where there is none. */
function reasonBeside(html: string, id: string): string {
  const why = new RegExp(`<input id="${id}"[^>]* aria-invalid="true" aria-describedby="([\\w-]+)">`).exec(html)?.[1]
  return why === undefined ? '' : (new RegExp(`<span id="${why}"[^>]*>(.*?)</span>`).exec(html)?.[1] ?? '')
}

/** What is in the field of this id, as it stands in the HTML. */
function valueOf(html: string, id: string): string | undefined {
  return new RegExp(`<input id="${id}"[^>]* value="([^"]*)"`).exec(html)?.[1]
}
