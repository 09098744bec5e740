import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Member, Result } from '../rooms/types.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { TestClock, turn } from './support/clock.ts'
import { Ear, plainFormat } from './support/ear.ts'
import { errorIn, type Guest, makeHouse } from './support/site.ts'
import { eventsIn, Stream } from './support/stream.ts'

const MINUTE_MS = 60_000
const { sizeOf } = plainFormat

const test = suite('hosting')

test('who makes a room is its host, and who joins is not', async () => {
  const { house, rooms, ann, bob } = await opened()
  assert.equal([ann.role, bob.role], ['host', 'member'])
  const { code } = house.ann
  for (const [host, ...rest] of [
    [bob, { slow: 5 }],
    [bob, { title: 'mine' }],
  ] as const) {
    const refused = await rooms.change(code, host, rest[0])
    assert.is(!refused.ok && refused.refusal, 'not-allowed')
  }
  const answer = (await (await house.ann.json()).json()) as { member: object; room: object }
  assert.equal(answer.member, { id: ann.id, name: 'ann', role: 'host' })
  assert.equal(answer.room, {
    code,
    title: 'Friday',
    created: '2026-11-22T16:00:01.000Z',
    notice: '',
    door: 'open',
    password: false,
    slow: 0,
    readonly: false,
  })
})

test('an edit is told to everyone in the order of the log, in JSON and in HTML, and a page shows it', async () => {
  const { house, rooms, bob } = await opened()
  const { code } = house.ann
  const [json, html] = [await follow(house.ann, '?format=json'), await follow(house.ann)]
  const said = await house.bob.say('helo')
  await json.has('"helo"')
  const edited = must(await rooms.edit(code, bob, said.cursor, 'hello'))
  const after = await house.bob.say('bye')
  await json.has('"bye"')
  await html.has('bye')
  const events = eventsIn(json.text).map(({ event, id, data }) => [event, id, JSON.parse(data)])
  const now = { ...said, text: 'hello', edited: new Date(edited.message.edited as number).toISOString() }
  assert.equal(events, [
    ['message', said.cursor, said],
    ['edited', events[1][1], now],
    ['message', after.cursor, after],
  ])
  assert.match(events[1][1], /^2\./)
  assert.match(html.text, /<li id="m1" class="message edited" [^>]*hx-swap-oob="true">.*>hello</)
  const page = await (await house.ann.ask()).text()
  assert.match(page, /<li id="m1" class="message edited"[^>]*>.*>hello</)
  assert.not.match(page, 'helo<')
  const { messages } = (await (await house.ann.json('/messages')).json()) as { messages: object[] }
  assert.equal(messages, [now, after])
  await Promise.all([json.close(), html.close()])
})

test('a message that was taken back leaves nothing of its text, for who was there, who comes and who comes back', async () => {
  const { house, rooms, bob } = await opened()
  const { code } = house.ann
  const [json, html] = [await follow(house.ann, '?format=json'), await follow(house.ann)]
  const said = await house.bob.say('a secret')
  must(await rooms.edit(code, bob, said.cursor, 'another secret'))
  must(await rooms.delete(code, bob, said.cursor))
  await house.bob.say('bye')
  await json.has('"bye"')
  const last = eventsIn(json.text).at(-2)
  assert.is(last?.event, 'deleted')
  const { text, key, ...rest } = said as typeof said & { text: string; key: string }
  assert.equal(JSON.parse(last?.data ?? ''), { ...rest, deleted: true })
  await html.has('class="message deleted"')
  const again = await follow(house.ann, '?format=json&since=0.none')
  await again.has('"bye"')
  for (const shown of [
    again.text,
    await (await house.ann.ask()).text(),
    await (await house.ann.json('/messages')).text(),
    await (await house.ann.json('/messages?after=0.none')).text(),
    await (await house.ann.ask('/messages')).text(),
  ])
    assert.not.match(shown, 'secret')
  assert.ok(text && key)
  await Promise.all([json.close(), html.close(), again.close()])
})

test('a text can be changed for a quarter of an hour, by who said it', async () => {
  const { house, rooms, clock, ann, bob } = await opened()
  const { code } = house.ann
  const { cursor } = await house.bob.say('hello')
  const edit = async (member: Member, text = 'x') => {
    const done = await rooms.edit(code, member, cursor, text)
    return done.ok ? done.message.text : done.refusal
  }
  assert.equal([await edit(ann), await edit(bob, ' '), await edit(bob)], ['not-allowed', 'text-blank', 'x'])
  await clock.pass(15 * MINUTE_MS + 1000)
  assert.is(await edit(bob), 'too-late')
  assert.ok((await rooms.delete(code, ann, cursor)).ok, 'a host takes anything back, at any time')
  const gone = await rooms.edit(code, bob, '7.nothing', 'x')
  assert.is(!gone.ok && gone.refusal, 'message-unknown')
})

test('who is removed is closed everywhere and is no member; who is banned cannot come back for as long', async () => {
  const { house, rooms, clock, ann, bob } = await opened()
  const { code } = house.ann
  const json = await follow(house.ann, '?format=json')
  const ear = new Ear(bob)
  await rooms.enter(code, ear)
  await rooms.connect(code, ear, '')
  must(await rooms.moderate(code, ann, bob.id, 'remove'))
  await turn()
  assert.is(ear.farewell, 'removed')
  assert.is((await house.bob.json('/messages')).status, 401)
  await json.has('event: member')
  assert.equal(JSON.parse(eventsIn(json.text)[0].data), { id: bob.id, name: 'bob', role: 'member', gone: true })
  const again = must(await rooms.join(code, 'bob')).member
  must(await rooms.moderate(code, ann, again.id, 'ban', 10 * MINUTE_MS))
  const refused = await rooms.join(code, 'Bob')
  assert.is(!refused.ok && refused.refusal, 'banned')
  await clock.pass(10 * MINUTE_MS)
  must(await rooms.join(code, 'bob'))
  await json.close()
})

test('who is muted reads and does not speak, and is told of being heard again', async () => {
  const { house, rooms, ann, bob } = await opened()
  const { code } = house.ann
  const json = await follow(house.bob, '?format=json')
  assert.equal(must(await rooms.moderate(code, ann, bob.id, 'mute')).member, { ...bob, isMuted: true })
  await json.has('"muted":true')
  const response = await house.bob.json('/messages', { method: 'POST', body: new URLSearchParams({ text: 'hello' }) })
  assert.is(response.status, 403)
  must(await rooms.moderate(code, ann, bob.id, 'unmute'))
  await house.bob.say('hello')
  await json.has('"hello"')
  assert.equal(
    eventsIn(json.text)
      .slice(0, 2)
      .map(({ event, data }) => [event, JSON.parse(data).muted]),
    [
      ['member', true],
      ['member', undefined],
    ],
  )
  await json.close()
})

test('a host changes the room, and everyone is told how it is now, without its password', async () => {
  const { house, rooms, ann } = await opened()
  const { code } = house.ann
  const json = await follow(house.bob, '?format=json')
  must(await rooms.change(code, ann, { title: 'Saturday', notice: 'Be kind', slow: 10, password: 'open sesame' }))
  await json.has('event: room')
  const [{ data }] = eventsIn(json.text)
  const { created, ...room } = JSON.parse(data)
  assert.equal(room, {
    ...{ code, title: 'Saturday', notice: 'Be kind', door: 'open', password: true, slow: 10, readonly: false },
  })
  assert.ok(created)
  assert.not.match(JSON.stringify(await rooms.find(code)), 'sesame')
  for (const [change, refusal] of [
    [{ title: 'x'.repeat(81) }, 'title-too-long'],
    [{ notice: 'x'.repeat(281) }, 'notice-too-long'],
    [{ notice: 'x\u200Bx\u0007' }, 'notice-not-allowed'],
    [{ password: 'x'.repeat(129) }, 'password-too-long'],
    [{ slow: -1 }, 'malformed'],
    [{ slow: 3601 }, 'malformed'],
    [{ slow: 1.5 }, 'malformed'],
  ] as const) {
    const refused = await rooms.change(code, ann, change)
    assert.is(!refused.ok && refused.refusal, refusal)
  }
  await json.close()
})

test('the door keeps out whom it is to keep out', async () => {
  const { house, rooms, ann } = await opened()
  const { code } = house.ann
  const join = async (name: string, password?: string) => {
    const joined = await rooms.join(code, name, password)
    return joined.ok ? joined.member : joined.refusal
  }
  must(await rooms.change(code, ann, { password: 'sesame' }))
  assert.equal([await join('zoe'), await join('zoe', 'Sesame')], ['password-wrong', 'password-wrong'])
  assert.is(((await join('zoe', 'sesame')) as Member).name, 'zoe')
  must(await rooms.change(code, ann, { password: '', door: 'locked' }))
  assert.is(await join('max'), 'door-locked')
  must(await rooms.change(code, ann, { door: 'open' }))
  assert.is(((await join('max')) as Member).name, 'max')
})

test('who has the password comes in with a form or with JSON, and who has it not is told so beside its field', async () => {
  const { house, rooms, ann } = await opened()
  const { code, room, house: site } = house.ann
  const door = async () => (await site.ask(room)).text()
  assert.not.match(await door(), 'type="password"')
  must(await rooms.change(code, ann, { password: 'open "sesame"' }))
  assert.match(await door(), /<input id="join-password" name="password" value="" required type="password"/)
  for (const [password, typed] of [
    ['', ''],
    ['Open "sesame"', 'Open &quot;sesame&quot;'],
    ['x'.repeat(129), 'x'.repeat(129)],
  ]) {
    const refused = await site.post(`${room}/members`, { name: 'zoe', password })
    const page = await refused.text()
    assert.is(refused.status, 403)
    assert.match(page, /name="name" value="zoe"/)
    assert.match(page, `name="password" value="${typed}"`)
    assert.match(
      page,
      /aria-describedby="join-password-why">\s*<span id="join-password-why" class="reason">This room has a pass/,
    )
  }
  const enter = (fields: object) => {
    const headers = { 'Content-Type': 'application/json' }
    return site.json(`${room}/members`, { method: 'POST', headers, body: JSON.stringify(fields) })
  }
  for (const fields of [{}, { password: null }, { password: 'sesame' }]) {
    const refused = await enter({ name: 'zoe', ...fields })
    assert.equal([refused.status, await errorIn(refused)], [403, 'password-wrong'])
  }
  assert.is((await enter({ name: 'zoe', password: ['open "sesame"'] })).status, 400)
  const joined = await enter({ name: 'zoe', password: 'open "sesame"' })
  assert.equal([joined.status, ((await joined.json()) as { member: Member }).member.name], [201, 'zoe'])
  assert.is((await site.post(`${room}/members`, { name: 'max', password: 'open "sesame"' })).status, 303)
})

test('who types the code of a room with a password is shown its door, with the name that was typed', async () => {
  const { house, rooms, ann } = await opened()
  const { code, room, house: site } = house.ann
  must(await rooms.change(code, ann, { password: 'sesame' }))
  const shown = await site.post('/join', { code, name: 'zoe' })
  const page = await shown.text()
  assert.is(shown.status, 403)
  assert.match(
    page,
    new RegExp(`<form action="${room}/members"[^]*name="name" value="zoe"[^]*name="password" value=""`),
  )
  const refused = await site.json('/join', { method: 'POST', body: new URLSearchParams({ code, name: 'zoe' }) })
  assert.equal([refused.status, await errorIn(refused)], [403, 'password-wrong'])
})

test('who knocks sees nothing and says nothing before a host lets them in', async () => {
  const { house, rooms, ann } = await opened()
  const { code } = house.ann
  await house.ann.say('a secret')
  must(await rooms.change(code, ann, { door: 'knock' }))
  const zoe = await house.join(code, 'zoe')
  for (const path of ['', '/messages', '/events', '/live', '/write']) {
    for (const response of [await zoe.json(path), await zoe.ask(path)]) {
      assert.is(response.status, 403, path)
      assert.not.match(await response.text(), 'secret')
    }
  }
  const said = await zoe.json('/messages', { method: 'POST', body: new URLSearchParams({ text: 'hello' }) })
  assert.is(said.status, 403)
  assert.not.ok(rooms.present(code).some(({ id }) => id === zoe.id))
  must(await rooms.moderate(code, ann, zoe.id, 'admit'))
  assert.equal(await zoe.texts(), ['a secret'])
  await zoe.say('hello')
})

test('in a room that is read only, or slow, hosts alone speak as they like', async () => {
  const { house, rooms, clock, ann, bob } = await opened()
  const { code } = house.ann
  const say = async (member: Member) => {
    const posted = await rooms.post(code, member, { text: 'hello', key: '' })
    return posted.ok ? 'said' : [posted.refusal, posted.retryAfter]
  }
  must(await rooms.change(code, ann, { isReadOnly: true }))
  assert.equal([await say(bob), await say(ann)], [['read-only', undefined], 'said'])
  must(await rooms.change(code, ann, { isReadOnly: false, slow: 10 }))
  assert.equal([await say(bob), await say(bob)], ['said', ['slow-mode', 10]])
  assert.equal([await say(ann), await say(ann)], ['said', 'said'])
  await clock.pass(10_000)
  assert.is(await say(bob), 'said')
})

test('what was cleared is gone for everyone, and is not told as missing', async () => {
  const { house, rooms, ann } = await opened()
  const { code } = house.ann
  const first = await house.bob.say('one')
  const json = await follow(house.bob, '?format=json')
  must(await rooms.clear(code, ann))
  await house.bob.say('two')
  await json.has('"two"')
  assert.equal(
    eventsIn(json.text).map(({ event }) => event),
    ['cleared', 'message'],
  )
  const page = must(await rooms.read(code, { sizeOf })).page
  assert.equal([page.messages.map(({ text }) => text), page.gap], [['two'], undefined])
  const { stretch } = must(await rooms.readOn(code, { cursor: first.cursor, sizeOf }))
  assert.equal([stretch.entries.map(({ kind }) => kind), stretch.gap], [['cleared', 'message'], undefined])
  await json.close()
})

test('a fresh read says of members what the events said, whether they hold a connection or not', async () => {
  const { house, rooms, ann, bob } = await opened()
  const { code } = house.ann
  const json = await follow(house.ann, '?format=json')
  must(await rooms.moderate(code, ann, bob.id, 'mute'))
  must(await rooms.moderate(code, ann, bob.id, 'host'))
  await house.ann.say('bye')
  await json.has('"bye"')
  const members = async () => ((await (await house.ann.json()).json()) as { members: object[] }).members
  const now = JSON.parse(eventsIn(json.text).at(-2)?.data ?? '')
  assert.equal(await members(), [{ id: ann.id, name: 'ann', role: 'host' }, now])
  await json.close()
  must(await rooms.moderate(code, ann, bob.id, 'unmute'))
  assert.equal(await members(), [
    { id: ann.id, name: 'ann', role: 'host' },
    { id: bob.id, name: 'bob', role: 'host' },
  ])
  must(await rooms.moderate(code, ann, bob.id, 'remove'))
  assert.equal(await members(), [{ id: ann.id, name: 'ann', role: 'host' }])
})

test('who was banned and is not any more is told as gone, because they are no member', async () => {
  const { house, rooms, ann, bob } = await opened()
  const { code } = house.ann
  const json = await follow(house.ann, '?format=json')
  must(await rooms.moderate(code, ann, bob.id, 'ban'))
  must(await rooms.moderate(code, ann, bob.id, 'unban'))
  await json.has('event: member')
  assert.equal(JSON.parse(eventsIn(json.text)[0].data), { id: bob.id, name: 'bob', role: 'member', gone: true })
  await json.close()
})

test('a page without scripts that comes back shows all its lines, though what hosts did is kept no longer', async () => {
  const { house, rooms, ann, bob } = await opened({ acts: 1 })
  const { code } = house.ann
  await house.ann.say('one')
  const { cursor } = await house.ann.say('two')
  must(await rooms.moderate(code, ann, bob.id, 'mute'))
  must(await rooms.change(code, ann, { notice: 'Be kind' }))
  const page = new Stream(await house.ann.ask(`/live?since=${cursor}`))
  await page.until((text) => text.includes('two'))
  assert.match(page.text, 'one')
  await page.close()
})

test('a key that is sent again after its message was taken back is answered as taken', async () => {
  const { house, rooms, bob } = await opened()
  const said = await house.bob.say('hello', 'the key')
  must(await rooms.delete(house.ann.code, bob, said.cursor))
  const headers = { 'HX-Request': 'true' }
  const again = await house.bob.post('/messages', { text: 'hello', key: 'the key' }, headers)
  assert.match(await again.text(), `data-key="the key" data-cursor="${said.cursor}"`)
})

test('what follows a place is answered oldest first, changed or not, and no longer than any other answer', async () => {
  const { house, rooms, clock, bob } = await opened()
  const { code } = house.ann
  const said = []
  for (let count = 1; count <= 100; count += 1) {
    said.push(await house.bob.say(`${count}`))
    await clock.pass(100)
  }
  const after = async (cursor: string) => {
    const text = await (await house.ann.json(`/messages?after=${cursor}&limit=200`)).text()
    const page = JSON.parse(text) as { messages: { seq: number }[]; more: boolean; cursor: string }
    return { bytes: text.length, seqs: page.messages.map(({ seq }) => seq), ...page }
  }
  must(await rooms.edit(code, bob, said[98].cursor, 'changed'))
  must(await rooms.edit(code, bob, said[0].cursor, 'changed'))
  await house.bob.say('bye')
  assert.equal((await after(said[97].cursor)).seqs, [1, 99, 100, 103])
  // In JSON it is six times as long.
  for (const { cursor } of said) must(await rooms.edit(code, bob, cursor, `x${'\u0001'.repeat(3900)}`))
  const seqs = new Set<number>()
  let page
  do {
    page = await after(page?.cursor ?? said[99].cursor)
    assert.ok(page.bytes < 256 * 1024, `${page.bytes} bytes`)
    for (const seq of page.seqs) seqs.add(seq)
  } while (page.more)
  assert.is(seqs.size, 101)
})

test('what is not said of a room stays as it is, and a door that cannot be is refused', async () => {
  const { house, rooms, ann } = await opened()
  const { code } = house.ann
  const before = await rooms.find(code)
  const wanted = { title: undefined, notice: 'Be kind', code: 'x', generation: 'x' }
  const { room } = must(await rooms.change(code, ann, wanted as object))
  assert.equal(room, { ...before, notice: 'Be kind' })
  const refused = await rooms.change(code, ann, { door: 'ajar' } as never)
  assert.is(!refused.ok && refused.refusal, 'malformed')
  await house.bob.say('hello')
})

test('a room that its host ends is gone for good, and so is every session in it', async () => {
  const { house, rooms, ann, bob } = await opened()
  const { code } = house.ann
  const refused = await rooms.end(code, bob)
  assert.is(!refused.ok && refused.refusal, 'not-allowed')
  const ear = new Ear(bob)
  await rooms.enter(code, ear)
  must(await rooms.end(code, ann))
  await turn()
  assert.is(ear.farewell, 'room-gone')
  assert.equal([(await house.ann.json()).status, (await house.bob.json()).status], [404, 404])
})

test('what hosts do takes no message from the history', async () => {
  const { house, rooms, clock, ann } = await opened({ history: 5 })
  const { code } = house.ann
  for (let count = 1; count <= 5; count += 1) await house.bob.say(`${count}`)
  for (let count = 1; count <= 40; count += 1) {
    must(await rooms.change(code, ann, { notice: `notice ${count}` }))
    await clock.pass(1000)
  }
  assert.equal(await house.bob.texts(), ['1', '2', '3', '4', '5'])
})

async function opened({ history = 500, acts }: { history?: number; acts?: number } = {}) {
  const clock = new TestClock()
  const store = new MemoryStore({ history, bytes: 1024 * 1024, rooms: 10, acts, clock })
  const { house, site } = makeHouse({ store, clock })
  const ann = await house.open('ann', 'Friday')
  const bob = await house.join(ann.code, 'bob')
  const { rooms } = site
  const of = ({ id }: Guest) => rooms.present(ann.code).find((member) => member.id === id) as Member
  const join = house.join.bind(house)
  return { house: { ann, bob, join }, rooms, clock, ann: of(ann), bob: of(bob) }
}

/** The room's events from now on, as this member gets them. */
async function follow(guest: Guest, query = ''): Promise<Stream> {
  const stream = new Stream(await guest.json(`/events${query}`, { headers: { Accept: 'text/event-stream' } }))
  await stream.until((text) => text.includes('id: '))
  return stream
}

function must<T>(result: Result<T>): { readonly ok: true } & T {
  if (!result.ok) throw new Error(result.refusal)
  return result
}

test.run()
