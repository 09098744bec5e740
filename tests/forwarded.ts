import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Proxies } from '../routes/guard/proxies.ts'
import { outsideOf } from '../routes/guard/outside.ts'
import type { Report } from '../routes/guard/report.ts'
import { TestClock } from './support/clock.ts'
import { Line } from './support/line.ts'
import { Person } from './support/person.ts'
import { isWithin } from './support/ratio.ts'
import { exchange } from './support/raw.ts'
import { serve } from './support/server.ts'
import { type Guest, HOST, makeHouse, type SiteOptions } from './support/site.ts'

const test = suite('forwarded')

const PROXY = '10.0.0.1'
const OUTSIDE = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'chat.example' }

test('headers that anybody can send change nothing: not the cookie, the link, the origin nor the limits', async () => {
  for (const trustedProxies of [[], ['10.9.0.0/16', '::1']]) {
    const { house, ask } = behind({ trustedProxies, areRatesLimited: true })
    const made = await ask('/rooms', { name: 'ann' }, OUTSIDE)
    assert.not.match(made.headers.get('set-cookie') ?? '', 'Secure')
    const ann = await house.open()
    assert.match(await page(ask, ann, OUTSIDE), `href="http://${HOST}${ann.room}"`)
    const post = (origin: string) =>
      ask(`${ann.room}/messages`, { text: 'x' }, { ...OUTSIDE, Cookie: `parlour=${ann.token}`, Origin: origin })
    assert.is((await post('https://chat.example')).status, 403)
    assert.is((await post(`http://${HOST}`)).status, 303)
    const statuses: number[] = []
    for (let count = 0; count < 20; count += 1)
      statuses.push((await ask('/rooms', { name: 'eve' }, { 'X-Forwarded-For': `192.0.2.${count}` })).status)
    assert.equal(statuses, [...Array(19).fill(303), 429])
  }
})

test('through a trusted proxy cookie, link and origin are those of the browser', async () => {
  const { house, ask } = behind({ trustedProxies: ['10.0.0.0/8'] })
  const made = await ask('/rooms', { name: 'ann' }, OUTSIDE)
  assert.match(made.headers.get('set-cookie') ?? '', /; Secure$/)
  const ann = await house.open()
  assert.match(await page(ask, ann, OUTSIDE), `href="https://chat.example${ann.room}"`)
  assert.match(await page(ask, ann, { 'X-Forwarded-Proto': 'https' }), `href="https://${HOST}${ann.room}"`)
  assert.match(await page(ask, ann, {}), `href="http://${HOST}${ann.room}"`)
  for (const [origin, status] of [
    ['https://chat.example', 303],
    ['http://chat.example', 403],
    [`https://${HOST}`, 403],
    ['https://evil.example', 403],
  ] as const) {
    const headers = { ...OUTSIDE, Cookie: `parlour=${ann.token}`, Origin: origin }
    assert.is((await ask(`${ann.room}/messages`, { text: 'x' }, headers)).status, status, origin)
  }
  const left = await ask(`${ann.room}/leave`, {}, { ...OUTSIDE, Cookie: `parlour=${ann.token}` })
  assert.match(left.headers.get('set-cookie') ?? '', /; Secure$/)
})

test('the address is the first from the right that is no trusted proxy’s, and what cannot be read ends the way', () => {
  const trusted = ['10.0.0.0/8', '2001:db8:aaaa::/48', 'loopback']
  const table: [string | undefined, string | undefined, string][] = [
    [PROXY, undefined, PROXY],
    [PROXY, '192.0.2.7', '192.0.2.7'],
    [PROXY, '203.0.113.1, 192.0.2.7', '192.0.2.7'],
    [PROXY, '192.0.2.7, 10.2.0.1,10.3.0.1', '192.0.2.7'],
    [PROXY, '192.0.2.7,, 10.2.0.1 ,', '192.0.2.7'],
    [PROXY, '10.4.0.1, 10.2.0.1', '10.4.0.1'],
    ['::ffff:10.0.0.1', '::ffff:192.0.2.7', '192.0.2.7'],
    ['::1', '192.0.2.7, 127.0.0.53', '192.0.2.7'],
    ['2001:db8:aaaa::1', '2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
    [PROXY, '192.0.2.7:567', '192.0.2.7'],
    [PROXY, '[2001:db8:1:2::3]:5', '2001:db8:1:2::/64'],
    [PROXY, '[2001:db8:1:2::3]', '2001:db8:1:2::/64'],
    [PROXY, '192.0.2.7, [::1]:5', '192.0.2.7'],
    [PROXY, 'fe80::1%eth0', 'fe80:0:0:0::/64'],
    [PROXY, '192.0.2.7, unknown', PROXY],
    [PROXY, '192.0.2.7, unknown, 10.2.0.1', '10.2.0.1'],
    [PROXY, '192.0.2.7, _hidden', PROXY],
    [PROXY, '192.0.2.7, 1.2.3', PROXY],
    [PROXY, '192.0.2.7, 999.1.1.1', PROXY],
    [PROXY, '192.0.2.7, ]:5[', PROXY],
    [PROXY, `192.0.2.7, ${'1'.repeat(9000)}`, PROXY],
    [PROXY, '192.0.2.7, <script>', PROXY],
    [PROXY, '', PROXY],
    [PROXY, ',,,', PROXY],
    ['192.0.2.9', '192.0.2.7', '192.0.2.9'],
    ['2001:db8:bbbb:1::1', '192.0.2.7', '2001:db8:bbbb:1::/64'],
    ['fe80::1%eth0', '192.0.2.7', 'fe80:0:0:0::/64'],
    [undefined, '192.0.2.7', 'unknown'],
  ]
  for (const [peer, list, address] of table)
    assert.is(outside(peer, { 'x-forwarded-for': list }, trusted).address, address, `${peer} ${list}`)
  assert.is(outside('192.0.2.7', { 'x-forwarded-for': '192.0.2.8' }, ['0.0.0.0/0']).address, '192.0.2.8')
  assert.is(
    outside('::ffff:10.0.0.1', { 'x-forwarded-for': '192.0.2.8' }, ['::ffff:10.0.0.0/104']).address,
    '192.0.2.8',
  )
  assert.is(outside('10.0.0.1', { 'x-forwarded-for': '192.0.2.8' }, ['::/0']).address, '10.0.0.1')
})

test('scheme and host are what the outermost trusted proxy said, and what is neither is not believed', () => {
  const two = { 'x-forwarded-for': '192.0.2.7, 10.2.0.1' }
  const table: [Record<string, string>, string][] = [
    [{ 'x-forwarded-proto': 'https' }, 'https://inside'],
    [{ 'x-forwarded-proto': 'HTTPS ' }, 'https://inside'],
    [{ 'x-forwarded-proto': 'wss' }, 'https://inside'],
    [{ 'x-forwarded-proto': 'ws' }, 'http://inside'],
    [{ 'x-forwarded-proto': 'https, http' }, 'http://inside'],
    [{ 'x-forwarded-proto': 'http, https' }, 'https://inside'],
    [{ ...two, 'x-forwarded-proto': 'https, http' }, 'https://inside'],
    [{ ...two, 'x-forwarded-proto': 'http, https, http' }, 'https://inside'],
    [{ ...two, 'x-forwarded-proto': 'https' }, 'https://inside'],
    [{ 'x-forwarded-proto': 'javascript' }, 'http://inside'],
    [{ 'x-forwarded-proto': 'constructor' }, 'http://inside'],
    [{ 'x-forwarded-host': 'evil.example, chat.example:8443' }, 'http://chat.example:8443'],
    [{ 'x-forwarded-host': '[2001:db8::1]:81' }, 'http://[2001:db8::1]:81'],
    ...['a"><script>', '${jndi:ldap://x}', 'a b', 'a/b', 'a@b', 'a:port', '', `${'a'.repeat(300)}`].map(
      (odd): [Record<string, string>, string] => [{ 'x-forwarded-host': odd }, 'http://inside'],
    ),
  ]
  for (const [headers, origin] of table)
    assert.is(outside(PROXY, headers, ['10.0.0.0/8']).origin, origin, JSON.stringify(headers))
})

test('two who come through one proxy have limits of their own, and nobody gets new ones by making up addresses', async () => {
  const { ask } = behind({ trustedProxies: [PROXY], areRatesLimited: true })
  const make = async (list: string) => (await ask('/rooms', { name: 'ann' }, { 'X-Forwarded-For': list })).status
  for (let count = 0; count < 20; count += 1) assert.is(await make(`203.0.113.${count}, 192.0.2.7`), 303)
  assert.equal([await make('203.0.113.99, 192.0.2.7'), await make('192.0.2.8')], [429, 303])
  for (let count = 0; count < 20; count += 1) assert.is(await make(`2001:db8:0:1::${count}`), 303)
  assert.equal([await make('2001:db8:0:1:f::'), await make('2001:db8:0:2::1')], [429, 303])
})

test('what is said by a socket counts for the address before the proxy', async () => {
  const clock = new TestClock()
  const server = await serve({ areRatesLimited: true, clock, trustedProxies: ['loopback'] })
  try {
    const ann = await Person.create(server.url, 'ann')
    const guests = await Promise.all(
      Array.from({ length: 22 }, (_, index) => Person.join(server.url, ann.code, `g${index}`)),
    )
    const open = ({ room, token }: Person, address: string) =>
      Line.open(`${room.replace(/^http/, 'ws')}/socket`, {
        Authorization: `Bearer ${token}`,
        'X-Forwarded-For': `203.0.113.7, ${address}`,
      })
    const line = await ann.listen()
    for (const [index, guest] of guests.slice(0, 20).entries()) {
      const own = await open(guest, '192.0.2.7')
      for (let count = 0; count < 5; count += 1) own.send({ text: `text ${count}` })
      await line.count((index + 1) * 5)
    }
    const [same, other] = [await open(guests[20], '192.0.2.7'), await open(guests[21], '192.0.2.8')]
    same.send({ text: 'one too many' })
    await same.frame('very quick')
    other.send({ text: 'from elsewhere' })
    await line.count(101)
    assert.is(line.texts.at(-1), 'from elsewhere')
  } finally {
    const stopped = server.stop()
    await clock.pass(60_000)
    await stopped
  }
})

test('a handshake is of this site where a trusted proxy says so, and nobody else', async () => {
  for (const [trustedProxies, status] of [
    [['loopback'], 101],
    [[], 403],
    [['192.0.2.1'], 403],
  ] as const) {
    const server = await serve({ trustedProxies: [...trustedProxies], report: () => {} })
    const ann = await Person.create(server.url, 'ann')
    for (const proto of ['https', 'wss']) {
      const headers = { ...OUTSIDE, 'X-Forwarded-Proto': proto, Origin: 'https://chat.example' }
      assert.is(await handshake(server.url, ann, headers), status)
    }
    assert.is(await handshake(server.url, ann, { ...OUTSIDE, Origin: 'https://evil.example' }), 403)
    await server.stop()
  }
})

test('a list of a thousand addresses costs no more than one of thirty-two', () => {
  const proxies = new Proxies(['10.0.0.0/8'])
  const follow = (list: string) => () => {
    for (let count = 0; count < 200; count += 1) proxies.follow(PROXY, () => list)
  }
  const list = (length: number) => Array.from({ length }, (_, index) => `10.0.${index >> 8}.${index & 255}`).join(', ')
  assert.is(proxies.follow(PROXY, () => list(1000)).hops, 33)
  assert.ok(isWithin(2, follow(list(32)), follow(list(1000))))
  assert.ok(isWithin(2, follow(list(32)), follow(','.repeat(15_000))))
})

test('the link that one shares follows nobody else’s host, and none that could be made up', async () => {
  const server = await serve({ report: () => {} })
  try {
    const ann = await Person.create(server.url, 'ann')
    const host = new URL(server.url).host
    const ask = (lines: string, target = `/rooms/${ann.code}`) =>
      exchange(
        server.url,
        `GET ${target} HTTP/1.1\r\n${lines}Cookie: parlour=${ann.token}\r\nConnection: close\r\n\r\n`,
      )
    const path = `/rooms/${ann.code}`
    const forged = await ask('Host: evil.example\r\n')
    assert.match(forged, `href="http://evil.example${path}"`, 'who says so themselves')
    const honest = await ask(`Host: ${host}\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\n`)
    assert.match(honest, `href="${server.url}${path}"`)
    assert.not.match(honest, 'evil')
    assert.match(honest, /cache-control: no-store/i)
    const two = await ask(`Host: ${host}\r\n`, `http://evil.example${path}`)
    assert.match(two, `href="${path}"`)
    assert.not.match(two, 'evil')
    for (const odd of [
      'evil.example/x',
      'a"><script>',
      'a b',
      'user@evil.example',
      'a:b',
      'a,b.example:1:2',
      '[::1',
      '\xff',
    ])
      assert.match(await ask(`Host: ${odd}\r\n`), /^HTTP\/1\.1 400 [\s\S]*\r\n\r\n$/, odd)
    for (const odd of ['${jndi:x}', "a'b", '%00', 'a,b']) assert.not.match(await ask(`Host: ${odd}\r\n`), `//${odd}`)
  } finally {
    await server.stop()
  }
})

test('a browser’s origin is that of its host, though a proxy names the port anyway or keeps capitals', async () => {
  const { house } = makeHouse({ report: () => {} })
  const ann = await house.open()
  const post = async (host: string, origin: string) =>
    (await ann.post('/messages', { text: 'x' }, { Host: host, Origin: origin })).status
  assert.is(await post('Parlour.Test:80', 'http://parlour.test'), 303)
  assert.is(await post('parlour.test:443', 'http://parlour.test'), 403)
  assert.is(await post('parlour.test:8080', 'http://parlour.test'), 403)
  assert.is(await post('evil.test', 'http://parlour.test'), 403)
})

test('what came from another site without an origin is refused, and asks nobody to set anything', async () => {
  const { ask, reports } = behind()
  assert.is((await ask('/join', {}, { 'Sec-Fetch-Site': 'cross-site' })).status, 403)
  assert.equal(
    reports.filter(({ event }) => event === 'origin-refused'),
    [],
  )
})

test('a refused origin is told once a minute, with what was compared and what to set', async () => {
  const cases: [string, Record<string, string>, Report][] = [
    [
      'https://chat.example',
      { ...OUTSIDE },
      {
        event: 'origin-refused',
        origin: 'https://chat.example',
        expected: `http://${HOST}`,
        advice: `Forwarding headers came from ${PROXY}, which is not trusted. If that is your proxy, set TRUSTED_PROXIES=${PROXY}.`,
      },
    ],
    [
      `https://${HOST}`,
      {},
      {
        event: 'origin-refused',
        origin: `https://${HOST}`,
        expected: `http://${HOST}`,
        advice: `If the chat is at https://${HOST}, let the proxy set X-Forwarded-Proto, and set TRUSTED_PROXIES to its address.`,
      },
    ],
    [
      'https://chat.example',
      {},
      {
        event: 'origin-refused',
        origin: 'https://chat.example',
        expected: `http://${HOST}`,
        advice:
          'If the chat is at https://chat.example, let the proxy pass Host on. If that is another site that may use the chat, set ORIGINS=https://chat.example.',
      },
    ],
  ]
  for (const [origin, headers, report] of cases) {
    const { ask, reports, clock } = behind()
    for (let count = 0; count < 5; count += 1)
      assert.is((await ask('/rooms', { name: 'ann' }, { ...headers, Origin: origin })).status, 403)
    await ask('/join', {}, { Origin: 'https://another.example' })
    const told = () => reports.filter(({ event }) => event === 'origin-refused')
    assert.equal(told(), [report])
    await clock.pass(59_000)
    await ask('/join', {}, { Origin: 'null' })
    assert.is(told().length, 1)
    await clock.pass(1000)
    await ask('/join', {}, { Origin: 'null' })
    assert.match(String(told()[1].advice), 'Referrer-Policy')
  }
})

test('a handshake that is refused is told too, and shares the minute with forms', async () => {
  const reports: Report[] = []
  const server = await serve({ report: (report) => reports.push(report) })
  try {
    const ann = await Person.create(server.url, 'ann')
    const headers = { Origin: 'https://chat.example', 'X-Forwarded-Proto': 'https' }
    assert.is(await handshake(server.url, ann, headers), 403)
    assert.is(await handshake(server.url, ann, {}), 403)
    assert.is(
      (await fetch(`${server.url}/join`, { method: 'POST', headers: { Origin: 'https://evil.example' } })).status,
      403,
    )
    assert.equal(reports, [
      {
        event: 'origin-refused',
        origin: 'https://chat.example',
        expected: server.url,
        advice:
          'Forwarding headers came from 127.0.0.1, which is not trusted. If that is your proxy, set TRUSTED_PROXIES=loopback.',
      },
    ])
  } finally {
    await server.stop()
  }
})

test('what strangers wrote is told short, and without signs that mean something to whoever reads it', async () => {
  for (const origin of ['${jndi:ldap://evil.example/a}', '\u009b31m"<b>', `https://${'a'.repeat(9000)}`]) {
    const { ask, reports } = behind()
    await ask('/rooms', { name: 'ann' }, { Origin: origin })
    const line = JSON.stringify(reports[0])
    assert.ok(line.length < 2000)
    assert.not.match(Object.values(reports[0]).join(' '), /[^ -~]|[${}<>"]/)
  }
})

test('who asks a socket’s address without a handshake is told what is missing, and so is who runs it', async () => {
  const reports: Report[] = []
  const server = await serve({ report: (report) => reports.push(report), base: '/chat' })
  try {
    const ann = await Person.create(server.url, 'ann')
    const path = `/chat/rooms/${ann.code}/socket`
    const plain = await exchange(
      server.url,
      `GET ${path} HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nConnection: close\r\n\r\n`,
    )
    assert.match(plain, /^HTTP\/1\.1 426 /)
    assert.match(plain, /\r\nupgrade: websocket\r\n/i)
    assert.match(plain, /pass on Upgrade and Connection/)
    assert.equal(reports, [])
    // As nginx sends it that was told nothing, or half of it.
    for (const head of ['Connection: close\r\n', 'Connection: upgrade\r\nUpgrade: websocket\r\n']) {
      const lost = `GET ${path} HTTP/1.0\r\nHost: a\r\n${head}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`
      assert.match(await exchange(server.url, lost), /^HTTP\/1\.1 426 /)
    }
    assert.equal(
      reports.map(({ event }) => event),
      ['upgrade-lost'],
    )
    assert.is((await fetch(server.url + path.slice(5), { method: 'POST' })).status, 405)
    for (const stripped of ['/', `/rooms/${ann.code}`]) await fetch(new URL(stripped, server.url))
    assert.equal(
      reports.map(({ event }) => event),
      ['upgrade-lost', 'base-path-lost'],
    )
    assert.match(String(reports[1].advice), '/chat')
  } finally {
    await server.stop()
  }
})

interface Ask {
  (path: string, fields: Record<string, string> | undefined, headers: Record<string, string>): Promise<Response>
}

/** A site that is asked by way of a proxy, and what it reports. */
function behind(options: SiteOptions = {}) {
  const reports: Report[] = []
  const made = makeHouse({ report: (report) => reports.push(report), ...options })
  const ask: Ask = (path, fields, headers) =>
    Promise.resolve(
      made.house.app.request(
        `http://${HOST}${path}`,
        {
          method: fields ? 'POST' : 'GET',
          body: fields && new URLSearchParams(fields),
          headers: { Host: HOST, ...headers },
        },
        { remoteAddr: { hostname: PROXY } },
      ),
    )
  return { ...made, ask, reports }
}

async function page(ask: Ask, { room, token }: Guest, headers: Record<string, string>): Promise<string> {
  return (await ask(room, undefined, { ...headers, Cookie: `parlour=${token}` })).text()
}

function outside(peer: string | undefined, headers: Record<string, string | undefined>, trusted: string[]) {
  const req = { url: 'http://inside/', header: (name: string) => headers[name] }
  return outsideOf({ req, env: { remoteAddr: { hostname: peer } } }, new Proxies(trusted))
}

/** The status of a handshake with a member's cookie. */
async function handshake(url: string, { code, token }: Person, headers: Record<string, string>): Promise<number> {
  try {
    const line = await Line.open(`${url.replace(/^http/, 'ws')}/rooms/${code}/socket`, {
      Cookie: `parlour=${token}`,
      ...headers,
    })
    line.close()
    return 101
  } catch (error) {
    return Number(/(\d{3})$/.exec((error as Error).message)?.[1])
  }
}

test.run()
