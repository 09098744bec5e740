import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import type { Claim } from '../rooms/revival.ts'
import { Rooms, type RoomsOptions } from '../rooms/rooms.ts'
import type { Act } from '../rooms/entries.ts'
import { LocalBus } from '../rooms/stores/bus.ts'
import type { Member, Result, Room } from '../rooms/types.ts'
import { TestClock, turn } from './support/clock.ts'
import { Ear, plainFormat } from './support/ear.ts'
import { busOn, storeOn, suite } from './support/ground.ts'
import { grownBy } from './support/heap.ts'
import { makeHouse } from './support/site.ts'

const HOUR = 60 * 60 * 1000
const GRACE = 20_000
const BOUNDS = { history: 500, bytes: 1_000_000, rooms: 10_000 }

const { sizeOf } = plainFormat

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
  const store = new MemoryStore({ ...BOUNDS, history: 10, bytes: 1000 })
  const rooms = house({ store })
  assert.equal(await rooms.create('', ' '), { ok: false, refusal: 'name-blank' })
  assert.equal(await rooms.create('x'.repeat(81), 'ann'), { ok: false, refusal: 'title-too-long', limit: 80 })
  assert.equal(await rooms.create('', 'admin'), { ok: false, refusal: 'name-reserved' })
  assert.equal(await store.expire(-1), [])
})

test('there are only so many rooms', async () => {
  const rooms = house({ limit: 2 })
  must(await rooms.create('', 'ann'))
  must(await rooms.create('', 'ann'))
  const refused = await rooms.create('', 'ann')
  assert.is(!refused.ok && refused.refusal, 'rooms-full')
})

test('where there are too many rooms the one that has been unused for the longest makes space', async () => {
  const clock = new TestClock()
  const rooms = house({ clock, limit: 3 })
  const used = must(await rooms.create('', 'ann'))
  must(await rooms.post(used.room.code, used.member, { text: 'hello', key: '' }))
  const held = must(await rooms.create('', 'ann'))
  const ear = new Ear(held.member)
  await rooms.enter(held.room.code, ear)
  const left = must(await rooms.create('', 'ann'))
  await clock.pass(GRACE - 1)
  assert.equal(await rooms.create('', 'bob'), { ok: false, refusal: 'rooms-full', retryAfter: 60 })
  await clock.pass(1)
  const made = must(await rooms.create('', 'bob'))
  const found = [used, held, left, made].map(async ({ room }) => (await rooms.find(room.code)) !== undefined)
  assert.equal(await Promise.all(found), [true, true, false, true])
  rooms.disconnect(held.room.code, ear)
  await clock.pass(GRACE)
  must(await rooms.create('', 'zoe'))
  assert.is(await rooms.find(made.room.code), undefined, 'longer unused than the one that somebody has just left')
  assert.ok(await rooms.find(held.room.code))
})

test('a crowd of newcomers expels those who are away, and never whoever is here', async () => {
  const clock = new TestClock()
  const { rooms, room, ann } = await listening({ clock })
  const asking = must(await rooms.join(room.code, 'a program')).member
  const away = must(await rooms.join(room.code, 'away')).member
  for (let number = 1; number <= 5000; number += 1) {
    must(await rooms.join(room.code, `guest ${number}`))
    if (number % 1000 > 0) continue
    await clock.pass(GRACE)
    assert.equal(await memberOf(rooms, claim(room, asking, clock.now(), 'now')), asking)
  }
  assert.equal(await memberOf(rooms, claim(room, ann, clock.now(), 'now')), ann)
  assert.is(await memberOf(rooms, claim(room, away, clock.now(), 'now')), undefined)
  must(await rooms.join(room.code, 'guest 1'))
  assert.is((await rooms.join(room.code, 'guest 4000')).ok, false, 'the last two thousand are kept')
})

test('beyond twenty thousand who are present nobody else is let in', async () => {
  const clock = new TestClock()
  const { rooms, room, ann } = await open({ clock })
  const ears = [new Ear(ann)]
  for (let number = 2; number <= 20_000; number += 1)
    ears.push(new Ear(must(await rooms.join(room.code, `${number}`)).member))
  for (const ear of ears) await rooms.enter(room.code, ear)
  assert.is(rooms.present(room.code).length, 1000, 'no answer names them all')
  assert.equal(await rooms.join(room.code, 'late'), { ok: false, refusal: 'room-full', retryAfter: 60 })
  await clock.pass(2 * GRACE)
  assert.is((await rooms.join(room.code, 'late')).ok, false)
  rooms.disconnect(room.code, ears[7])
  await clock.pass(2 * GRACE)
  must(await rooms.join(room.code, 'late'))
  assert.is(rooms.attendance(room.code).count, 20_000)
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

test('a free name is found in a few tries, because each costs all who are in the room', async () => {
  let tries = 0
  class CountingStore extends MemoryStore {
    override isTaken(code: string, name: string): Promise<boolean> {
      tries += 1
      return super.isTaken(code, name)
    }
  }
  const { rooms, room } = await open({ store: new CountingStore({ ...BOUNDS, history: 10, bytes: 10_000 }) })
  for (let number = 2; number <= 40; number += 1) must(await rooms.join(room.code, `ann ${number}`))
  assert.is((await rooms.join(room.code, 'ann')).ok, false)
  assert.ok(tries <= 8, `${tries} tries`)
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

test('all who are in a room may say two hundred things at once and then forty a second, together', async () => {
  const clock = new TestClock()
  const { rooms, room } = await open({ clock, areRatesLimited: true })
  const people: Member[] = []
  for (let number = 1; number <= 60; number += 1)
    people.push(must(await rooms.join(room.code, `guest ${number}`)).member)
  const sayAll = async () => {
    const said = await Promise.all(people.map((member) => rooms.post(room.code, member, { text: 'hello', key: '' })))
    const refused = said.filter((one) => !one.ok)
    for (const one of refused) assert.equal(one, { ok: false, refusal: 'room-busy', retryAfter: 1 })
    return said.length - refused.length
  }
  assert.equal([await sayAll(), await sayAll(), await sayAll(), await sayAll()], [60, 60, 60, 20])
  await clock.pass(1000)
  assert.is(await sayAll(), 40)
})

test('whoever a busy room refuses loses nothing of what they may say themselves', async () => {
  const clock = new TestClock()
  const { rooms, room, ann } = await open({ clock, areRatesLimited: true })
  const say = async (member: Member) => {
    const posted = await rooms.post(room.code, member, { text: 'hello', key: '' })
    return posted.ok ? 'said' : posted.refusal
  }
  for (let number = 1; number <= 40; number += 1) {
    const { member } = must(await rooms.join(room.code, `guest ${number}`))
    for (let count = 0; count < 5; count += 1) assert.is(await say(member), 'said')
  }
  for (let count = 0; count < 10; count += 1) assert.is(await say(ann), 'room-busy')
  await clock.pass(200)
  for (let count = 0; count < 5; count += 1) assert.is(await say(ann), 'said')
})

test('who may not speak takes nobody else’s turn to', async () => {
  const { rooms, room, ann } = await open({ areRatesLimited: true })
  must(await rooms.change(room.code, ann, { isReadOnly: true }))
  for (let count = 0; count < 60; count += 1) {
    const { member: other } = must(await rooms.join(room.code, `reader ${count}`))
    for (let said = 0; said < 5; said += 1) await rooms.post(room.code, other, { text: 'hello', key: '' })
  }
  must(await rooms.post(room.code, ann, { text: 'welcome', key: '' }))
})

test('three hundred may join a room at once and then ten a second, and who is refused does not count', async () => {
  const clock = new TestClock()
  const { rooms, room } = await open({ clock, areRatesLimited: true })
  for (let number = 1; number <= 300; number += 1) {
    must(await rooms.join(room.code, `guest ${number}`))
    assert.is((await rooms.join(room.code, 'ann')).ok, false)
  }
  assert.equal(await rooms.join(room.code, 'late'), { ok: false, refusal: 'room-busy', retryAfter: 1 })
  await clock.pass(100)
  must(await rooms.join(room.code, 'late'))
})

test('who is kept out at a locked door takes nobody else’s turn to join', async () => {
  const { rooms, room, ann } = await open({ areRatesLimited: true })
  must(await rooms.change(room.code, ann, { door: 'locked' }))
  for (let number = 1; number <= 320; number += 1) {
    const kept = await rooms.join(room.code, `guest ${number}`)
    assert.is(!kept.ok && kept.refusal, 'door-locked')
  }
  must(await rooms.change(room.code, ann, { door: 'open' }))
  must(await rooms.join(room.code, 'bob'))
})

test('passwords are hashed no faster than hosts may do anything, whoever asks for it', async () => {
  const { rooms, room } = await open({ areRatesLimited: true })
  const { member: bob } = must(await rooms.join(room.code, 'bob'))
  const refusals = []
  for (let count = 0; count < 31; count += 1) {
    const refused = await rooms.change(room.code, bob, { password: count < 30 ? '' : 'x'.repeat(129) })
    refusals.push(!refused.ok && refused.refusal)
  }
  assert.equal(refusals, [...Array(30).fill('not-allowed'), 'too-fast'])
})

test('what is kept of a form is not the whole of it', async () => {
  const { rooms, room } = await open()
  const field = (name: string) => new URLSearchParams(`name=${name}&rest=${'x'.repeat(60_000)}`).get('name') ?? ''
  const kept = await grownBy(300, async (number) => {
    const member = must(await rooms.join(room.code, field(`a name of some length ${number}`))).member
    must(await rooms.post(room.code, member, { text: field('a text of some length'), key: field('a key as long') }))
  })
  if (kept) assert.ok(kept < 10_000, `${kept} bytes each`)
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
  assert.is(await say('hello', '', { ...ann, id: 'nobody' }), 'no-session')
  assert.is(await say('hello'), 'said')
  await turn()
  assert.equal(ear.texts, ['hello'])
})

test('a cursor that cannot be one is refused', async () => {
  const { rooms, room, ann } = await open()
  must(await rooms.post(room.code, ann, { text: 'hello', key: '' }))
  for (const cursor of ['x', '1', '1.T!', `${'1'.repeat(16)}.t`, `1.${'t'.repeat(17)}`]) {
    assert.equal(await rooms.read(room.code, { cursor, sizeOf }), { ok: false, refusal: 'malformed' })
    assert.equal(await rooms.readOn(room.code, { cursor, sizeOf }), { ok: false, refusal: 'malformed' })
  }
})

test('a page is 50 long, and never more than 200', async () => {
  const { rooms, room, ann } = await open()
  for (let count = 0; count < 250; count += 1) must(await rooms.post(room.code, ann, { text: 'hello', key: '' }))
  const lengths = await Promise.all(
    [undefined, 1, 200, 1000, -5].map(
      async (limit) => must(await rooms.read(room.code, { limit, sizeOf })).page.messages.length,
    ),
  )
  assert.equal(lengths, [50, 1, 200, 200, 1])
})

test('whoever leaves is no member any more, and their connections are closed, begun or not', async () => {
  const { rooms, room, ann } = await open()
  const bob = must(await rooms.join(room.code, 'bob')).member
  const [begun, waiting, other] = [new Ear(ann), new Ear(ann), new Ear(bob)]
  for (const ear of [begun, waiting, other]) await rooms.enter(room.code, ear)
  await rooms.connect(room.code, begun, '')
  await rooms.connect(room.code, other, '')
  await rooms.leave(room.code, ann.id)
  assert.equal([begun.farewell, waiting.farewell, other.farewell], ['removed', 'removed', undefined])
  for (const ear of [begun, waiting]) rooms.disconnect(room.code, ear)
  assert.equal(rooms.present(room.code), [bob])
  assert.is(await memberOf(rooms, claim(room, ann, 0, 'now')), undefined)
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
  const again = await Promise.all([1, 2, 3].map(() => memberOf(rooms, session)))
  assert.equal(again, [ann, ann, ann], 'a page asks for several things at once')
  assert.is((await rooms.find(room.code))?.title, room.title)
  must(await rooms.post(room.code, ann, { text: 'hello', key: '' }))
})

test('after a restart the name of somebody who was first to return is theirs', async () => {
  const clock = new TestClock()
  const { room, ann } = await open({ clock })
  await clock.pass(1000)
  const rooms = house({ clock })
  const bob = { id: 'b0b0b0', name: 'bob', role: 'member' as const }
  assert.equal(await memberOf(rooms, claim(room, bob, 0)), bob)
  assert.is(must(await rooms.join(room.code, 'ann')).member.name, 'ann')
  assert.is(await memberOf(rooms, claim(room, ann, 0)), undefined)
})

test('somebody who leaves after a restart does not come back with the session from before it', async () => {
  const clock = new TestClock()
  const { room, ann } = await open({ clock })
  const session = claim(room, ann, clock.now())
  await clock.pass(1000)
  const rooms = house({ clock })
  await memberOf(rooms, session)
  await rooms.leave(room.code, ann.id)
  assert.is(await memberOf(rooms, session), undefined)
})

test('a room that expired after a restart does not come back with a session from before it', async () => {
  const clock = new TestClock()
  const { room, ann } = await open({ clock })
  const [anns, bobs] = [
    claim(room, ann, clock.now()),
    claim(room, { id: 'b0b0b0', name: 'bob', role: 'member' as const }, clock.now()),
  ]
  await clock.pass(1000)
  const rooms = house({ clock, ttl: HOUR })
  assert.equal(await memberOf(rooms, anns), ann)
  await clock.pass(HOUR / 2)
  assert.ok(await rooms.find(room.code))
  await clock.pass(HOUR)
  for (const session of [anns, bobs]) {
    assert.is(await memberOf(rooms, session), undefined)
    assert.is(await rooms.find(room.code), undefined)
  }
})

test('of two sessions from before a restart with names that look alike the later one is right, whoever comes first', async () => {
  const clock = new TestClock()
  const { rooms: before, room, ann: first } = await open({ clock })
  const earlier = claim(room, first, clock.now())
  await clock.pass(1000)
  await before.leave(room.code, first.id)
  const second = must(await before.join(room.code, 'Аnn')).member
  const later = claim(room, second, clock.now())
  await clock.pass(1000)
  for (const sessions of [
    [earlier, later, earlier],
    [later, earlier],
  ]) {
    const rooms = house({ clock })
    for (const session of sessions) {
      const member = await memberOf(rooms, session)
      if (!member) continue
      const ear = new Ear(member)
      await rooms.enter(room.code, ear)
      if (session === earlier) {
        await memberOf(rooms, later)
        assert.is(ear.farewell, 'removed')
        rooms.disconnect(room.code, ear)
      }
    }
    assert.equal(await Promise.all([later, earlier].map((session) => memberOf(rooms, session))), [second, undefined])
    assert.equal(rooms.present(room.code), [second])
    await rooms.leave(room.code, second.id)
    assert.is(await memberOf(rooms, earlier), undefined, 'it was no longer theirs')
  }
})

test('of two sessions the later one is right though the clock on the wall was set back between them', async () => {
  const clock = new TestClock()
  const { rooms: before, room, ann: first } = await open({ clock })
  const earlier = claim(room, first, clock.now(), 'earlier', clock.elapsed())
  await before.leave(room.code, first.id)
  await clock.pass(1000)
  clock.set(-HOUR)
  const second = must(await before.join(room.code, 'ann')).member
  const later = claim(room, second, clock.now(), 'earlier', clock.elapsed())
  const rooms = house({ clock })
  const members = []
  for (const session of [later, earlier]) members.push(await memberOf(rooms, session))
  assert.equal(members, [second, undefined])
})

test('a session brings nothing back without a restart, whatever the clock on the wall was set to', async () => {
  for (const hours of [-1, 0, 1]) {
    const clock = new TestClock()
    const { house } = makeHouse({ clock, ttl: HOUR })
    const [ann, bob] = [await house.open('ann'), await house.open('bob')]
    clock.set(hours * HOUR)
    await bob.post('/leave')
    await clock.pass(2 * HOUR)
    for (const { room, token } of [ann, bob]) {
      assert.is((await house.json(room, { headers: { Authorization: `Bearer ${token}` } })).status, 404, `${hours}`)
    }
  }
})

test('whoever came after a restart and left does not come back, whatever the clock on the wall was set to', async () => {
  const clock = new TestClock()
  const { house } = makeHouse({ clock })
  const ann = await house.open('ann')
  const { house: next } = makeHouse({ clock })
  assert.is((await next.json(ann.room, { headers: { Authorization: `Bearer ${ann.token}` } })).status, 200)
  const bob = await next.join(ann.code, 'bob')
  await bob.post('/leave')
  for (const hours of [0, 1, -3]) {
    clock.set(hours * HOUR)
    assert.is((await bob.json()).status, 401, `${hours}`)
  }
})

test('a restart with a clock that was set back takes everybody back', async () => {
  const clock = new TestClock()
  const { house } = makeHouse({ clock })
  const ann = await house.open('ann')
  const bob = await house.join(ann.code, 'bob')
  clock.set(-HOUR)
  const { house: next } = makeHouse({ clock })
  for (const { room, token } of [ann, bob]) {
    assert.is((await next.json(room, { headers: { Authorization: `Bearer ${token}` } })).status, 200)
  }
})

test('a room is forgotten as long after it was last used as ever, however the clock on the wall is set', async () => {
  for (const hours of [-48, 48]) {
    const clock = new TestClock()
    const { rooms, room, ann } = await open({ clock, ttl: HOUR })
    await clock.pass(HOUR / 2)
    must(await rooms.post(room.code, ann, { text: 'hello', key: '' }))
    clock.set(hours * HOUR)
    await clock.pass(HOUR - 60_000)
    assert.ok(await rooms.find(room.code), `${hours}`)
    await clock.pass(3 * 60_000)
    assert.is(await rooms.find(room.code), undefined, `${hours}`)
  }
})

test('an empty room is forgotten a while after it was last used, not before', async () => {
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
  await clock.pass(HOUR - 1000)
  assert.ok(await rooms.find(room.code), 'it was held until then')
  await clock.pass(GRACE + 60_000)
  assert.is(await rooms.find(room.code), undefined)
})

test('somebody who reloads is here, somebody who does not come back has left', async () => {
  const clock = new TestClock()
  const { rooms, room, ear } = await listening({ clock })
  const bob = must(await rooms.join(room.code, 'bob')).member
  const bobs = new Ear(bob)
  await rooms.enter(room.code, bobs)
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
  await rooms.enter(room.code, waiting)
  must(await rooms.post(room.code, ann, { text: 'last words', key: '' }))
  const drained = rooms.drain(1000)
  await clock.pass(1000)
  await drained
  assert.equal([ear.texts, ear.farewell, waiting.farewell], [['last words'], 'restart', 'restart'])
  const late = await rooms.post(room.code, ann, { text: 'too late', key: '' })
  assert.is(!late.ok && late.refusal, 'draining')
})

test('goodbyes are spread, so that not everybody comes back in the same moment, and no longer than was given', async () => {
  for (const { size, milliseconds, each } of [
    { size: 10, milliseconds: 3000, each: 20 },
    { size: 200, milliseconds: 1000, each: 20 },
  ]) {
    const clock = new TestClock()
    const { rooms, room, ann, ear } = await listening({ clock })
    const ears = [ear, ...Array.from({ length: size - 1 }, () => new Ear(ann))]
    for (const other of ears.slice(1)) await rooms.enter(room.code, other)
    const drained = rooms.drain(milliseconds)
    await turn()
    const steps = Math.min(size, 50)
    for (let step = 1; step <= steps; step += 1) {
      const closed = ears.filter(({ farewell }) => farewell === 'restart').length
      assert.is(closed, (size / steps) * step, `${size} after ${step} steps`)
      await clock.pass(each)
    }
    await drained
  }
})

test('what was on its way into the store when the server was told to stop is delivered before the goodbye', async () => {
  const clock = new TestClock()
  const store = new SlowStore(BOUNDS)
  const { rooms, room, ann, ear } = await listening({ clock, store })
  const posted = rooms.post(room.code, ann, { text: 'last words', key: '' })
  const drained = rooms.drain(1000)
  await clock.pass(1000)
  assert.equal([ear.texts, ear.farewell], [[], undefined])
  store.goOn()
  must(await posted)
  await clock.pass(1000)
  await drained
  assert.equal([ear.texts, ear.farewell], [['last words'], 'restart'])
})

test('of those who do not take what they missed so many are held, and the one that has waited longest is cut off', async () => {
  const rooms = house()
  const { room, member } = must(await rooms.create('', 'ann'))
  const { message } = must(await rooms.post(room.code, member, { text: 'hello', key: '' }))
  const connect = async (ear: Ear) => {
    await rooms.enter(room.code, ear)
    await rooms.connect(room.code, ear, `${message.seq - 1}.x`)
  }
  const ears = Array.from({ length: 600 }, () => new Ear(member))
  const resumes = ears.map((ear) => ear.stall())
  for (const ear of ears) await connect(ear)
  const open = () => ears.filter(({ isClosed }) => !isClosed)
  assert.equal(open(), ears.slice(-512))
  const ear = new Ear(member)
  for (let count = 0; count < 600; count += 1) await connect(ear)
  assert.is(open().length, 512, 'who has taken all takes nobody’s place')
  resumes.at(-1)?.()
  await turn()
  const late = new Ear(member)
  late.stall()
  await connect(late)
  assert.is(open().length, 512, 'who takes what they are sent makes space for others')
})

test('whoever missed a lot is sent the next page only once the one before is on its way', async () => {
  const { rooms, room, ann } = await open()
  const { page } = must(await rooms.read(room.code, { sizeOf }))
  for (let count = 0; count < 250; count += 1) must(await rooms.post(room.code, ann, { text: 'hello', key: '' }))
  const ear = new Ear(ann)
  const resume = ear.stall()
  await rooms.enter(room.code, ear)
  const connected = rooms.connect(room.code, ear, page.cursor)
  await turn()
  assert.is(ear.frames.length, 1)
  assert.ok(ear.messages.length <= 100)
  resume()
  await connected
  assert.equal(
    ear.seqs,
    Array.from({ length: 250 }, (_, index) => index + 1),
  )
})

test('a second tab is told who is here, though nobody came', async () => {
  const clock = new TestClock()
  const { rooms, room, ann } = await listening({ clock })
  await clock.pass(5000)
  const ear = new Ear(ann)
  await rooms.enter(room.code, ear)
  await rooms.connect(room.code, ear, '')
  assert.equal(ear.attendance?.members, [ann])
})

test('who comes and goes in a room where nobody has a connection leaves nothing to be told', async () => {
  const clock = new TestClock()
  const { rooms, room } = await open({ clock, grace: 150_000 })
  const people: Member[] = []
  for (let number = 1; number <= 190; number += 1)
    people.push(must(await rooms.join(room.code, `guest ${number}`)).member)
  const visit = async (number: number) => {
    await rooms.seen(room.code, people[number % people.length])
    await clock.pass(1000)
  }
  for (let number = 0; number < 300; number += 1) await visit(number)
  const kept = await grownBy(2000, visit)
  if (kept) assert.ok(kept < 600, `${kept} bytes each`)
})

test('a room that nobody is in reads its log no longer, nor listens for hints', async () => {
  const clock = new TestClock()
  const bus = new CountingBus()
  const { rooms, room, ear } = await listening({ clock, bus })
  assert.is(bus.listeners, 1)
  rooms.disconnect(room.code, ear)
  await clock.pass(GRACE + 60_000)
  assert.is(bus.listeners, 0)
})

/** A bus that counts those who listen. */
class CountingBus extends LocalBus {
  listeners = 0

  override listen(...[code, listener]: Parameters<LocalBus['listen']>) {
    const end = super.listen(code, listener)
    this.listeners += 1
    return () => {
      this.listeners -= 1
      end()
    }
  }
}

/** A store that keeps what is said only when it is told to. */
class SlowStore extends MemoryStore {
  goOn = () => {}
  #gate = new Promise<void>((resolve) => {
    this.goOn = resolve
  })

  override async append(code: string, act: Act) {
    await this.#gate
    return super.append(code, act)
  }
}

type Options = Partial<RoomsOptions> & { readonly limit?: number }

async function open(options: Options = {}) {
  const rooms = house(options)
  const { room, member: ann } = must(await rooms.create('Friday', 'ann'))
  return { rooms, room, ann }
}

async function listening(options: Options = {}) {
  const { rooms, room, ann } = await open(options)
  const ear = new Ear(ann)
  await rooms.enter(room.code, ear)
  await rooms.connect(room.code, ear, '')
  return { rooms, room, ann, ear }
}

function house({ clock = new TestClock(), limit = 10_000, ...options }: Options = {}): Rooms {
  const store = storeOn(options.store ?? new MemoryStore({ ...BOUNDS, rooms: limit, clock }))
  const bus = busOn(options.bus)
  return new Rooms({ ttl: 24 * HOUR, grace: GRACE, areRatesLimited: false, clock, ...options, store, bus })
}

/** What a session says, of an earlier start or of this one. */
function claim(room: Room, member: Member, at = 0, start: 'earlier' | 'now' = 'earlier', elapsed = at): Claim {
  const issued = { at, elapsed, start, isEarlier: start === 'earlier' }
  return { room: room.code, title: room.title, generation: room.generation, member, issued }
}

/** The member that a session stands for. */
async function memberOf(rooms: Rooms, session: Claim): Promise<Member | undefined> {
  return (await rooms.recognise(session))?.member
}

function must<T>(result: Result<T>): { readonly ok: true } & T {
  if (!result.ok) throw new Error(result.refusal)
  return result
}

test.run()
