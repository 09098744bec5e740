import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/memory.ts'
import { type Claim, Rooms, type RoomsOptions } from '../rooms/rooms.ts'
import type { Member, Result, Room } from '../rooms/types.ts'
import { TestClock, turn } from './support/clock.ts'
import { Ear } from './support/ear.ts'

const HOUR = 60 * 60 * 1000
const GRACE = 20_000

const test = suite('rooms')

test('whoever makes a room is its first member', async () => {
  const rooms = house()
  const { room, member } = must(await rooms.create(' Friday ', ' ann '))
  assert.match(room.code, /^(\w{3}-){2}\w{3}$/)
  assert.equal([room.title, member.name], ['Friday', 'ann'])
  assert.equal(await rooms.find(room.code), room)
  assert.equal(rooms.present(room.code), [member])
})

test('no room is made for a name or a title that cannot be', async () => {
  const store = new MemoryStore({ history: 10, bytes: 1000 })
  const rooms = house({ store })
  assert.equal(await rooms.create('', ' '), { ok: false, refusal: 'name-blank' })
  assert.equal(await rooms.create('x'.repeat(81), 'ann'), { ok: false, refusal: 'title-too-long', limit: 80 })
  assert.equal(await rooms.create('', 'admin'), { ok: false, refusal: 'name-reserved' })
  assert.is(await store.count(), 0)
})

test('there are only so many rooms', async () => {
  const rooms = house({ limit: 2 })
  must(await rooms.create('', 'ann'))
  must(await rooms.create('', 'ann'))
  const refused = await rooms.create('', 'ann')
  assert.is(!refused.ok && refused.refusal, 'rooms-full')
})

test('a second ann is refused, and could have the name that is suggested', async () => {
  const { rooms, room } = await open()
  for (const name of ['ann', 'Ann', 'аnn', 'an n']) {
    const refused = await rooms.join(room.code, name)
    assert.ok(!refused.ok && refused.refusal === 'name-taken' && refused.suggestion)
    assert.is(refused.suggestion, `${name} 2`)
  }
  must(await rooms.join(room.code, 'ann 2'))
  const refused = await rooms.join(room.code, 'ANN')
  assert.is(!refused.ok && refused.suggestion, 'ANN 3')
})

test('among a thousand namesakes a free name is still found', async () => {
  const { rooms, room } = await open()
  for (let number = 2; number < 1000; number += 1) must(await rooms.join(room.code, `ann ${number}`))
  const refused = await rooms.join(room.code, 'ann')
  assert.ok(!refused.ok && refused.suggestion)
  must(await rooms.join(room.code, refused.suggestion))
})

test('nobody joins a room that is not there', async () => {
  assert.equal(await house().join('ACD-EFG-HJK', 'ann'), { ok: false, refusal: 'room-unknown' })
})

test('ids of members say nothing, and are never the same', async () => {
  const { rooms, room } = await open()
  const ids = new Set<string>()
  for (let count = 0; count < 100; count += 1) ids.add(must(await rooms.join(room.code, `guest ${count}`)).member.id)
  assert.is(ids.size, 100)
  for (const id of ids) assert.match(id, /^[0-9a-f]{12}$/)
})

test('five at once and then two a second, for each member', async () => {
  const clock = new TestClock()
  const { rooms, room, ann } = await open({ clock, areRatesLimited: true })
  const bob = must(await rooms.join(room.code, 'bob')).member
  const say = async (member: Member) => {
    const posted = await rooms.post(room.code, member, { text: 'hello', key: '' })
    return posted.ok ? posted.message.seq : posted.refusal
  }
  for (let seq = 1; seq <= 5; seq += 1) assert.is(await say(ann), seq)
  assert.equal(await rooms.post(room.code, ann, { text: 'hello', key: '' }), {
    ok: false,
    refusal: 'too-fast',
    retryAfter: 1,
  })
  assert.is(await say(bob), 6, 'others may go on')
  await clock.pass(499)
  assert.is(await say(ann), 'too-fast')
  await clock.pass(1)
  assert.is(await say(ann), 7)
  await clock.pass(60_000)
  for (let count = 0; count < 5; count += 1) assert.type(await say(ann), 'number')
  assert.is(await say(ann), 'too-fast', 'what was not used is not saved up')
})

test('what is blank, too long or by nobody is not said', async () => {
  const { rooms, room, ann, ear } = await listening()
  const say = async (text: string, key = '', member = ann) => {
    const posted = await rooms.post(room.code, member, { text, key })
    return posted.ok ? 'said' : posted.refusal
  }
  assert.is(await say(' \n'), 'text-blank')
  assert.is(await say('x'.repeat(4001)), 'text-too-long')
  assert.is(await say('hello', 'k'.repeat(129)), 'key-too-long')
  assert.is(await say('hello', '', { id: 'nobody', name: 'ann' }), 'no-session')
  assert.is(await say('hello'), 'said')
  await turn()
  assert.equal(ear.texts, ['hello'])
})

test('a cursor that cannot be one is refused, and so are two', async () => {
  const { rooms, room, ann } = await open()
  must(await rooms.post(room.code, ann, { text: 'hello', key: '' }))
  const { page } = must(await rooms.history(room.code))
  for (const query of [
    { before: 'x' },
    { after: '1' },
    { after: '1.T!' },
    { before: page.cursor, after: page.cursor },
  ]) {
    assert.equal(await rooms.history(room.code, query), { ok: false, refusal: 'malformed' })
  }
})

test('a page is 50 long, and never more than 200', async () => {
  const { rooms, room, ann } = await open()
  for (let count = 0; count < 250; count += 1) must(await rooms.post(room.code, ann, { text: 'hello', key: '' }))
  const lengths = await Promise.all(
    [undefined, 1, 200, 1000, -5].map(
      async (limit) => must(await rooms.history(room.code, { limit })).page.entries.length,
    ),
  )
  assert.equal(lengths, [50, 1, 200, 200, 1])
})

test('whoever leaves is no member any more, and their connections are closed, begun or not', async () => {
  const { rooms, room, ann } = await open()
  const bob = must(await rooms.join(room.code, 'bob')).member
  const [begun, waiting, other] = [new Ear(ann), new Ear(ann), new Ear(bob)]
  for (const ear of [begun, waiting, other]) rooms.enter(room.code, ear)
  await rooms.connect(room.code, begun, '')
  await rooms.connect(room.code, other, '')
  await rooms.leave(room.code, ann.id)
  assert.equal([begun.farewell, waiting.farewell, other.farewell], ['removed', 'removed', undefined])
  for (const ear of [begun, waiting]) rooms.disconnect(room.code, ear)
  assert.equal(rooms.present(room.code), [bob])
  assert.is(await rooms.recognise(claim(room, ann)), undefined)
  assert.is((await rooms.post(room.code, ann, { text: 'hello', key: '' })).ok, false)
  must(await rooms.join(room.code, 'ann'))
})

test('after a restart that forgot everything a session brings its room and member back', async () => {
  const clock = new TestClock()
  const { room, ann } = await open({ clock })
  const session = claim(room, ann, clock.now())
  await clock.pass(1000)
  const rooms = house({ clock })
  assert.is(await rooms.find(room.code), undefined)
  const again = await Promise.all([rooms.recognise(session), rooms.recognise(session), rooms.recognise(session)])
  assert.equal(again, [ann, ann, ann], 'a page asks for several things at once')
  assert.is((await rooms.find(room.code))?.title, room.title)
  must(await rooms.post(room.code, ann, { text: 'hello', key: '' }))
})

test('after a restart the name of somebody who was first to return is theirs', async () => {
  const clock = new TestClock()
  const { room, ann } = await open({ clock })
  await clock.pass(1000)
  const rooms = house({ clock })
  const bob = { id: 'b0b0b0', name: 'bob' }
  assert.equal(await rooms.recognise(claim(room, bob, 0)), bob)
  assert.is(must(await rooms.join(room.code, 'ann')).member.name, 'ann')
  assert.is(await rooms.recognise(claim(room, ann, 0)), undefined)
})

test('somebody who leaves after a restart does not come back with the session from before it', async () => {
  const clock = new TestClock()
  const { room, ann } = await open({ clock })
  const session = claim(room, ann, clock.now())
  await clock.pass(1000)
  const rooms = house({ clock })
  await rooms.recognise(session)
  await rooms.leave(room.code, ann.id)
  assert.is(await rooms.recognise(session), undefined)
})

test('a session of a room that is gone brings nothing back without a restart', async () => {
  const clock = new TestClock()
  const { rooms, room, ann } = await open({ clock, ttl: HOUR })
  await clock.pass(3 * HOUR)
  assert.is(await rooms.find(room.code), undefined)
  assert.is(await rooms.recognise(claim(room, ann, clock.now() - 3 * HOUR)), undefined)
  assert.is(await rooms.find(room.code), undefined)
})

test('an empty room is forgotten a while after its last message, not before', async () => {
  const clock = new TestClock()
  const { rooms, room, ann } = await open({ clock, ttl: HOUR })
  await clock.pass(HOUR / 2)
  must(await rooms.post(room.code, ann, { text: 'hello', key: '' }))
  await clock.pass(HOUR - 1000)
  assert.ok(await rooms.find(room.code))
  await clock.pass(HOUR / 2)
  assert.is(await rooms.find(room.code), undefined)
})

test('a room is not forgotten while somebody is in it', async () => {
  const clock = new TestClock()
  const { rooms, room, ear } = await listening({ clock, ttl: HOUR })
  await clock.pass(48 * HOUR)
  assert.ok(await rooms.find(room.code))
  rooms.disconnect(room.code, ear)
  await clock.pass(GRACE + 2 * 60_000)
  assert.is(await rooms.find(room.code), undefined)
})

test('somebody who reloads is here, somebody who does not come back has left', async () => {
  const clock = new TestClock()
  const { rooms, room, ear } = await listening({ clock })
  const bob = must(await rooms.join(room.code, 'bob')).member
  const bobs = new Ear(bob)
  rooms.enter(room.code, bobs)
  await clock.pass(5000)
  rooms.disconnect(room.code, bobs)
  await clock.pass(GRACE - 1)
  assert.is(ear.attendance?.count, 2)
  await clock.pass(2000)
  assert.equal(
    ear.attendance?.members.map(({ name }) => name),
    ['ann'],
  )
  assert.equal(
    ear.notices.map(({ joined, left }) => [joined, left].map((who) => who.map(({ name }) => name).join())),
    [
      ['ann,bob', ''],
      ['', 'bob'],
    ],
  )
})

test('draining says goodbye to everyone, begun or not, after what was said last', async () => {
  const clock = new TestClock()
  const { rooms, room, ann, ear } = await listening({ clock })
  const waiting = new Ear(ann)
  rooms.enter(room.code, waiting)
  must(await rooms.post(room.code, ann, { text: 'last words', key: '' }))
  const drained = rooms.drain(1000)
  await clock.pass(1000)
  await drained
  assert.equal([ear.texts, ear.farewell, waiting.farewell], [['last words'], 'restart', 'restart'])
  const late = await rooms.post(room.code, ann, { text: 'too late', key: '' })
  assert.is(!late.ok && late.refusal, 'draining')
})

async function open(options: Partial<RoomsOptions> = {}) {
  const rooms = house(options)
  const { room, member: ann } = must(await rooms.create('Friday', 'ann'))
  return { rooms, room, ann }
}

async function listening(options: Partial<RoomsOptions> = {}) {
  const { rooms, room, ann } = await open(options)
  const ear = new Ear(ann)
  rooms.enter(room.code, ear)
  await rooms.connect(room.code, ear, '')
  return { rooms, room, ann, ear }
}

function house(options: Partial<RoomsOptions> = {}): Rooms {
  const store = new MemoryStore({ history: 500, bytes: 1_000_000 })
  return new Rooms({ store, ttl: 24 * HOUR, grace: GRACE, areRatesLimited: false, clock: new TestClock(), ...options })
}

function claim(room: Room, member: Member, issued = 0): Claim {
  return { room: room.code, title: room.title, member, issued }
}

function must<T>(result: Result<T>): { readonly ok: true } & T {
  if (!result.ok) throw new Error(result.refusal)
  return result
}

test.run()
