import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { createChat } from '../routes/chat.ts'
import { TestClock, turn } from './support/clock.ts'
import { suite } from './support/ground.ts'
import { withOutage } from './support/outage.ts'
import { Person } from './support/person.ts'
import { serve } from './support/server.ts'
import { errorIn, type Guest, HOST, makeHouse, type SiteOptions } from './support/site.ts'

const LOBBY = { code: 'lobby', title: 'The lobby' }
const HELP = { code: 'help-desk', title: '' }
const HOUR_MS = 60 * 60 * 1000
const BOUNDS = { history: 500, bytes: 1024 * 1024 }

const test = suite('fixed')

test('a room that always exists is there before anybody asked for it, and nobody who joins is its host', async () => {
  const { house } = open()
  const answer = await house.ask('/rooms/lobby')
  assert.is(answer.status, 200)
  assert.match(await answer.text(), 'The lobby')
  assert.match(await (await house.ask('/rooms/help-desk')).text(), 'Room help-desk')
  const [ann, bob] = [await house.join('lobby', 'ann'), await house.join('lobby', 'bob')]
  for (const one of [ann, bob]) assert.is((await seen(one)).member.role, 'member')
  await ann.say('hello')
  assert.equal(await bob.texts(), ['hello'])
})

test('its code is read however it is typed, at the door and in an address', async () => {
  const { house } = open()
  for (const [index, code] of ['LOBBY', ' lob by ', 'Help Desk', 'helpdesk'].entries())
    assert.is((await house.post('/join', { code, name: `ann ${index}` })).status, 303, code)
  const answer = await house.ask('/rooms/LOBBY/live?x=1')
  assert.equal([answer.status, answer.headers.get('location')], [308, '/rooms/lobby/live?x=1'])
})

test('a name that is none of the rooms is unknown, and counts as a code that was guessed', async () => {
  const { house } = open({ areRatesLimited: true })
  for (let count = 0; count < 10; count += 1)
    assert.is(await errorIn(await house.json(`/rooms/staff${count}`)), 'room-unknown')
  const answer = await house.json('/rooms/staff')
  assert.equal([answer.status, await errorIn(answer)], [429, 'too-many-tries'])
})

test('it never expires, and others do', async () => {
  const { house, clock } = open({ ttl: HOUR_MS })
  const [ann, zoe] = [await house.join('lobby', 'ann'), await house.open('zoe')]
  await ann.say('hello')
  await clock.pass(3 * HOUR_MS)
  await turn()
  assert.is((await house.ask(zoe.room)).status, 404)
  assert.equal(await ann.texts(), ['hello'])
})

test('it does not give way where there are too many rooms, nor does its absence refuse it a place', async () => {
  const clock = new TestClock()
  const { house } = open({ clock, store: new MemoryStore({ ...BOUNDS, rooms: 2, clock }) })
  const [zoe, eve] = [await house.open('zoe'), await house.open('eve')]
  for (const one of [zoe, eve]) await one.say('here')
  assert.is((await house.ask('/rooms/lobby')).status, 200)
  assert.is((await house.json('/rooms', { method: 'POST', body: new URLSearchParams({ name: 'bob' }) })).status, 503)
  assert.is((await house.ask('/rooms/lobby')).status, 200)
})

test('a restart takes its members back there, and says that what was said is gone', async () => {
  const before = open()
  const ann = await before.house.join('lobby', 'ann')
  const { cursor } = await ann.say('hello')
  const { house } = open({ clock: before.clock })
  const again = Object.assign(Object.create(Object.getPrototypeOf(ann)) as Guest, ann, { house })
  assert.equal((await seen(again)).member, { id: ann.id, name: 'ann', role: 'member' })
  const read = (await (await again.json(`/messages?after=${cursor}`)).json()) as { gap: unknown; messages: unknown[] }
  assert.equal([read.gap, read.messages], [{ missed: null }, []])
  assert.is((await house.json('/rooms/lobby/members', form({ name: 'ann' }))).status, 409, 'the name is still theirs')
})

test('a session does not bring back a room that always existed and is no longer set', async () => {
  const before = open()
  const ann = await before.house.join('lobby', 'ann')
  for (const fixed of [[], [HELP]]) {
    const { house } = open({ clock: before.clock, fixed })
    const answer = await house.ask('/rooms/lobby', { headers: { Cookie: `parlour=${ann.token}` } })
    assert.is(answer.status, 404)
  }
})

test('a session of a room that always exists is worth nothing in one of another server’s secret', async () => {
  const ann = await open().house.join('lobby', 'ann')
  const { house } = open({ secrets: ['another secret of the tests'] })
  const answer = await house.json('/rooms/lobby', { headers: { Authorization: `Bearer ${ann.token}` } })
  assert.is(answer.status, 401)
})

test('a host cannot end it, and is told what to do instead', async () => {
  const { site } = open()
  const vouched = await site.rooms.vouch('lobby', { id: 'c0ffee', name: 'eve', role: 'host' })
  if (!vouched.ok) throw new Error(vouched.refusal)
  const refused = await site.rooms.end('lobby', vouched.member)
  assert.is(!refused.ok && refused.refusal, 'room-fixed')
  assert.ok(await site.rooms.find('lobby'))
})

test('it is there as soon as the store answers, however often that failed before', async () => {
  for (const isDone of [false, true]) {
    const clock = new TestClock()
    const { store, outage } = withOutage(new MemoryStore({ ...BOUNDS, rooms: 10, clock }))
    const { house } = open({ clock, store })
    const log = console.error
    console.error = () => {}
    for (const of of ['all', ['establish'], ['find']] as const) {
      Object.assign(outage, { of, isDone })
      assert.is((await house.ask('/rooms/lobby')).status, 503)
    }
    console.error = log
    outage.of = []
    assert.is((await house.ask('/rooms/lobby')).status, 200)
    assert.ok(await house.join('lobby', 'ann'))
  }
})

test('with exactly one such room the first page leads to it, and others can still be made', async () => {
  const { house } = open({ fixed: [LOBBY] })
  for (const accept of ['text/html', 'application/json']) {
    const answer = await house.ask('/?a=b', { headers: { Accept: accept } })
    assert.equal([answer.status, answer.headers.get('location')], [303, '/rooms/lobby?a=b'])
  }
  const zoe = await house.open('zoe')
  assert.not.equal(zoe.code, 'lobby')
  assert.not.match(await (await house.ask('/rooms/lobby')).text(), 'Another room')
  assert.match(await (await house.ask(zoe.room)).text(), 'Another room')
  assert.is((await open().house.ask('/')).status, 200, 'of two rooms one is to be chosen')
})

test('it is also below a base path, and in a chat that a host mounts', async () => {
  const { house } = open({ base: '/chat', fixed: [LOBBY] })
  assert.is((await house.ask('/')).headers.get('location'), '/chat/rooms/lobby')
  const chat = createChat({ rooms: ['lobby=The lobby'] })
  const answer = await chat.app.request(`http://${HOST}/rooms/lobby`)
  assert.match(await answer.text(), 'The lobby')
  await chat.drain()
})

test('whoever is in it speaks and hears by a socket', async () => {
  const server = await serve({ fixed: [LOBBY] })
  const [ann, bob] = [await Person.join(server.url, 'Lobby', 'ann'), await Person.join(server.url, 'lobby', 'bob')]
  const line = await bob.listen()
  await line.frame('id="count"')
  await ann.say('hello')
  await line.count(1)
  assert.equal(line.texts, ['hello'])
  await server.stop()
})

function open(options: SiteOptions = {}) {
  return makeHouse({ fixed: [LOBBY, HELP], ...options })
}

function form(fields: Record<string, string>): RequestInit {
  return { method: 'POST', body: new URLSearchParams(fields) }
}

async function seen(guest: Guest) {
  return (await (await guest.json()).json()) as { member: { id: string; name: string; role: 'member' } }
}

test.run()
