import { Buffer } from 'node:buffer'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { createChat } from '../routes/chat.ts'
import type { Report } from '../routes/guard/report.ts'
import { type Visitor, VisitorTokens } from '../routes/guard/visitor.ts'
import { TestClock, turn } from './support/clock.ts'
import { suite } from './support/ground.ts'
import { withOutage } from './support/outage.ts'
import { Person } from './support/person.ts'
import { serve } from './support/server.ts'
import { errorIn, Guest, HOST, type House, makeHouse, type SiteOptions } from './support/site.ts'
import { Stream } from './support/stream.ts'
import { signed, VISITOR_SECRET } from './support/vouch.ts'

const HOUR_MS = 60 * 60 * 1000
const LOBBY = { code: 'lobby', title: 'The lobby' }
const HELP = { code: 'help', title: '' }
const ANN = { sub: 'user-17', name: 'ann' }
const BOB = { sub: 'user-18', name: 'bob' }
const KNOWN: Visitor = { id: 'user-17', name: 'ann' }

interface Claims {
  readonly [claim: string]: unknown
}

const test = suite('visitors')

test('a link with a right token leads into the room, under that name, without a form and without the token', async () => {
  const { come, house } = open()
  const answer = await come(ANN, { more: '&view=small&x=a%20b' })
  assert.equal([answer.status, answer.headers.get('location')], [303, '/rooms/lobby?view=small&x=a+b'])
  const guest = guestIn(house, answer)
  const page = await (await guest.ask()).text()
  assert.match(page, 'You are <b><bdi>ann</bdi></b>')
  await guest.say('hello')
  assert.match(await (await guest.ask()).text(), '>hello<')
})

test('a program gets the room, the member and a token', async () => {
  const { come } = open()
  const answer = await come(ANN, { headers: { Accept: 'application/json' } })
  assert.is(answer.status, 200)
  const { room, member, token } = (await answer.json()) as Record<string, Record<string, string>>
  assert.equal([room.code, member.name, member.role, typeof token], ['lobby', 'ann', 'member', 'string'])
})

test('the same person is the same member whenever they come, in each room another one, and their id does not tell them', async () => {
  const { come, enter, house, clock } = open()
  const [first, again] = [await enter(ANN), await enter(ANN)]
  assert.is(first.id, again.id)
  assert.not.equal((await enter(BOB)).id, first.id)
  const other = guestIn(house, await come({ ...ANN, room: 'help' }, { code: 'help' }), 'help')
  assert.not.equal((await memberOf(other)).id, first.id)
  assert.match(first.id, /^[0-9a-f]{16}$/)
  const restarted = open({ clock, secrets: ['another secret of the tests'] })
  assert.is((await restarted.enter(ANN)).id, first.id, 'after a restart')
  await first.say('mine')
  await again.say('mine too')
})

test('a name that the site has changed is the member’s, for everybody', async () => {
  const { enter, house, clock } = open()
  const [ann, zoe] = [await enter(ANN), await house.join('lobby', 'zoe')]
  const [stream, page] = [await follow(zoe, '?format=json'), await follow(zoe)]
  await clock.pass(2000)
  await enter({ ...ANN, name: 'Ann Smith' })
  await stream.has('event: member')
  assert.match(stream.text, '"name":"Ann Smith"')
  await clock.pass(1000)
  await page.has(`<li data-member="${ann.id}"><bdi>Ann Smith</bdi></li>`)
  assert.equal(await names(zoe), ['Ann Smith', 'zoe'])
  await ann.say('hello')
  await stream.has('"text":"hello"')
  assert.match(stream.text, /"name":"Ann Smith","text":"hello"/)
})

test('the name wins over a guest’s, who gets another in view of everybody', async () => {
  const { enter, house, clock } = open()
  const [guest, zoe] = [await house.join('lobby', 'Ann'), await house.join('lobby', 'zoe')]
  await house.join('lobby', 'ann 2')
  const [page, json] = [await follow(zoe), await follow(zoe, '?format=json')]
  const visitor = await enter(ANN)
  assert.is((await memberOf(visitor)).name, 'ann')
  assert.is((await memberOf(guest)).name, 'Ann 3')
  await page.has('<li class="notice"><b><bdi>Ann</bdi></b> is now called <b><bdi>Ann 3</bdi></b></li>')
  await clock.pass(1000)
  await page.has(`<li data-member="${guest.id}"><bdi>Ann 3</bdi></li>`)
  await json.has(`{"id":"${guest.id}","name":"Ann 3","role":"member"}`)
  await guest.say('still here')
  await page.has('still here')
  assert.match(page.text, /<bdi class="name h\d+">Ann 3<\/bdi>/)
  assert.equal((await names(zoe)).toSorted(), ['Ann 3', 'ann', 'ann 2', 'zoe'])
})

test('a guest who got another name has it after a restart too, once they have seen a page', async () => {
  const { enter, house, clock } = open()
  const guest = await house.join('lobby', 'ann')
  const visitor = await enter(ANN)
  const renewed = guestIn(house, await guest.ask())
  assert.not.equal(renewed.token, guest.token)
  const after = open({ clock }).house
  const [one, other] = [moved(visitor, after), moved(renewed, after)]
  assert.equal([(await memberOf(one)).name, (await memberOf(other)).name], ['ann', 'ann 2'])
})

test('of two visitors with one name the second gets one like it, and keeps it', async () => {
  const { enter } = open()
  const first = await enter(ANN)
  for (let count = 0; count < 2; count += 1) {
    const second = await enter({ ...BOB, name: 'Ann' })
    assert.equal([(await memberOf(first)).name, (await memberOf(second)).name], ['ann', 'Ann 2'])
  }
  assert.is((await memberOf(await enter(BOB))).name, 'bob')
})

test('a guest of that browser becomes the visitor, and what hosts made of them stays', async () => {
  const { house, site, mint, rooms } = open()
  const host = await house.open('zoe')
  const guest = await house.join(host.code, 'ann')
  const [own, muted] = [await memberOf(host), (await memberOf(guest)) as { id: string }]
  await rooms.moderate(host.code, { ...own, role: 'host' }, muted.id, 'mute')
  const link = (claims: Claims) => `?visitor=${mint({ ...claims, room: host.code })}`
  const visitor = guestIn(house, await guest.ask(link(ANN)), host.code)
  assert.equal(await memberOf(visitor), { id: visitor.id, name: 'ann', role: 'member', muted: true })
  assert.not.equal(visitor.id, guest.id)
  assert.is((await guest.json()).status, 401, 'the guest is nobody any more')
  const boss = guestIn(house, await host.post('/members', { visitor: link(BOB).split('=')[1] }), host.code)
  assert.is((await memberOf(boss)).role, 'host')
  assert.equal(
    site.rooms
      .present(host.code)
      .map(({ name }) => name)
      .toSorted(),
    ['ann', 'bob'],
  )
})

test('a host who follows a link that somebody sent them gives nothing away before they say so', async () => {
  const { house, mint } = open()
  const host = await house.open('zoe')
  const link = (jti: number, role?: 'member') => mint({ ...BOB, room: host.code, jti, role })
  const token = link(1)
  const door = await host.ask(`?visitor=${token}`)
  assert.equal([door.status, door.headers.get('set-cookie')], [200, null])
  assert.match(await door.text(), `You come in as <b><bdi>bob</bdi></b>`)
  assert.is((await host.ask(`?visitor=${link(3, 'member')}`)).status, 200)
  assert.is((await memberOf(host)).role, 'host', 'they are who they were')
  const bob = guestIn(house, await house.ask(`${host.room}?visitor=${link(2)}`), host.code)
  assert.is((await memberOf(bob)).role, 'member', 'who made the link got nothing')
  const foreign = await host.post('/members', { visitor: token }, { Origin: 'https://evil.example' })
  assert.is(foreign.status, 403)
  const boss = guestIn(house, await host.post('/members', { visitor: token }), host.code)
  assert.equal(await memberOf(boss), { id: bob.id, name: 'bob', role: 'host' })
})

test('a host who follows a link that makes them host, or brings their token as a program, is that visitor at once', async () => {
  const { house, mint } = open()
  const [host, other] = [await house.open('zoe'), await house.open('kim')]
  const link = (code: string, role?: 'host') => `?visitor=${mint({ ...BOB, room: code, role })}`
  const boss = guestIn(house, await host.ask(link(host.code, 'host')), host.code)
  assert.is((await memberOf(boss)).role, 'host')
  const program = (await (await other.json(link(other.code))).json()) as { member: { name: string; role: string } }
  assert.equal([program.member.name, program.member.role], ['bob', 'host'])
})

test('a browser that comes with another person’s link is that person, and the first one stays who they are', async () => {
  const { enter, mint, house } = open()
  const ann = await enter({ ...ANN, role: 'host' })
  const bob = guestIn(house, await ann.ask(`?visitor=${mint(BOB)}`))
  assert.equal(await memberOf(bob), { id: bob.id, name: 'bob', role: 'member' })
  assert.equal(await memberOf(ann), { id: ann.id, name: 'ann', role: 'host' })
})

test('a role is carried into the session, and changes when the site says so', async () => {
  const { enter, house, clock } = open()
  const ann = await enter({ ...ANN, role: 'host' })
  assert.is((await memberOf(ann)).role, 'host')
  assert.is((await memberOf(await enter(ANN))).role, 'host', 'left out it stays')
  assert.is((await memberOf(moved(ann, open({ clock }).house))).role, 'host', 'after a restart')
  const zoe = await house.join('lobby', 'zoe')
  const json = await follow(zoe, '?format=json')
  assert.is((await memberOf(await enter({ ...ANN, role: 'member' }))).role, 'member')
  await json.has(`{"id":"${ann.id}","name":"ann","role":"member"}`)
})

test('the ordinary door, and a sentence, for a token that is not right', async () => {
  const reports: Report[] = []
  const { come, mint, clock } = open({ report: (report) => reports.push(report) })
  const now = Math.floor(clock.now() / 1000)
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
  const [, body] = mint(ANN).split('.')
  const [head, claims, signature] = mint(ANN).split('.')
  const hs512 = signed({ ...ANN, room: 'lobby', exp: now + 60 }, VISITOR_SECRET, { alg: 'HS512', typ: 'JWT' })
  const bad: Record<string, string> = {
    empty: '',
    'no token': 'hello',
    'alg none': `${none}.${body}.`,
    'alg none, signed': signed({ ...ANN, room: 'lobby', exp: now + 60 }, VISITOR_SECRET, { alg: 'none' }),
    'another algorithm': hs512,
    'no algorithm': signed({ ...ANN, room: 'lobby', exp: now + 60 }, VISITOR_SECRET, {}),
    'a critical header': signed({ ...ANN, room: 'lobby', exp: now + 60 }, VISITOR_SECRET, {
      alg: 'HS256',
      crit: ['exp'],
    }),
    forged: signed({ ...ANN, room: 'lobby', exp: now + 60 }, 'another secret than theirs'),
    'other claims': `${head}.${Buffer.from(JSON.stringify({ ...BOB, room: 'lobby', exp: now + 60 })).toString('base64url')}.${signature}`,
    unsigned: `${head}.${claims}.`,
    'no text': `${head}.${claims}.ü`,
    'no claims': signed('hello' as never),
    'null claims': signed(null as never),
    'a list': signed([ANN]),
    'no sub': mint({ name: 'ann' }),
    'an empty sub': mint({ ...ANN, sub: '' }),
    'a number as sub': mint({ ...ANN, sub: 17 }),
    'a long sub': mint({ ...ANN, sub: 'x'.repeat(256) }),
    'no name': mint({ sub: 'user-17' }),
    'a list as name': mint({ ...ANN, name: ['ann'] }),
    'no room': mint({ ...ANN, room: undefined }),
    'another role': mint({ ...ANN, role: 'admin' }),
    'no exp': mint({ ...ANN, exp: undefined }),
    'a text as exp': mint({ ...ANN, exp: `${now + 60}` }),
    'exp too far ahead': mint({ ...ANN, exp: now + 631 }),
    'not yet': mint({ ...ANN, nbf: now + 31 }),
    'made later': mint({ ...ANN, iat: now + 31 }),
    'too long': mint({ ...ANN, more: 'x'.repeat(4096) }),
  }
  for (const [why, token] of Object.entries(bad)) await isDoor(why, token, 'visitor-unproven', 'proves nothing here')
  const told = reports.map(({ event, why }) => `${event} ${why}`)
  assert.is(new Set(told).size, 4)
  assert.is(told.length, 4, 'each reason once a minute, for who runs the site')
  await isDoor('expired', mint({ ...ANN, exp: now - 30 }), 'visitor-expired', 'is too old')
  await isDoor('for another room', mint({ ...ANN, room: 'help' }), 'visitor-elsewhere', 'is for another room')
  for (const name of ['', 'x'.repeat(33), 'a\u202Eb', 'Admin'])
    await isDoor('a name', mint({ ...ANN, name }), 'visitor-name', 'cannot be shown here', true)

  async function isDoor(why: string, token: string, code: string, words: string, isGivenBack = false) {
    const page = await come({}, { token })
    const html = await page.text()
    assert.equal([page.status, page.headers.get('set-cookie')], [200, null], why)
    assert.match(html, words, why)
    assert.match(html, 'name="name"', why)
    const json = await come({}, { token, headers: { Accept: 'application/json' } })
    assert.equal([json.status, await errorIn(json)], [401, code], why)
    if (isGivenBack) assert.is(await errorIn(await come({}, { token, headers: { Accept: 'application/json' } })), code)
  }
})

test('a link that proves nothing is counted as a refusal, once, whoever reads the answer', async () => {
  const { come, house, site } = open()
  const counted = () => site.ledger.refusals['visitor-unproven']
  await come({}, { token: 'x' })
  assert.is(counted(), 1)
  await house.json('/rooms/lobby?visitor=x')
  assert.is(counted(), 2)
})

test('clocks may be half a minute apart, and a token may be for ten minutes', async () => {
  const { come, clock } = open()
  const now = Math.floor(clock.now() / 1000)
  for (const [index, times] of [{ exp: now + 630 }, { exp: now - 29 }, { iat: now + 30 }, { nbf: now + 30 }].entries())
    assert.is((await come({ ...ANN, sub: `${index}`, ...times })).status, 303, JSON.stringify(times))
})

test('any of several secrets verifies, and the id stays the first one’s', async () => {
  const other = 'another visitor secret'
  const { come, house, clock } = open({ visitorSecrets: [VISITOR_SECRET, other] })
  const claims = { ...ANN, room: 'lobby', exp: Math.floor(clock.now() / 1000) + 60 }
  const [one, two] = [signed(claims), signed({ ...claims, jti: 'another' }, other)]
  const members = [await come({}, { token: one }), await come({}, { token: two })].map((answer) =>
    guestIn(house, answer),
  )
  assert.is(members[0].id, members[1].id)
})

test('a token is good once, however its signature is written', async () => {
  const { come, mint } = open()
  const token = mint(ANN)
  assert.is((await come({}, { token })).status, 303)
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = letters.indexOf(token.at(-1) as string)
  const twins = [1, 2, 3].map((bits) => token.slice(0, -1) + letters[(last & ~3) | bits])
  for (const again of [token, `${token}=`, ...twins]) {
    const page = await come({}, { token: again })
    assert.is(page.status, 200)
    assert.match(await page.text(), 'was used before')
    assert.is(await errorIn(await come({}, { token: again, headers: { Accept: 'application/json' } })), 'visitor-used')
  }
})

test('of ten who follow one link at the same moment one gets in', async () => {
  const { come, mint } = open()
  const token = mint(ANN)
  const answers = await Promise.all(Array.from({ length: 10 }, () => come({}, { token })))
  assert.equal(answers.map(({ status }) => status).toSorted(), [...Array<number>(9).fill(200), 303])
})

test('tokens that were used are remembered until they are too old, however the clock is set, and then forgotten', async () => {
  const clock = new TestClock()
  const tokens = new VisitorTokens({ secrets: [VISITOR_SECRET], clock, limit: 2, report: () => {} })
  assert.equal([tokens.use('a').ok, tokens.use('a').ok], [true, false])
  clock.set(24 * HOUR_MS)
  assert.is(tokens.use('a').ok, false)
  assert.is(tokens.use('b').ok, true)
  const full = tokens.use('c')
  assert.equal(!full.ok && [full.refusal, full.retryAfter], ['visitors-busy', 60])
  tokens.giveBack('b')
  assert.is(tokens.use('c').ok, true)
  await clock.pass(11 * 60_000 - 1)
  assert.is(tokens.use('d').ok, false)
  await clock.pass(1)
  assert.equal([tokens.use('a').ok, tokens.use('d').ok], [true, true])
})

test('where no more tokens can be remembered nobody new comes in by one, and is told to wait', async () => {
  const { come, site } = open()
  for (let count = 0; count < 100_000; count += 1) site.visitors.tokens?.use(`${count}`)
  const answer = await come(ANN)
  assert.equal([answer.status, answer.headers.get('retry-after')], [503, '60'])
  assert.match(await answer.text(), 'Very many are coming in')
})

test('a look ahead uses no token up', async () => {
  const { come, mint } = open()
  const token = mint(ANN)
  assert.is((await come({}, { token, method: 'HEAD' })).status, 200)
  for (const headers of [{ 'Sec-Purpose': 'prefetch;prerender' }, { Purpose: 'prefetch' }] as Record<string, string>[])
    assert.is((await come({}, { token, headers })).status, 503, 'so that the browser asks again')
  assert.is((await come({}, { token, headers: { 'Sec-Fetch-Dest': 'image' } })).status, 200)
  assert.is((await come({}, { token, headers: { 'Sec-Fetch-Dest': 'document' } })).status, 303)
})

test('whoever is in the room and follows an old link goes to the room', async () => {
  const { enter, mint, house } = open()
  const [visitor, guest] = [await enter(ANN), await house.join('lobby', 'zoe')]
  const used = mint({ ...BOB, jti: 'x' })
  await house.ask(`/rooms/lobby?visitor=${used}`)
  for (const one of [visitor, guest])
    for (const token of [used, 'nonsense']) {
      const answer = await one.ask(`?visitor=${token}`)
      assert.equal([answer.status, answer.headers.get('location')], [303, '/rooms/lobby'])
      assert.is(answer.headers.get('set-cookie'), null)
      assert.is((await one.json(`?visitor=${token}`)).status, 200)
    }
})

test('a visitor who was banned stays out, whatever their name is now, and a guest who was does not ban it', async () => {
  const { enter, come, rooms, house } = open()
  const host = await memberOf(await enter({ sub: 'boss', name: 'zoe', role: 'host' }))
  const [visitor, guest] = [await enter(ANN), await house.join('lobby', 'bob')]
  for (const one of [visitor, guest]) await rooms.moderate('lobby', host, one.id, 'ban')
  for (const name of ['ann', 'somebody else']) {
    const answer = await come({ ...ANN, name })
    assert.is(answer.status, 403)
    assert.match(await answer.text(), 'does not let you into this room')
  }
  assert.is((await visitor.json()).status, 401)
  assert.is((await memberOf(await enter(BOB))).name, 'bob')
  await rooms.moderate('lobby', host, visitor.id, 'unban')
  assert.is((await memberOf(await enter(ANN))).id, visitor.id)
})

test('who left comes back by a new link, and after a restart too', async () => {
  const first = open()
  const ann = await first.enter(ANN)
  const second = open({ clock: first.clock })
  const again = moved(ann, second.house)
  assert.is((await again.json()).status, 200)
  assert.is((await again.post('/leave')).status, 303)
  assert.is((await again.json()).status, 401)
  const back = await second.enter(ANN)
  assert.is(back.id, ann.id)
  assert.is((await back.json()).status, 200)
})

test('the door holds for visitors too: they knock, are locked out and asked for the password', async () => {
  const { come, enter, rooms, house } = open()
  const host = await memberOf(await enter({ sub: 'boss', name: 'zoe', role: 'host' }))
  const inside = await enter(BOB)
  await rooms.change('lobby', host, { door: 'locked' })
  const locked = await come(ANN)
  assert.is(locked.status, 403)
  assert.match(await locked.text(), 'locked right now')
  assert.is((await memberOf(await enter(BOB))).id, inside.id, 'who is in stays in')
  assert.is((await enter({ sub: 'other', name: 'eve', role: 'host' })).code, 'lobby', 'whoever could open it is let in')
  await rooms.change('lobby', host, { door: 'knock' })
  const knocking = guestIn(house, await come(ANN))
  assert.is((await knocking.json()).status, 403)
  await rooms.moderate('lobby', host, knocking.id, 'admit')
  assert.is((await knocking.json()).status, 200)
})

test('at the door of a room with a password a visitor types only that, and the link is good until it is right', async () => {
  const { mint, enter, rooms, house } = open()
  const host = await memberOf(await enter({ sub: 'boss', name: 'zoe', role: 'host' }))
  await rooms.change('lobby', host, { password: 'open sesame' })
  const token = mint(ANN)
  const door = await house.ask(`/rooms/lobby?visitor=${token}`)
  const html = await door.text()
  assert.is(door.status, 200)
  assert.match(html, 'You come in as <b><bdi>ann</bdi></b>')
  assert.match(html, `name="visitor" value="${token}"`)
  assert.not.match(html, 'name="name"')
  const post = (password: string) => house.post('/rooms/lobby/members', { visitor: token, password })
  const wrong = await post('wrong')
  assert.is(wrong.status, 403)
  assert.match(await wrong.text(), `name="visitor" value="${token}"`)
  const right = await post('open sesame')
  assert.is(right.status, 303)
  assert.is((await memberOf(guestIn(house, right))).name, 'ann')
  assert.is((await post('open sesame')).status, 401, 'used')
  assert.is(await errorIn(await house.json(`/rooms/lobby?visitor=${mint(BOB)}`)), 'password-wrong')
})

test('wrong tokens are counted, and never keep a right one out, nor who joins by a form', async () => {
  const { come, house } = open({ areRatesLimited: true })
  for (let count = 0; count < 60; count += 1) assert.is((await come({}, { token: 'x' })).status, 200)
  assert.is((await come({}, { token: 'x' })).status, 429)
  assert.is((await come(ANN)).status, 303)
  assert.is((await house.post('/rooms/lobby/members', { name: 'zoe' })).status, 303)
})

test('what the store fails at can be tried again with the same link', async () => {
  for (const isDone of [false, true]) {
    const { store, outage } = withOutage(new MemoryStore({ history: 500, bytes: 1024 * 1024, rooms: 10 }))
    const { come, mint, house } = open({ store })
    const token = mint(ANN)
    const log = console.error
    console.error = () => {}
    Object.assign(outage, { of: ['vouch'], isDone })
    const failed = await come({}, { token })
    console.error = log
    assert.is(failed.status, 503)
    Object.assign(outage, { of: [], isDone: false })
    const guest = await house.join('lobby', 'guest')
    outage.of = ['vouch']
    console.error = () => {}
    assert.is((await guest.ask(`?visitor=${token}`)).status, 503, 'for a guest too')
    console.error = log
    outage.of = []
    const ann = guestIn(house, await come({}, { token }))
    assert.is((await memberOf(ann)).name, 'ann')
  }
})

test('without a visitor secret a token is nothing but a word in the address', async () => {
  const { come } = open({ visitorSecrets: undefined })
  const answer = await come(ANN)
  assert.is(answer.status, 200)
  assert.not.match(await answer.text(), 'brought you here')
})

test('a visitor reads and speaks by a socket, and a guest who gives way to them stays connected', async () => {
  const server = await serve({ fixed: [LOBBY], visitorSecrets: [VISITOR_SECRET] })
  const guest = await Person.join(server.url, 'lobby', 'ann')
  const line = await guest.listen()
  await line.frame('id="count"')
  const token = signed({ ...ANN, room: 'lobby', exp: Date.now() / 1000 + 60 })
  const headers = { Accept: 'application/json' }
  const answer = await fetch(`${server.url}/rooms/lobby?visitor=${token}`, { headers })
  const visitor = (await answer.json()) as { token: string; member: { name: string } }
  assert.is(visitor.member.name, 'ann')
  await line.frame('is now called')
  line.send({ text: 'hello', key: 'k' })
  await line.count(1)
  assert.match(line.frames.join(''), /<bdi class="name h\d+">ann 2<\/bdi>/)
  await server.stop()
})

test('the session of the site around the chat is the name, without a link or a form', async () => {
  let asked: string | null = ''
  const { house } = open({
    visitor: (request) => {
      asked = request.headers.get('cookie')
      return asked === 'site=17' ? KNOWN : undefined
    },
  })
  const stranger = await house.ask('/rooms/lobby')
  assert.match(await stranger.text(), 'What shall the others call you?')
  const answer = await house.ask('/rooms/lobby', { headers: { Cookie: 'site=17' } })
  assert.is(answer.status, 200, 'the room at once')
  assert.match(await answer.text(), 'You are <b><bdi>ann</bdi></b>')
  assert.is(asked, 'site=17')
  assert.is((await memberOf(guestIn(house, answer))).name, 'ann')
  const json = await house.json('/rooms/lobby', { headers: { Cookie: 'site=17' } })
  const { token } = (await json.json()) as { token: string }
  assert.is(typeof token, 'string')
})

test('whoever the site knows is that visitor by the forms too, whatever they type', async () => {
  const { house } = open({ visitor: () => KNOWN })
  for (const [path, fields] of [
    ['/join', { code: 'lobby', name: 'somebody' }],
    ['/rooms/lobby/members', { name: 'somebody' }],
  ] as const) {
    const answer = await house.post(path, fields)
    assert.is(answer.status, 303)
    assert.is((await memberOf(guestIn(house, answer))).name, 'ann')
  }
})

test('whose name at the site cannot be shown chooses another, as a guest', async () => {
  const { house } = open({ visitor: () => ({ id: 'user-17', name: 'x'.repeat(33) }) })
  const door = await (await house.ask('/rooms/lobby')).text()
  assert.match(door, 'cannot be shown here')
  assert.match(door, 'name="name"')
  assert.match(await (await house.post('/rooms/lobby/members', { name: '' })).text(), 'Please type a name')
  for (const [path, name] of [
    ['/rooms/lobby/members', 'max'],
    ['/join', 'moritz'],
  ]) {
    const guest = guestIn(house, await house.post(path, { name, code: 'lobby' }))
    assert.match(await (await guest.ask()).text(), `You are <b><bdi>${name}</bdi></b>`)
  }
})

test('the session follows who is signed in at the site', async () => {
  let who: Visitor | undefined
  const { house, rooms } = open({ visitor: () => who })
  const guest = await house.join('lobby', 'bob')
  who = KNOWN
  const ann = guestIn(house, await guest.ask())
  assert.is((await memberOf(ann)).name, 'ann')
  assert.is((await ann.ask()).headers.get('set-cookie'), null, 'the same person needs no other session')
  assert.equal(
    rooms.present('lobby').map(({ name }) => name),
    ['ann'],
  )
  who = { id: 'user-18', name: 'bob' }
  const bob = guestIn(house, await ann.ask())
  assert.is((await memberOf(bob)).name, 'bob')
  who = { id: 'user-18', name: 'Bobby' }
  assert.match(await (await bob.ask()).text(), 'You are <b><bdi>Bobby</bdi></b>')
  who = undefined
  assert.is((await memberOf(bob)).name, 'Bobby', 'nobody signed in: the session stays')
})

test('at a password the site’s visitor types only that', async () => {
  let who: Visitor | undefined = { id: 'boss', name: 'zoe', role: 'host' }
  const { house, rooms } = open({ visitor: () => who })
  const host = await memberOf(guestIn(house, await house.ask('/rooms/lobby')))
  await rooms.change('lobby', host, { password: 'open sesame' })
  who = KNOWN
  const html = await (await house.ask('/rooms/lobby')).text()
  assert.match(html, 'You come in as <b><bdi>ann</bdi></b>')
  assert.not.match(html, 'name="name"')
  assert.is((await house.post('/rooms/lobby/members', { password: 'wrong' })).status, 403)
  const answer = await house.post('/rooms/lobby/members', { password: 'open sesame' })
  assert.is((await memberOf(guestIn(house, answer))).name, 'ann')
})

test('a function that throws, gives nonsense or takes too long leaves the ordinary door, and is reported once a minute', async () => {
  const failures: Record<string, () => unknown> = {
    'threw a secret': () => {
      throw new Error('secret')
    },
    rejected: () => Promise.reject(new Error('secret')),
    nonsense: () => 'ann',
    'no name': () => ({ id: 'x' }),
    'a long id': () => ({ id: 'x'.repeat(256), name: 'ann' }),
    'another role': () => ({ ...KNOWN, role: 'admin' }),
    late: () => new Promise(() => {}),
  }
  for (const [why, visitor] of Object.entries(failures)) {
    const reports: Report[] = []
    const { house, clock } = open({ visitor: visitor as never, report: (report) => reports.push(report) })
    for (let count = 0; count < 3; count += 1) {
      const asked = house.ask('/rooms/lobby')
      await turn()
      if (why === 'late') await clock.pass(3000)
      const answer = await asked
      assert.is(answer.status, 200, why)
      assert.match(await answer.text(), 'What shall the others call you?', why)
    }
    assert.equal(
      reports.map(({ event }) => event),
      ['visitor-unknown'],
      why,
    )
    assert.not.match(JSON.stringify(reports), /secret|ann/)
    await clock.pass(60_000)
    const asked = house.ask('/rooms/lobby')
    await turn()
    if (why === 'late') await clock.pass(3000)
    await asked
    assert.is(reports.length, 2, why)
  }
})

test('a look ahead, a picture and a program with its own token do not bring in whom the site knows', async () => {
  const { house, rooms } = open({ visitor: () => KNOWN })
  assert.is((await house.ask('/rooms/lobby', { headers: { 'Sec-Purpose': 'prefetch' } })).status, 503)
  assert.is((await house.ask('/rooms/lobby', { headers: { 'Sec-Fetch-Dest': 'image' } })).status, 200)
  assert.is((await house.ask('/rooms/lobby', { method: 'HEAD' })).status, 200)
  assert.equal(rooms.present('lobby'), [])
  const { house: plain, clock } = open()
  const robot = moved(await plain.join('lobby', 'robot'), open({ visitor: () => KNOWN, clock }).house)
  assert.is((await memberOf(robot)).name, 'robot')
})

test('a chat that a host mounts takes both, as options', async () => {
  const chat = createChat({
    rooms: 'lobby',
    visitorSecret: VISITOR_SECRET,
    visitor: () => KNOWN,
    secret: 'x'.repeat(16),
  })
  const answer = await chat.app.request(`http://${HOST}/rooms/lobby`)
  assert.match(await answer.text(), 'You are <b><bdi>ann</bdi></b>')
  const token = signed({ ...BOB, room: 'lobby', exp: Date.now() / 1000 + 60 })
  assert.is((await chat.app.request(`http://${HOST}/rooms/lobby?visitor=${token}`)).status, 303)
  await chat.drain()
  assert.throws(() => createChat({ visitor: 'ann' as never }), /“visitor” is to be a function/)
  assert.throws(() => createChat({ visitorSecret: 'short' }), /VISITOR_SECRET/)
})

/** A site with two rooms, to which another site leads visitors. */
function open(options: SiteOptions = {}) {
  const made = makeHouse({ fixed: [LOBBY, HELP], visitorSecrets: [VISITOR_SECRET], report: () => {}, ...options })
  const { house, clock, site } = made
  let number = 0
  const mint = (claims: Claims) =>
    signed({ room: 'lobby', exp: Math.floor(clock.now() / 1000) + 300, jti: `${(number += 1)}`, ...claims })
  const come = (claims: Claims, more: RequestInit & { code?: string; token?: string; more?: string } = {}) => {
    const { code = 'lobby', token = mint(claims), more: query = '', ...init } = more
    return house.ask(`/rooms/${code}?visitor=${encodeURIComponent(token)}${query}`, init)
  }
  const enter = async (claims: Claims) => {
    const guest = guestIn(house, await come(claims))
    if (!guest.id) throw new Error('nobody came in')
    return guest
  }
  return { ...made, mint, come, enter, rooms: site.rooms }
}

/** Somebody who was given a session with an answer. */
function guestIn(house: House, answer: Response, code = 'lobby'): Guest {
  const token = /^parlour=([^;]+)/.exec(answer.headers.get('set-cookie') ?? '')?.[1]
  if (!token) throw new Error(`no session: ${answer.status}`)
  const [, , id] = JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString()) as string[]
  return new Guest(house, code, id, token)
}

/** The same session at another server. */
function moved({ code, id, token }: Guest, house: House): Guest {
  return new Guest(house, code, id, token)
}

async function memberOf(guest: Guest) {
  const answer = await guest.json()
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { member: { id: string; name: string; role: 'host' | 'member' } }).member
}

async function names(guest: Guest): Promise<string[]> {
  const { members } = (await (await guest.json()).json()) as { members: { name: string }[] }
  return members.map(({ name }) => name).toSorted()
}

async function follow(guest: Guest, query = ''): Promise<Stream> {
  const stream = new Stream(await guest.json(`/events${query}`, { headers: { Accept: 'text/event-stream' } }))
  await stream.until((text) => text.includes('id: '))
  return stream
}

test.run()
