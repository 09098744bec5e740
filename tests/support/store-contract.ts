import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Clock } from '../../rooms/clock.ts'
import { type Cursor, readCursor, writeCursor } from '../../rooms/cursor.ts'
import type { Act } from '../../rooms/entries.ts'
import {
  ACTS,
  type Appended,
  type Arrival,
  AWAY,
  BANS,
  type Bounds,
  KEY_MS,
  KEYS,
  MOST_KEYS,
  type Store,
} from '../../rooms/stores/store.ts'
import type {
  Entry,
  Member,
  MemberChange,
  Message,
  Page,
  Room,
  RoomSettings,
  Stretch,
  Vouched,
} from '../../rooms/types.ts'
import { TestClock } from './clock.ts'

/** Opens an empty store that measures time by this clock. */
export type Open = (bounds: Bounds, clock: Clock) => Promise<Store>

const BOUNDS = { history: 10, bytes: 1000, rooms: 3 }
const START = Date.UTC(2026, 10, 22)
const CODE = 'ACD-EFG-HJK'
const OTHER = 'MNP-QRT-WXY'

/** What `rooms/stores/store.ts` promises, held against one implementation. */
export function storeContract(name: string, open: Open): void {
  const test = suite<{ clock: TestClock; store: Store; ann: Member; bob: Member }>(`store ${name}`)

  test.before.each(async (context) => {
    context.clock = new TestClock()
    context.store = await open(BOUNDS, context.clock)
    context.ann = personOf('ann', 'host')
    assert.equal(await context.store.create(roomOf(CODE), context.ann), { outcome: 'created' })
    context.bob = await admitted(context.store, 'bob')
  })
  test.after.each(({ store }) => store.close())

  test('a store that answers says so', ({ store }) => store.check())

  test('entries are numbered from 1 without a hole, whoever appends at the same time', async ({ store, ann, bob }) => {
    const appends = Array.from({ length: 60 }, (_, index) =>
      index % 3 ? say(store, index % 2 ? ann : bob, `text ${index}`) : change(store, ann, { notice: `${index}` }),
    )
    const seqs = (await Promise.all(appends)).map(({ seq }) => seq)
    assert.equal(seqs.toSorted(ascending), range(1, 60))
  })

  test('what a member says first is numbered first, though they wait for no answer', async ({ store, ann, bob }) => {
    const said = (member: Member) =>
      Promise.all(Array.from({ length: 30 }, (_, index) => say(store, member, `text ${index}`)))
    for (const all of await Promise.all([said(ann), said(bob)])) {
      const seqs = all.map(({ seq }) => seq)
      assert.equal(seqs, seqs.toSorted(ascending))
    }
  })

  test('what was answered is in the log, as it was said', async ({ store, ann }) => {
    const message = await say(store, ann, 'hello', 'a key')
    const { seq, tag, at } = message
    assert.equal(message, {
      kind: 'message',
      seq: 1,
      tag,
      key: 'a key',
      member: ann.id,
      name: 'ann',
      text: 'hello',
      at,
    })
    assert.equal((await newest(store)).messages, [message])
    assert.equal(readCursor(writeCursor(message)), { seq, tag }, 'its cursor can be written and read')
  })

  test('what is said in one room is not read in another', async ({ store, ann }) => {
    await store.create(roomOf(OTHER), personOf('zoe'))
    await say(store, ann, 'hello')
    assert.is(await refusalOf(store.append(OTHER, draft(ann, 'hello'))), 'no-session', 'no member there')
    assert.equal((await store.messages(OTHER, { limit: 5 }))?.messages, [])
    assert.is(await store.member(OTHER, ann.id), undefined)
  })

  test('a key that was used before answers the first message and stores nothing', async ({ store, ann }) => {
    const first = await append(store, draft(ann, 'hello', 'k'))
    assert.equal(await append(store, draft(ann, 'hello', 'k')), { entry: first.entry, repeated: true })
    assert.is((await say(store, ann, 'next')).seq, 2)
    assert.is(first.repeated, false)
  })

  test('what a message is said to come after leads to it, if that is said at all', async ({ store, ann, bob }) => {
    for (const act of [draft(ann, 'one'), draft(ann, 'two'), draft(bob, 'three')]) {
      const { entry, before } = await append(store, act)
      if (before) assert.equal((await after(store, writeCursor(before))).entries, [entry])
      await moderate(store, ann, entry.seq % 2 ? 'mute' : 'unmute', bob)
      await moderate(store, ann, 'unmute', bob)
    }
  })

  test('a key answers the message as it is now, and whoever may no longer speak too', async ({ store, ann, bob }) => {
    const message = await say(store, bob, 'hello', 'k')
    await edit(store, bob, message, 'hello there')
    await moderate(store, ann, 'mute', bob)
    const again = await append(store, draft(bob, 'hello', 'k'))
    assert.equal([again.entry, again.repeated], [(await newest(store)).messages[0], true])
    assert.is((again.entry as Message).text, 'hello there')
    await erase(store, ann, message)
    assert.is(((await append(store, draft(bob, 'hello', 'k'))).entry as Message).isDeleted, true)
  })

  test('the same key ten times at once is one message', async ({ store, ann }) => {
    const all = await Promise.all(Array.from({ length: 10 }, () => append(store, draft(ann, 'hello', 'k'))))
    assert.equal(
      all.map(({ entry }) => entry.seq),
      Array(10).fill(1),
    )
    assert.is(all.filter(({ repeated }) => !repeated).length, 1)
    assert.equal((await newest(store)).messages.length, 1)
  })

  test('two members may use the same key', async ({ store, ann, bob }) => {
    assert.is((await say(store, ann, 'hello', 'k')).seq, 1)
    assert.is((await say(store, bob, 'hello', 'k')).seq, 2)
  })

  test('a key is remembered however much is said after it', async ({ store, ann, bob }) => {
    const first = await say(store, ann, 'hello', 'k')
    for (let count = 1; count < KEYS; count += 1) await say(store, ann, `own ${count}`)
    for (let count = 0; count < KEYS * 2; count += 1) await say(store, bob, `other ${count}`)
    const { entry, repeated } = await append(store, draft(ann, 'hello', 'k'))
    assert.equal([entry, repeated], [first, true])
    assert.is((await say(store, ann, 'new')).seq, KEYS * 3 + 1)
  })

  test('further messages from another tab do not make a key forgotten within a day', async ({ store, clock, ann }) => {
    const first = await say(store, ann, 'hello', 'k')
    for (let count = 0; count < 1000; count += 1) await say(store, ann, `another ${count}`)
    clock.set(2 * KEY_MS)
    await clock.pass(KEY_MS)
    await say(store, ann, 'the day after')
    const { entry, repeated } = await append(store, draft(ann, 'hello', 'k'))
    assert.equal([entry, repeated], [first, true])
    await clock.pass(1)
    await say(store, ann, 'later')
    assert.is((await append(store, draft(ann, 'hello', 'k'))).repeated, false, 'more than a day is not promised')
  })

  test('no member has more keys remembered than a bound', async ({ store, ann }) => {
    const said = await fill(store, ann, MOST_KEYS + 100)
    const again = async ({ key }: Message) => (await append(store, draft(ann, 'hello', key))).repeated
    assert.equal(await Promise.all(said.slice(100).map(again)), Array(MOST_KEYS).fill(true))
    assert.equal(await Promise.all(said.slice(0, 100).map(again)), Array(100).fill(false))
  })

  test('time does not run backwards in a room', async ({ store, ann }) => {
    await say(store, ann, 'later', undefined, START + 5000)
    assert.is((await say(store, ann, 'earlier', undefined, START + 1000)).at, START + 5000)
  })

  test('nobody but a member appends, and only in a room that is there', async ({ store, ann, bob }) => {
    await store.dismiss(CODE, ann.id)
    assert.is(await refusalOf(store.append(CODE, draft(ann, 'hello'))), 'no-session')
    assert.is(await refusalOf(store.append(CODE, draft(personOf('zoe'), 'hello'))), 'no-session')
    assert.is(await refusalOf(store.append(CODE, { kind: 'cleared', by: ann.id, at: START })), 'no-session')
    assert.is(await refusalOf(store.append('XXX-XXX-XXX', draft(bob, 'hello'))), 'room-unknown')
    assert.equal((await newest(store)).messages, [])
  })

  test('the cursor of an empty room leads to its first entry', async ({ store, ann }) => {
    const place = (await store.entries(CODE, { limit: 5 })) as Stretch
    const page = await newest(store)
    assert.equal([place.entries, place.more, page.messages, page.more], [[], false, [], false])
    assert.equal([place.cursor, place.start], [page.cursor, page.cursor])
    await say(store, ann, 'hello')
    const next = await after(store, page.cursor)
    assert.equal([seqsOf(next), next.gap], [[1], undefined])
  })

  test('without a cursor the newest are read', async ({ store, ann }) => {
    await fill(store, ann, 8)
    const page = await newest(store, 3)
    assert.equal([seqsOf(page), page.more, page.previous?.seq], [[6, 7, 8], true, 5])
    assert.is(page.cursor, writeCursor(page.messages[2]))
    const place = (await store.entries(CODE, { limit: 3 })) as Stretch
    assert.equal([place.cursor, place.previous], [page.cursor, page.messages[2]])
    const all = await newest(store, 8)
    assert.equal([seqsOf(all), all.more, all.previous], [range(1, 8), false, undefined])
  })

  test('going on from cursor to cursor reads each entry once', async ({ store, ann }) => {
    const { cursor } = await newest(store)
    await fill(store, ann, 8)
    const pages = [await after(store, cursor, 3)]
    while (pages.at(-1)?.more) pages.push(await after(store, pages.at(-1)?.cursor as string, 3))
    assert.equal(pages.map(seqsOf), [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8],
    ])
    assert.equal(
      pages.map(({ previous }) => previous?.seq),
      [undefined, 3, 6],
    )
    const last = pages.at(-1) as Stretch
    assert.equal(await after(store, last.cursor), {
      entries: [],
      more: false,
      previous: last.entries[1],
      start: last.cursor,
      cursor: last.cursor,
    })
  })

  test('going back from cursor to cursor reads each entry once', async ({ store, ann }) => {
    await fill(store, ann, 8)
    const pages = [await newest(store, 3)]
    while (pages.at(-1)?.more) pages.push(await before(store, pages.at(-1)?.messages[0] as Message, 3))
    assert.equal(pages.map(seqsOf), [
      [6, 7, 8],
      [3, 4, 5],
      [1, 2],
    ])
    assert.equal(
      pages.map(({ previous }) => previous?.seq),
      [5, 2, undefined],
    )
  })

  test('no more than the history is kept, and what fell off is counted to whoever comes back for it', async ({
    store,
    ann,
  }) => {
    const said = await fill(store, ann, 25)
    const [missed, nearly, justIn] = await Promise.all(
      [3, 14, 15].map((seq) => after(store, writeCursor(said[seq - 1]), 50)),
    )
    assert.equal([seqsOf(missed), missed.gap], [range(16, 25), { kind: 'gap', missed: 12 }])
    assert.equal([seqsOf(nearly), nearly.gap], [range(16, 25), { kind: 'gap', missed: 1 }])
    assert.equal([seqsOf(justIn), justIn.gap], [range(16, 25), undefined])
    assert.equal([seqsOf(await newest(store)), missed.more], [range(16, 25), false])
  })

  test('a gap comes once, in front of the first page', async ({ store, ann }) => {
    const said = await fill(store, ann, 25)
    const first = await after(store, writeCursor(said[0]), 4)
    const second = await after(store, first.cursor, 4)
    assert.equal([seqsOf(first), first.more, first.gap], [range(16, 19), true, { kind: 'gap', missed: 14 }])
    assert.equal([seqsOf(second), second.more, second.gap], [range(20, 23), true, undefined])
  })

  test('before what is no longer kept there is nothing, and it is told how much is gone', async ({ store, ann }) => {
    const said = await fill(store, ann, 25)
    for (const seq of [2, 3, 14, 15, 16]) {
      const cursor = writeCursor(said[seq - 1])
      const gap = { kind: 'gap', missed: seq - 1 }
      const page = await before(store, said[seq - 1])
      assert.equal(
        page,
        { messages: [], more: false, previous: undefined, gap, start: cursor, cursor },
        `before ${seq}`,
      )
    }
  })

  test('before the first message nothing is gone, because nothing ever was there', async ({ store, ann }) => {
    const empty = readCursor((await newest(store)).cursor) as Cursor
    const said = await fill(store, ann, 3)
    for (const cursor of [empty, said[0]]) {
      const page = await before(store, cursor)
      assert.equal([seqsOf(page), page.more, page.gap, page.cursor], [[], false, undefined, writeCursor(cursor)])
    }
    await fill(store, ann, 20)
    assert.is((await before(store, said[0])).gap, undefined)
  })

  test('a page back that reaches the oldest one kept says how many are gone before it', async ({ store, ann }) => {
    const said = await fill(store, ann, 25)
    const page = await before(store, said[18])
    assert.equal([seqsOf(page), page.more, page.gap], [[16, 17, 18], false, { kind: 'gap', missed: 15 }])
    const above = await before(store, said[18], 2)
    assert.equal([seqsOf(above), above.more, above.gap], [[17, 18], true, undefined], 'not while more is kept')
    assert.is((await newest(store)).gap, undefined, 'the newest page is no page back')
  })

  test('before a cursor of another history there is nothing, least of all what is newer', async ({ store, ann }) => {
    const said = await fill(store, ann, 25)
    const foreign = ['2.zzzzzz', '0.0', '15.0', `20.${said[18].tag}`, '25.0', `30.${said[24].tag}`]
    for (const cursor of [...foreign, '999999999999999.zzzzzz']) {
      const page = await before(store, readCursor(cursor) as Cursor)
      const gap = { kind: 'gap' }
      assert.equal(page, { messages: [], more: false, previous: undefined, gap, start: cursor, cursor })
    }
  })

  test('to go on from where a page starts gives its entries again', async ({ store, ann }) => {
    const said = await fill(store, ann, 25)
    for (const limit of [1, 4, 10]) {
      const pages: Promise<Page | Stretch>[] = [newest(store, limit)]
      for (const seq of [23, 18]) pages.push(before(store, said[seq - 1], limit))
      for (const seq of [3, 15, 18, 25]) pages.push(after(store, writeCursor(said[seq - 1]), limit))
      for (const page of await Promise.all(pages)) {
        assert.equal(
          seqsOf(await after(store, page.start, Math.max(seqsOf(page).length, 1))),
          seqsOf(page),
          `${limit} ${page.start}`,
        )
      }
    }
    const cursor = writeCursor(said[2])
    assert.is((await after(store, cursor)).start, cursor, 'what is gone is told again too')
  })

  test('texts are kept up to so many bytes, not letters', async ({ store, ann }) => {
    for (let count = 0; count < 6; count += 1) await say(store, ann, 'é'.repeat(150))
    assert.equal(seqsOf(await newest(store)), [4, 5, 6])
    await say(store, ann, 'x'.repeat(2000))
    assert.equal(seqsOf(await newest(store)), [7], 'the newest is always kept')
    await say(store, ann, 'short')
    assert.equal(seqsOf(await newest(store)), [8])
  })

  test('a cursor with another tag gets a gap and all that is kept', async ({ store, ann }) => {
    const said = await fill(store, ann, 4)
    for (const cursor of ['2.zzzzzz', '0.0', `3.${said[1].tag}`, '4.0']) await isForeign(store, cursor, range(1, 4))
  })

  test('a cursor from the future gets a gap and all that is kept', async ({ store, ann }) => {
    const said = await fill(store, ann, 4)
    await isForeign(store, `9.${said[3].tag}`, range(1, 4))
    await isForeign(store, '999999999999999.zzzzzz', range(1, 4))
  })

  test('a history that was rolled back and overtaken is told from the one before', async ({ store, ann }) => {
    const lost = await open(BOUNDS, new TestClock())
    await lost.create(roomOf(CODE), ann)
    const before = await fill(lost, ann, 6)
    await lost.close()
    await fill(store, ann, 6)
    for (const message of before) await isForeign(store, writeCursor(message), range(1, 6))
  })

  test('a room that was made anew does not go on with the old one', async ({ store, ann }) => {
    const said = await fill(store, ann, 3)
    await store.remove(CODE)
    await store.create(roomOf(CODE), personOf('zoe'))
    assert.is(await store.member(CODE, ann.id), undefined)
    assert.is(await store.admit(CODE, ann), 'admitted')
    await isForeign(store, writeCursor(said[1]), [])
    assert.is((await say(store, ann, 'hello', said[0].key)).seq, 1, 'not even its keys')
  })

  test('a room that is not there has no members and no entries', async ({ store, ann }) => {
    await say(store, ann, 'hello')
    assert.is(await store.remove(CODE), true)
    assert.is(await store.remove(CODE), false)
    assert.is(await store.find(CODE), undefined)
    assert.is(await store.touch(CODE), false)
    assert.is(await store.admit(CODE, ann), 'no-room')
    assert.is(await refusalOf(store.append(CODE, draft(ann, 'hello'))), 'room-unknown')
    assert.is(await store.dismiss(CODE, ann.id), false)
    assert.equal(await store.missing(CODE, [ann.id]), [ann.id])
    await store.mark(CODE, new Map([[ann.id, true]]))
    assert.is(await store.messages(CODE, { limit: 5 }), undefined)
    assert.is(await store.entries(CODE, { limit: 5 }), undefined)
  })

  test('a code is given once', async ({ store, bob }) => {
    assert.equal(await store.create({ ...roomOf(CODE), title: 'another' }, bob), { outcome: 'code-taken' })
    assert.equal(await store.find(CODE), roomOf(CODE))
    const made = await Promise.all(Array.from({ length: 5 }, () => store.create(roomOf(OTHER), personOf('zoe'))))
    assert.is(made.filter(({ outcome }) => outcome === 'created').length, 1)
    assert.is(made.filter(({ outcome }) => outcome === 'code-taken').length, 4)
  })

  test('a room is there with its first member, who is here', async ({ store, ann }) => {
    assert.equal(await store.member(CODE, ann.id), ann)
    assert.is(await store.isTaken(CODE, 'ann'), true)
    for (let number = 1; number <= AWAY + 1; number += 1) await leave(store, await admitted(store, `guest ${number}`))
    assert.equal(await store.missing(CODE, [ann.id]), [])
  })

  test('of ten people who ask for names that look alike at the same moment one gets it', async ({ store }) => {
    const names = ['zoe', 'Zoe', 'ZOE', 'z oe', 'zоe', 'zo\u0435', 'z\u200Boe', 'ｚｏｅ', 'zoe', 'zοe']
    const answers = await Promise.all(names.map((name) => store.admit(CODE, personOf(name))))
    assert.equal(answers.toSorted(), ['admitted', ...Array(9).fill('name-taken')])
    assert.is(await store.isTaken(CODE, 'zoe'), true)
  })

  test('a name is free again once its member has left', async ({ store, ann }) => {
    assert.is(await store.isTaken(CODE, 'аnn'), true)
    assert.is(await store.dismiss(CODE, ann.id), true)
    assert.is(await store.dismiss(CODE, ann.id), false)
    assert.is(await store.isTaken(CODE, 'аnn'), false)
    assert.is(await store.admit(CODE, personOf('аnn')), 'admitted')
    assert.is(await store.admit(CODE, ann), 'name-taken')
    assert.is(await store.member(CODE, ann.id), undefined)
  })

  test('nothing of a member stays once they have left, not even their keys', async ({ store, ann }) => {
    await say(store, ann, 'one', 'key')
    await store.dismiss(CODE, ann.id)
    assert.is(await store.admit(CODE, ann), 'admitted')
    assert.is((await say(store, ann, 'two', 'key')).seq, 2)
  })

  test('a member who is let in again is not refused for their own name', async ({ store, ann }) => {
    assert.equal(await Promise.all([store.admit(CODE, ann), store.admit(CODE, ann)]), ['admitted', 'admitted'])
    assert.equal(await store.member(CODE, ann.id), ann)
    assert.is(await store.dismiss(CODE, ann.id), true)
    assert.is(await store.isTaken(CODE, 'ann'), false)
  })

  test('whoever is here is never forgotten, and of the others those who were here or asked for last are kept', async ({
    store,
    ann,
    bob,
  }) => {
    const guests: Member[] = []
    for (let number = 1; number <= AWAY + 5; number += 1) guests.push(await admitted(store, `guest ${number}`))
    await leave(store, bob)
    await leave(store, ...guests.slice(0, AWAY - 1))
    assert.equal(await store.member(CODE, bob.id), bob, 'from now on the last one')
    await leave(store, ...guests.slice(AWAY - 1, AWAY + 2))
    const all = [ann, bob, ...guests].map(({ id }) => id)
    const gone = guests.slice(0, 3).map(({ id }) => id)
    assert.equal(await store.missing(CODE, all), gone)
    assert.is(await store.isTaken(CODE, 'guest 1'), false)
    await store.mark(CODE, new Map([[gone[0], true]]))
    assert.is(await store.member(CODE, gone[0]), undefined, 'a mark lets nobody in')
  })

  test('who waits to be let in is not here yet, and so is forgotten for others who do', async ({ store }) => {
    const guests = Array.from({ length: AWAY + 1 }, (_, index) => ({
      ...personOf(`guest ${index}`),
      isWaiting: true as const,
    }))
    for (const guest of guests) assert.is(await store.admit(CODE, guest), 'admitted')
    const ids = guests.map(({ id }) => id)
    assert.equal(await store.missing(CODE, ids), [ids[0]])
  })

  test('somebody who comes back is not forgotten for having been away', async ({ store, ann }) => {
    await leave(store, ann)
    await store.mark(CODE, new Map([[ann.id, true]]))
    for (let number = 1; number <= AWAY + 1; number += 1) await leave(store, await admitted(store, `guest ${number}`))
    assert.equal(await store.member(CODE, ann.id), ann)
  })

  test('where there are too many rooms the one that has been unused for the longest gives way', async ({
    store,
    ann,
    bob,
  }) => {
    const [zoe, kim, eve] = [personOf('zoe'), personOf('kim'), personOf('eve')]
    await store.create(roomOf(OTHER), zoe)
    await store.create(roomOf('AAA-AAA-AAA'), kim)
    assert.equal(await store.create(roomOf('BBB-BBB-BBB'), eve), { outcome: 'full' }, 'somebody is in each')
    await store.mark(OTHER, new Map([[zoe.id, false]]))
    await leave(store, ann, bob)
    assert.equal(await store.create(roomOf(CODE), eve), { outcome: 'code-taken' })
    assert.equal(await store.create(roomOf('BBB-BBB-BBB'), eve), { outcome: 'created', gaveWay: roomOf(OTHER) })
    assert.equal([await store.find(OTHER), await store.member(OTHER, zoe.id)], [undefined, undefined])
    await store.mark(CODE, new Map([[bob.id, true]]))
    assert.equal(await store.create(roomOf(OTHER), zoe), { outcome: 'full' }, 'bob is back')
    await say(store, bob, 'hello')
    await leave(store, bob)
    assert.equal(await store.create(roomOf(OTHER), zoe), { outcome: 'full' }, 'something was said')
    await store.dismiss('AAA-AAA-AAA', kim.id)
    const two = await Promise.all([OTHER, 'CCC-CCC-CCC'].map((code) => store.create(roomOf(code), zoe)))
    assert.equal(
      two.map(({ outcome }) => outcome).toSorted(),
      ['created', 'full'],
      'one that gives way makes one space',
    )
  })

  test('a visitor comes in under their name, and is the same member whenever they come', async ({ store, ann }) => {
    const visitor = { id: 'f00d', name: 'zoe' }
    const member = { id: 'f00d', name: 'zoe', role: 'member', isVouched: true }
    for (let count = 0; count < 2; count += 1)
      assert.equal(await store.vouch(CODE, visitor, arrival()), {
        outcome: 'in',
        member,
        changed: [],
        replaced: undefined,
      })
    assert.equal(await store.member(CODE, 'f00d'), member)
    assert.is((await say(store, member as Member, 'hello')).name, 'zoe')
    await moderate(store, ann, 'mute', member as Member)
    const { member: muted } = await vouched(store, visitor)
    assert.is(muted.isMuted, true, 'what hosts made of them stays')
    assert.equal(await store.vouch(OTHER, visitor, arrival()), { outcome: 'no-room' })
  })

  test('guests give way to a visitor’s name, each by an entry, and get names that nobody has', async ({
    store,
    bob,
  }) => {
    await admitted(store, 'Bob 2')
    const { cursor } = await newest(store)
    const { member, changed } = await vouched(store, { id: 'f00d', name: 'BOB' })
    assert.is(member.name, 'BOB')
    const renamed = { ...bob, name: 'bob 3' }
    assert.equal(
      changed.map(({ change, was, by, member }) => [change, was, by, member]),
      [['name', 'bob', 'f00d', renamed]],
    )
    assert.equal((await after(store, cursor)).entries, changed)
    assert.equal(await store.member(CODE, bob.id), renamed)
    assert.is((await say(store, bob, 'hello')).name, 'bob 3')
    assert.is(await store.isTaken(CODE, 'bob'), true)
    assert.is(await store.admit(CODE, personOf('b0b 3')), 'name-taken')
    await store.dismiss(CODE, 'f00d')
    assert.is(await store.isTaken(CODE, 'bob'), false, 'the guest keeps no part of it')
    assert.is(await store.isTaken(CODE, 'bob 3'), true)
  })

  test('of two visitors with one name the second gets another, at the same moment too', async ({ store }) => {
    const ids = Array.from({ length: 5 }, (_, index) => `f00d${index}`)
    const all = await Promise.all(ids.map((id) => vouched(store, { id, name: 'zoe' })))
    assert.equal(all.map(({ member }) => member.name).toSorted(), ['zoe', 'zoe 2', 'zoe 3', 'zoe 4', 'zoe 5'])
    const [first] = all
    const again = await vouched(store, { id: first.member.id, name: 'zoe' })
    assert.equal([again.member.name, again.changed], [first.member.name, []])
  })

  test('a visitor’s new name and role are entries, and their old name is free', async ({ store }) => {
    await vouched(store, { id: 'f00d', name: 'zoe' })
    const { cursor } = await newest(store)
    const { member, changed } = await vouched(store, { id: 'f00d', name: 'eve', role: 'host' })
    assert.equal([member.name, member.role], ['eve', 'host'])
    assert.equal(
      changed.map(({ change, was }) => [change, was]),
      [
        ['name', 'zoe'],
        ['host', undefined],
      ],
    )
    assert.equal(seqsOf(await after(store, cursor)).at(-1), changed[1].seq)
    assert.is((await vouched(store, { id: 'f00d', name: 'eve' })).member.role, 'host', 'left out it stays')
    assert.is((await vouched(store, { id: 'f00d', name: 'eve', role: 'member' })).changed[0].change, 'unhost')
    assert.is(await store.isTaken(CODE, 'zoe'), false)
  })

  test('a guest who turns out to be a visitor is none any more, and what hosts made of them is the visitor’s', async ({
    store,
    ann,
    bob,
  }) => {
    await moderate(store, ann, 'mute', bob)
    const { member, replaced, changed } = await vouched(store, { id: 'f00d', name: 'bob' }, { instead: bob.id })
    assert.equal([member.isMuted, replaced, changed], [true, bob.id, []])
    assert.is(await store.member(CODE, bob.id), undefined)
    assert.is((await vouched(store, { id: 'f00e', name: 'ann' }, { instead: ann.id })).member.role, 'host')
    const other = await vouched(store, { id: 'f00f', name: 'zoe' }, { instead: 'f00e' })
    assert.equal([other.member.role, other.replaced], ['member', undefined], 'another visitor stays who they are')
  })

  test('a visitor waits where they knock, unless they are host or in already', async ({ store, ann }) => {
    const isKnock = true
    assert.is((await vouched(store, { id: 'f00d', name: 'zoe' }, { isKnock })).member.isWaiting, true)
    assert.is((await vouched(store, { id: 'f00d', name: 'zoe' }, { isKnock })).member.isWaiting, true)
    await moderate(store, ann, 'admit', (await store.member(CODE, 'f00d')) as Member)
    assert.is((await vouched(store, { id: 'f00d', name: 'zoe' }, { isKnock })).member.isWaiting, undefined)
    assert.is(
      (await vouched(store, { id: 'f00e', name: 'eve', role: 'host' }, { isKnock })).member.isWaiting,
      undefined,
    )
  })

  test('a visitor who was banned is not let in, and one with the name of a banned guest is', async ({
    store,
    ann,
    bob,
  }) => {
    const { member } = await vouched(store, { id: 'f00d', name: 'zoe' })
    for (const one of [member, bob]) await moderate(store, ann, 'ban', one)
    assert.equal(await store.vouch(CODE, { id: 'f00d', name: 'eve' }, arrival()), { outcome: 'banned' })
    assert.is((await vouched(store, { id: 'f00e', name: 'bob' })).member.name, 'bob')
    assert.is(await store.admit(CODE, personOf('zoe')), 'banned')
  })

  test('a room that is established is one room, however often and whoever asks for it at the same moment', async ({
    store,
  }) => {
    const rooms = Array.from({ length: 10 }, (_, index) => ({ ...roomOf('lobby'), title: `title ${index}` }))
    const [first, ...others] = await Promise.all(rooms.map((room) => store.establish(room)))
    for (const room of others) assert.equal(room, first)
    assert.equal(await store.find('lobby'), first)
    assert.equal(await store.establish({ ...roomOf('lobby'), title: 'later' }), first)
    assert.is(await store.admit('lobby', personOf('zoe')), 'admitted')
    assert.is((await store.establish(roomOf(CODE))).title, (await store.find(CODE))?.title, 'one that is there stays')
  })

  test('a room that is established neither expires nor gives way, though there are too many', async ({
    store,
    clock,
    bob,
  }) => {
    await store.establish(roomOf('lobby'))
    await store.create(roomOf(OTHER), personOf('zoe'))
    await store.establish(roomOf('help'))
    for (const code of ['lobby', 'help']) {
      await store.admit(code, bob)
      await store.mark(code, new Map([[bob.id, false]]))
    }
    await store.mark(OTHER, new Map())
    assert.equal(await store.create(roomOf('XXX-XXX-XXX'), personOf('eve')), { outcome: 'full' })
    await clock.pass(1000)
    assert.equal((await store.expire(500)).map(({ code }) => code).toSorted(), [CODE, OTHER])
    for (const code of ['lobby', 'help']) assert.is((await store.find(code))?.code, code)
    assert.is(await store.remove('lobby'), true)
    assert.is(await store.find('lobby'), undefined)
  })

  test('a room is kept by whoever joins, speaks, or touches it, whatever the clock on the wall says', async ({
    store,
    clock,
    ann,
  }) => {
    const keep = {
      touch: () => store.touch(CODE),
      admit: () => store.admit(CODE, personOf('eve')),
      append: () => say(store, ann, 'hello'),
      change: () => change(store, ann, { notice: 'hello' }),
      remake: async () => {
        await store.remove(CODE)
        await store.create(roomOf(CODE), personOf('eve', 'host'))
      },
    }
    for (const [how, act] of Object.entries(keep)) {
      await clock.pass(100)
      for (const milliseconds of [-60_000, 120_000]) {
        clock.set(milliseconds)
        assert.equal(await store.expire(100), [], how)
      }
      await act()
      assert.equal(await store.expire(99), [], how)
    }
    const room = await store.find(CODE)
    await clock.pass(100)
    assert.equal(await store.expire(99), [room])
    assert.equal([await store.find(CODE), await store.expire(0)], [undefined, []])
  })

  test('a room that is left out when others expire is kept as it is, and no longer than that', async ({
    store,
    clock,
    ann,
  }) => {
    await store.create(roomOf(OTHER), ann)
    const [room, other] = [await store.find(CODE), await store.find(OTHER)]
    await clock.pass(100)
    assert.equal(await store.expire(99, new Set([CODE])), [other])
    assert.equal([await store.find(CODE), await store.find(OTHER)], [room, undefined])
    assert.equal(await store.expire(99), [room])
  })

  test('what is refused does not keep a room, nor does asking for it', async ({ store, clock, bob }) => {
    await clock.pass(100)
    await refusalOf(store.append(CODE, { kind: 'cleared', by: bob.id, at: START }))
    assert.is(await store.admit(CODE, personOf('ANN')), 'name-taken')
    await store.member(CODE, bob.id)
    await newest(store)
    assert.equal((await store.expire(99)).length, 1)
  })

  test('a room that expires at the moment somebody keeps it is kept, or they are told that it is gone', async ({
    store,
    clock,
    ann,
  }) => {
    for (const act of ['touch', 'append'] as const) {
      for (const isFirst of [true, false]) {
        await store.remove(CODE)
        await store.create(roomOf(CODE), ann)
        await clock.pass(100)
        const keep = async () => (act === 'touch' ? store.touch(CODE) : (await store.append(CODE, draft(ann, 'x'))).ok)
        const both = [async () => (await store.expire(99)).length === 0, keep]
        const answers = await Promise.all((isFirst ? both : both.toReversed()).map((one) => one()))
        assert.is(answers[0], answers[1], `${act} ${isFirst}`)
        assert.is((await store.find(CODE)) !== undefined, answers[0])
      }
    }
  })

  test('an edited message is read as it is now, and its edit is an entry of its own', async ({ store, ann, bob }) => {
    const [first, second] = await fill(store, bob, 2)
    const { cursor } = await newest(store)
    const { entry } = await edit(store, bob, first, 'better')
    const message = { ...first, text: 'better', edited: entry.at }
    assert.equal(entry, { kind: 'edited', seq: 3, tag: entry.tag, at: entry.at, by: bob.id, message })
    const page = await newest(store)
    assert.equal([page.messages, page.cursor], [[message, second], writeCursor(entry)])
    assert.equal((await after(store, cursor)).entries, [entry])
    assert.equal((await after(store, writeCursor(entry))).previous, second)
    const all = (await after(store, page.start)).entries
    assert.equal(all, [message, second, entry], 'no old text is read anywhere')
    assert.equal(await edit(store, bob, first, 'better'), { entry, repeated: true }, 'no change is no entry')
    assert.equal(await edit(store, bob, second, second.text), { entry: second, repeated: true })
    assert.is((await say(store, ann, 'next')).seq, 4)
  })

  test('a deleted message stays as a line without words, once', async ({ store, ann, bob }) => {
    const [first, second] = await fill(store, bob, 2)
    await edit(store, bob, first, 'better')
    const { entry } = await erase(store, ann, first)
    const { seq, tag, member, name, at } = first
    const message = { kind: 'message', seq, tag, key: '', member, name, text: '', at, isDeleted: true }
    assert.equal(entry, { kind: 'deleted', seq: 4, tag: entry.tag, at: entry.at, by: ann.id, message })
    assert.equal((await newest(store)).messages, [message, second])
    assert.equal((await after(store, (await newest(store)).start)).entries, [message, second, entry])
    assert.equal(await erase(store, bob, first), { entry, repeated: true })
    assert.is(await refusalOf(edit(store, bob, first, 'again')), 'message-unknown')
    assert.not.ok(JSON.stringify(await after(store, '9.0')).includes('better'), 'no old text is kept')
  })

  test('of what was done twice to one thing the last is kept, and a place between is still one', async ({
    store,
    ann,
    bob,
  }) => {
    const [first] = await fill(store, ann, 1)
    const places: Entry[] = []
    for (const number of [1, 2, 3]) {
      places.push((await edit(store, ann, first, `better ${number}`)).entry)
      places.push(await change(store, ann, { title: `title ${number}` }))
      places.push(await moderate(store, ann, number % 2 ? 'mute' : 'unmute', bob))
    }
    const next = await say(store, ann, 'next')
    const kept = [...places.slice(-3), next]
    for (const place of places) {
      const stretch = await after(store, writeCursor(place))
      const news = kept.filter(({ seq }) => seq > place.seq)
      assert.equal([seqsOf(stretch), stretch.gap, stretch.cursor], [seqs(news), undefined, writeCursor(next)])
    }
    assert.equal([(await newest(store)).messages[0].text, (await store.find(CODE))?.title], ['better 3', 'title 3'])
  })

  test('a text that is edited often takes the space of one', async ({ store, bob }) => {
    const said = await fill(store, bob, 5)
    for (let number = 10; number < 40; number += 1) await edit(store, bob, said[1], 'x'.repeat(500 + number))
    assert.equal(seqsOf(await newest(store)), range(1, 5))
    await edit(store, bob, said[4], 'x'.repeat(500))
    assert.equal(seqsOf(await newest(store)), [3, 4, 5], 'and the newest stays')
  })

  test('after the last entry the newest place is told, though what was done there is gone', async ({ store, bob }) => {
    const said = await fill(store, bob, 10)
    const { cursor } = await newest(store)
    const { entry } = await edit(store, bob, said[0], 'x'.repeat(999))
    const stretch = await after(store, cursor)
    assert.equal([stretch.entries, stretch.gap, stretch.cursor], [[], undefined, writeCursor(entry)])
    assert.is((await newest(store)).cursor, writeCursor(entry))
    assert.equal(seqsOf(await after(store, writeCursor(entry))), [])
  })

  test('what hosts do does not count as history, and not as a missed message', async ({ store, ann, bob }) => {
    const { cursor } = await newest(store)
    const said: Message[] = []
    for (let number = 1; number <= 12; number += 1) {
      said.push(await say(store, bob, `text ${number}`))
      for (const change of ['mute', 'unmute'] as const) await moderate(store, ann, change, bob)
    }
    assert.equal((await newest(store)).messages, said.slice(2))
    assert.equal((await after(store, cursor)).gap, { kind: 'gap', missed: 2 })
    assert.equal((await after(store, writeCursor(said[0]))).gap, { kind: 'gap', missed: 1 })
    assert.is((await after(store, writeCursor(said[1]))).gap, undefined)
    assert.equal((await before(store, said[2])).gap, { kind: 'gap', missed: 2 })
    assert.equal((await before(store, said[1])).gap, { kind: 'gap', missed: 1 })
    assert.is((await before(store, said[0])).gap, undefined)
  })

  test('that a message was taken back outlives the message, and no answer stops within a gap', async ({
    store,
    bob,
  }) => {
    const said = await fill(store, bob, 10)
    for (const message of said.slice(0, 6)) await erase(store, bob, message)
    await edit(store, bob, said[6], 'better')
    const later = await fill(store, bob, 30)
    const all = await after(store, writeCursor(said[9]))
    assert.equal([all.gap, seqsOf(all)], [{ kind: 'gap', missed: 20 }, [...range(11, 16), ...seqs(later.slice(20))]])
    const first = await after(store, writeCursor(said[9]), 4)
    assert.equal([first.gap, seqsOf(first)], [{ kind: 'gap', missed: 20 }, [...range(14, 16), later[20].seq]])
    const second = await after(store, first.cursor, 4)
    assert.equal([second.gap, seqsOf(second)], [undefined, seqs(later.slice(21, 25))])
    const single = await after(store, '9.0', 1)
    assert.equal([single.gap, seqsOf(single)], [{ kind: 'gap' }, [later[20].seq]])
  })

  test('of what hosts did the last are kept, and whoever comes from before is told', async ({ clock, ann }) => {
    const store = await open({ ...BOUNDS, acts: 3 }, clock)
    await store.create(roomOf(CODE), ann)
    const { cursor } = await newest(store)
    const guests: Member[] = []
    for (let number = 1; number <= 5; number += 1) guests.push(await admitted(store, `guest ${number}`))
    const [message] = await fill(store, ann, 1)
    const muted: Entry[] = []
    for (const guest of guests) muted.push(await moderate(store, ann, 'mute', guest))
    await edit(store, ann, message, 'better')
    const whole = await after(store, cursor)
    assert.equal([whole.gap, seqsOf(whole)], [{ kind: 'gap', missed: 0 }, [1, 4, 5, 6, 7]])
    const justIn = await after(store, writeCursor(muted[1]))
    assert.equal([justIn.gap, seqsOf(justIn)], [undefined, [4, 5, 6, 7]])
    assert.equal((await after(store, writeCursor(muted[0]))).gap, { kind: 'gap', missed: 0 })
    await store.close()
  })

  test('whatever falls off later, what is gone is told, and that all was taken back too', async ({ clock, ann }) => {
    const store = await open({ ...BOUNDS, acts: 1 }, clock)
    await store.create(roomOf(CODE), ann)
    const [zoe, kim] = [await admitted(store, 'zoe'), await admitted(store, 'kim')]
    const [message] = await fill(store, ann, 1)
    const deletion = await erase(store, ann, message)
    for (const guest of [zoe, kim]) await moderate(store, ann, 'mute', guest)
    await fill(store, ann, 10)
    assert.equal((await after(store, writeCursor(deletion.entry))).gap, { kind: 'gap', missed: 0 })
    assert.equal(seqsOf(await after(store, '9.0')), range(4, 14))
    await append(store, { kind: 'cleared', by: ann.id, at: START })
    for (const guest of [zoe, kim]) await moderate(store, ann, 'unmute', guest)
    const stretch = await after(store, writeCursor(message))
    assert.equal([stretch.gap, seqsOf(stretch)], [{ kind: 'gap', missed: 0 }, [15, 17]])
    await store.close()
  })

  test('entries that are no message are bounded however many there are', async ({ clock, ann }) => {
    const store = await open({ ...BOUNDS, rooms: 1 }, clock)
    await store.create(roomOf(CODE), ann)
    for (let number = 1; number <= ACTS + 10; number += 1) {
      const guest = await admitted(store, `guest ${number}`)
      await moderate(store, ann, 'remove', guest)
    }
    assert.is((await after(store, '0.0', 10_000)).entries.length, ACTS)
    await store.close()
  })

  test('what was cleared is gone, with all that was made of it, and leaves no gap', async ({ store, ann, bob }) => {
    const { cursor } = await newest(store)
    const said = await fill(store, bob, 14)
    await edit(store, bob, said[12], 'better')
    await erase(store, bob, said[13])
    const title = await change(store, ann, { title: 'another' })
    const { entry } = await append(store, { kind: 'cleared', by: ann.id, at: START })
    assert.equal(entry, { kind: 'cleared', seq: 18, tag: entry.tag, at: entry.at, by: ann.id })
    const empty = await newest(store)
    assert.equal([empty.messages, empty.more, empty.cursor], [[], false, writeCursor(entry)])
    for (const place of [cursor, writeCursor(said[2]), writeCursor(said[11])]) {
      const stretch = await after(store, place)
      assert.equal([stretch.entries, stretch.gap], [[title, entry], undefined])
    }
    const next = await say(store, bob, 'next')
    for (const place of [next, entry, said[11], said[1]]) {
      const page = await before(store, place)
      assert.equal([page.messages, page.more, page.gap], [[], false, undefined])
    }
    assert.is(await refusalOf(erase(store, bob, said[11])), 'message-unknown')
    assert.equal(seqsOf(await after(store, (await newest(store)).start)), [next.seq])
    await fill(store, bob, 11)
    assert.equal((await after(store, cursor)).gap, { kind: 'gap', missed: 2 })
    assert.equal((await after(store, writeCursor(next))).gap, { kind: 'gap', missed: 1 })
  })

  test('whoever is removed is no member, and may come again as somebody else', async ({ store, ann, bob }) => {
    await say(store, bob, 'hello')
    const entry = await moderate(store, ann, 'remove', bob)
    assert.equal(entry, {
      ...{ kind: 'member', by: ann.id, change: 'remove', member: bob },
      ...{ seq: 2, tag: entry.tag, at: entry.at },
    })
    assert.equal([await store.member(CODE, bob.id), await store.missing(CODE, [ann.id, bob.id])], [undefined, [bob.id]])
    assert.is(await refusalOf(store.append(CODE, draft(bob, 'hello'))), 'no-session')
    assert.is(await refusalOf(moderate(store, ann, 'remove', bob)), 'member-unknown')
    assert.is(await store.isTaken(CODE, 'bob'), false)
    assert.is(await store.admit(CODE, personOf('bob')), 'admitted')
  })

  test('whoever is banned does not come back, by their id nor by a name that looks like theirs', async ({
    store,
    clock,
    ann,
    bob,
  }) => {
    await moderate(store, ann, 'ban', bob, 1000)
    assert.is(await store.member(CODE, bob.id), undefined)
    const answers = () => Promise.all([{ ...bob, name: 'zoe' }, personOf('BOB')].map((one) => store.admit(CODE, one)))
    assert.equal([await answers(), await store.isTaken(CODE, 'BOB')], [['banned', 'banned'], true])
    clock.set(5000)
    await clock.pass(999)
    assert.equal(await answers(), ['banned', 'banned'])
    await clock.pass(1)
    assert.is(await store.isTaken(CODE, 'BOB'), false)
    assert.equal(await answers(), ['admitted', 'admitted'])
  })

  test('a ban without an end holds until it is taken back', async ({ store, clock, ann, bob }) => {
    assert.is(await refusalOf(moderate(store, ann, 'unban', bob)), 'member-unknown')
    await moderate(store, ann, 'ban', bob)
    await clock.pass(365 * KEY_MS)
    assert.is(await store.admit(CODE, bob), 'banned')
    assert.equal((await moderate(store, ann, 'unban', bob)).kind, 'member')
    assert.is(await store.admit(CODE, bob), 'admitted')
  })

  test('of too many bans the oldest is forgotten', async ({ store, ann }) => {
    const guests: Member[] = []
    for (let number = 0; number <= BANS; number += 1) {
      guests.push(await admitted(store, `guest ${number}`))
      await moderate(store, ann, 'ban', guests[number])
    }
    assert.is(await store.admit(CODE, guests[0]), 'admitted')
    assert.is(await store.admit(CODE, guests[1]), 'banned')
    assert.is(await store.admit(CODE, guests[BANS]), 'banned')
  })

  test('a member is as they were changed, and a change that changes nothing is no entry', async ({
    store,
    ann,
    bob,
  }) => {
    const muted = await moderate(store, ann, 'mute', bob)
    assert.equal([muted.member, await store.member(CODE, bob.id)], [{ ...bob, isMuted: true }, muted.member])
    assert.is(await refusalOf(store.append(CODE, draft(bob, 'hello'))), 'muted')
    const again = await append(store, { kind: 'member', by: ann.id, at: START, id: bob.id, change: 'mute' })
    assert.equal(again, { entry: muted, repeated: true })
    assert.is(await store.admit(CODE, bob), 'admitted', 'one who is in already stays as they are')
    assert.equal(await store.member(CODE, bob.id), muted.member)
    await moderate(store, ann, 'host', bob)
    await moderate(store, bob, 'unhost', ann)
    assert.is(await refusalOf(moderate(store, bob, 'unhost', bob)), 'last-host')
    assert.is(await refusalOf(moderate(store, ann, 'unhost', bob)), 'not-allowed')
  })

  test('of two hosts who unhost each other at the same moment one stays', async ({ store, ann, bob }) => {
    await moderate(store, ann, 'host', bob)
    const unhost = (by: Member, member: Member): Promise<unknown> =>
      store.append(CODE, { kind: 'member', by: by.id, at: START, id: member.id, change: 'unhost' })
    await Promise.all([unhost(ann, bob), unhost(bob, ann)])
    const roles = await Promise.all([ann, bob].map(async ({ id }) => (await store.member(CODE, id))?.role))
    assert.equal(roles.toSorted(), ['host', 'member'])
  })

  test('whoever waits does nothing until a host lets them in', async ({ store, ann }) => {
    const zoe = { ...personOf('zoe'), isWaiting: true as const }
    await store.admit(CODE, zoe)
    assert.equal(await store.member(CODE, zoe.id), zoe)
    assert.is(await refusalOf(store.append(CODE, draft(zoe, 'hello'))), 'waiting')
    await moderate(store, ann, 'admit', zoe)
    await say(store, zoe, 'hello')
  })

  test('a room is as it was changed, and a change that changes nothing is no entry', async ({ store, ann, bob }) => {
    const entry = await change(store, ann, { title: 'another', slow: 10 })
    const room = { ...roomOf(CODE), title: 'another', slow: 10 }
    assert.equal([entry.room, await store.find(CODE)], [room, room])
    const again = await append(store, { kind: 'room', by: ann.id, at: START, change: { slow: 10 } })
    assert.equal(again, { entry, repeated: true })
    assert.is(await refusalOf(change(store, bob, { title: 'mine' })), 'not-allowed')
  })

  test('a room that is slowed down and an edit go by time that passes, not by the clock on the wall', async ({
    store,
    clock,
    ann,
    bob,
  }) => {
    await change(store, ann, { slow: 10 })
    const message = await say(store, bob, 'hello', 'k')
    clock.set(60_000)
    await clock.pass(7500)
    assert.equal(await store.append(CODE, draft(bob, 'more')), {
      ...{ ok: false, refusal: 'slow-mode', limit: 10, retryAfter: 3 },
    })
    assert.is((await append(store, draft(bob, 'hello', 'k'))).repeated, true)
    await clock.pass(2500)
    await say(store, bob, 'more')
    assert.is(await refusalOf(store.append(CODE, draft(bob, 'still more'))), 'slow-mode')
    await clock.pass(15 * 60_000 - 10_000)
    await edit(store, bob, message, 'better')
    await clock.pass(1)
    const late: Act = { kind: 'edited', by: bob.id, at: START, of: message, text: 'late' }
    assert.equal(await store.append(CODE, late), { ok: false, refusal: 'too-late', limit: 15 })
  })

  test('a message can be edited for as long as any other, though older ones fell off', async ({
    store,
    clock,
    bob,
  }) => {
    await fill(store, bob, 15)
    await clock.pass(20 * 60_000)
    const message = await say(store, bob, 'hello')
    await edit(store, bob, message, 'better')
    const [old] = (await newest(store)).messages
    assert.is(await refusalOf(edit(store, bob, old, 'late')), 'too-late')
  })

  test.run()
}

function roomOf(code: string): Room {
  const settings = { title: 'a room', notice: '', door: 'open', password: '', slow: 0, isReadOnly: false } as const
  return { code, created: START, generation: 'g', ...settings }
}

function personOf(name: string, role: Member['role'] = 'member'): Member {
  return { id: randomId(), name, role }
}

async function admitted(store: Store, name: string): Promise<Member> {
  const member = personOf(name)
  assert.is(await store.admit(CODE, member), 'admitted')
  return member
}

function leave(store: Store, ...members: Member[]): Promise<void> {
  return store.mark(CODE, new Map(members.map(({ id }) => [id, false])))
}

async function say(store: Store, member: Member, text: string, key?: string, at?: number): Promise<Message> {
  const { entry, repeated } = await append(store, draft(member, text, key, at))
  assert.is(repeated, false)
  return entry as Message
}

async function fill(store: Store, member: Member, count: number): Promise<Message[]> {
  const said: Message[] = []
  for (let number = 1; number <= count; number += 1) said.push(await say(store, member, `text ${number}`))
  return said
}

function draft(member: Member, text: string, key = randomId(), at = START + 10): Act {
  return { kind: 'message', by: member.id, text, key, at }
}

function arrival(more: Partial<Arrival> = {}): Arrival {
  return { at: START, isKnock: false, ...more }
}

/** Lets a visitor in. */
async function vouched(store: Store, visitor: Vouched, more?: Partial<Arrival>) {
  const vouching = await store.vouch(CODE, visitor, arrival(more))
  if (vouching.outcome !== 'in') throw new Error(vouching.outcome)
  return vouching
}

function edit(store: Store, by: Member, of: Message, text: string): Promise<Appended> {
  return append(store, { kind: 'edited', by: by.id, at: START, of, text })
}

function erase(store: Store, by: Member, of: Message): Promise<Appended> {
  return append(store, { kind: 'deleted', by: by.id, at: START, of })
}

async function moderate(store: Store, by: Member, change: MemberChange, { id }: Member, milliseconds?: number) {
  const act: Act = { kind: 'member', by: by.id, at: START, id, change, milliseconds }
  return (await append(store, act)).entry as Entry & { kind: 'member' }
}

async function change(store: Store, by: Member, change: Partial<RoomSettings>) {
  return (await append(store, { kind: 'room', by: by.id, at: START, change })).entry as Entry & { kind: 'room' }
}

/** Appends what is not refused. */
async function append(store: Store, act: Act): Promise<Appended> {
  const { ok, ...appended } = await store.append(CODE, act)
  if ('refusal' in appended) throw new Error(appended.refusal)
  assert.ok(ok)
  return appended
}

/** What an act is refused with. */
async function refusalOf(act: Promise<unknown>): Promise<string | undefined> {
  try {
    return ((await act) as { refusal?: string }).refusal
  } catch (error) {
    return (error as Error).message
  }
}

async function newest(store: Store, limit = 50): Promise<Page> {
  return (await store.messages(CODE, { limit })) as Page
}

async function after(store: Store, cursor: string, limit = 50): Promise<Stretch> {
  return (await store.entries(CODE, { after: readCursor(cursor), limit })) as Stretch
}

async function before(store: Store, cursor: Cursor, limit = 50): Promise<Page> {
  return (await store.messages(CODE, { before: cursor, limit })) as Page
}

async function isForeign(store: Store, cursor: string, kept: number[]): Promise<void> {
  const stretch = await after(store, cursor)
  assert.equal([seqsOf(stretch), stretch.gap], [kept, { kind: 'gap' }], cursor)
}

function seqsOf(read: Page | Stretch): number[] {
  return seqs('entries' in read ? read.entries : read.messages)
}

function seqs(entries: readonly Entry[]): number[] {
  return entries.map(({ seq }) => seq)
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function ascending(one: number, other: number): number {
  return one - other
}

function randomId(): string {
  return randomBytes(6).toString('hex')
}
