import { randomBytes } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Clock } from '../../rooms/clock.ts'
import { type Cursor, readCursor, writeCursor } from '../../rooms/cursor.ts'
import { AWAY, type Bounds, KEY_MS, KEYS, MOST_KEYS, type Store } from '../../rooms/stores/store.ts'
import type { Entry, Member, Message, Page } from '../../rooms/types.ts'
import { TestClock } from './clock.ts'

/** Opens an empty store that measures time by this clock. */
export type Open = (bounds: Bounds, clock: Clock) => Promise<Store>

const BOUNDS = { history: 10, bytes: 1000 }
const START = Date.UTC(2026, 10, 22)
const CODE = 'ACD-EFG-HJK'

/** What `rooms/stores/store.ts` promises, held against one implementation. */
export function storeContract(name: string, open: Open): void {
  const test = suite<{ clock: TestClock; store: Store; ann: Member; bob: Member }>(`store ${name}`)

  test.before.each(async (context) => {
    context.clock = new TestClock()
    context.store = await open(BOUNDS, context.clock)
    await context.store.create(roomOf(CODE))
    context.ann = await admitted(context.store, 'ann')
    context.bob = await admitted(context.store, 'bob')
  })
  test.after.each(({ store }) => store.close())

  test('entries are numbered from 1 without a hole, whoever appends at the same time', async ({ store, ann, bob }) => {
    const heard = follow(store)
    const appends = Array.from({ length: 60 }, (_, index) => say(store, index % 2 ? ann : bob, `text ${index}`))
    const seqs = (await Promise.all(appends)).map(({ seq }) => seq)
    assert.equal(seqs.toSorted(ascending), range(1, 60))
    await heard.count(60)
    assert.equal(heard.seqs, range(1, 60))
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
    assert.equal((await store.read(CODE, { limit: 5 })).entries, [message])
    assert.equal(readCursor(writeCursor(message)), { seq, tag }, 'its cursor can be written and read')
  })

  test('every follower gets every entry in order, and nothing after it ended', async ({ store, ann }) => {
    const [first, second] = [follow(store), follow(store)]
    await say(store, ann, 'one')
    await say(store, ann, 'two')
    await Promise.all([first.count(2), second.count(2)])
    second.end()
    const third = follow(store)
    await say(store, ann, 'three')
    await Promise.all([first.count(3), third.count(1)])
    assert.equal([first.seqs, second.seqs, third.seqs], [[1, 2, 3], [1, 2], [3]])
  })

  test('what is said in one room is not heard or read in another', async ({ store, ann }) => {
    const other = 'MNP-QRT-WXY'
    await store.create(roomOf(other))
    const heard = follow(store, other)
    await say(store, ann, 'hello')
    assert.is(await store.append(other, draft(ann, 'hello')), undefined, 'no member there')
    assert.equal((await store.read(other, { limit: 5 })).entries, [])
    assert.is(await store.member(other, ann.id), undefined)
    assert.equal(heard.seqs, [])
  })

  test('a key that was used before answers the first message and stores nothing', async ({ store, ann }) => {
    const heard = follow(store)
    const first = await store.append(CODE, draft(ann, 'hello', 'k'))
    const again = await store.append(CODE, draft(ann, 'hello', 'k'))
    assert.equal(again, { message: first?.message, repeated: true })
    await say(store, ann, 'next')
    await heard.count(2)
    assert.equal(heard.seqs, [1, 2])
    assert.is(first?.repeated, false)
  })

  test('the same key ten times at once is one message', async ({ store, ann }) => {
    const all = await Promise.all(Array.from({ length: 10 }, () => store.append(CODE, draft(ann, 'hello', 'k'))))
    assert.equal(
      all.map((one) => one?.message.seq),
      Array(10).fill(1),
    )
    assert.is(all.filter((one) => one?.repeated === false).length, 1)
    assert.equal((await store.read(CODE, { limit: 5 })).entries.length, 1)
  })

  test('two members may use the same key', async ({ store, ann, bob }) => {
    assert.is((await say(store, ann, 'hello', 'k')).seq, 1)
    assert.is((await say(store, bob, 'hello', 'k')).seq, 2)
  })

  test('a key is remembered however much is said after it', async ({ store, ann, bob }) => {
    const first = await say(store, ann, 'hello', 'k')
    for (let count = 1; count < KEYS; count += 1) await say(store, ann, `own ${count}`)
    for (let count = 0; count < KEYS * 2; count += 1) await say(store, bob, `other ${count}`)
    const again = await store.append(CODE, draft(ann, 'hello', 'k'))
    assert.equal(again, { message: first, repeated: true })
    assert.is((await say(store, ann, 'new')).seq, KEYS * 3 + 1)
  })

  test('further messages from another tab do not make a key forgotten within a day', async ({ store, clock, ann }) => {
    const first = await say(store, ann, 'hello', 'k')
    for (let count = 0; count < 1000; count += 1) await say(store, ann, `another ${count}`)
    clock.set(2 * KEY_MS)
    await clock.pass(KEY_MS)
    await say(store, ann, 'the day after')
    assert.equal(await store.append(CODE, draft(ann, 'hello', 'k')), {
      message: first,
      repeated: true,
    })
    await clock.pass(1)
    await say(store, ann, 'later')
    assert.is((await store.append(CODE, draft(ann, 'hello', 'k')))?.repeated, false, 'more than a day is not promised')
  })

  test('no member has more keys remembered than a bound', async ({ store, ann }) => {
    const said = await fill(store, ann, MOST_KEYS + 100)
    const again = async ({ key }: Message) => (await store.append(CODE, draft(ann, 'hello', key)))?.repeated
    assert.equal(await Promise.all(said.slice(100).map(again)), Array(MOST_KEYS).fill(true))
    assert.equal(await Promise.all(said.slice(0, 100).map(again)), Array(100).fill(false))
  })

  test('time does not run backwards in a room', async ({ store, ann }) => {
    await say(store, ann, 'later', undefined, START + 5000)
    assert.is((await say(store, ann, 'earlier', undefined, START + 1000)).at, START + 5000)
  })

  test('nobody but a member appends', async ({ store, ann, bob }) => {
    await store.dismiss(CODE, ann.id)
    assert.is(await store.append(CODE, draft(ann, 'hello')), undefined)
    assert.is(await store.append(CODE, draft({ id: 'nobody', name: 'zoe' }, 'hello')), undefined)
    assert.is(await store.append('XXX-XXX-XXX', draft(bob, 'hello')), undefined)
    assert.equal((await store.read(CODE, { limit: 5 })).entries, [])
  })

  test('the cursor of an empty room leads to its first entry', async ({ store, ann }) => {
    const { cursor, entries, more } = await store.read(CODE, { limit: 5 })
    assert.equal([entries, more], [[], false])
    await say(store, ann, 'hello')
    const page = await after(store, cursor)
    assert.equal([seqsOf(page), page.gap], [[1], undefined])
  })

  test('without a cursor the newest are read', async ({ store, ann }) => {
    await fill(store, ann, 8)
    const page = await store.read(CODE, { limit: 3 })
    assert.equal([seqsOf(page), page.more, page.previous?.seq], [[6, 7, 8], true, 5])
    assert.is(page.cursor, writeCursor(page.entries[2]))
    const all = await store.read(CODE, { limit: 8 })
    assert.equal([seqsOf(all), all.more, all.previous], [range(1, 8), false, undefined])
  })

  test('going on from cursor to cursor reads each entry once', async ({ store, ann }) => {
    const { cursor } = await store.read(CODE, { limit: 1 })
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
    const last = pages.at(-1) as Page
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
    const pages = [await store.read(CODE, { limit: 3 })]
    while (pages.at(-1)?.more) pages.push(await before(store, pages.at(-1)?.entries[0] as Entry, 3))
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
    assert.equal([seqsOf(await store.read(CODE, { limit: 50 })), missed.more], [range(16, 25), false])
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
      assert.equal(page, { entries: [], more: false, gap, start: cursor, cursor }, `before ${seq}`)
    }
  })

  test('before the first message nothing is gone, because nothing ever was there', async ({ store, ann }) => {
    const empty = readCursor((await store.read(CODE, { limit: 5 })).cursor) as Cursor
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
    assert.is((await store.read(CODE, { limit: 50 })).gap, undefined, 'the newest page is no page back')
  })

  test('before a cursor of another history there is nothing, least of all what is newer', async ({ store, ann }) => {
    const said = await fill(store, ann, 25)
    const foreign = ['2.zzzzzz', '0.zzzzzz', '15.zzzzzz', `20.${said[18].tag}`, '25.0', `30.${said[24].tag}`]
    for (const cursor of [...foreign, '999999999999999.zzzzzz']) {
      const page = await before(store, readCursor(cursor) as Cursor)
      assert.equal(page, { entries: [], more: false, gap: { kind: 'gap' }, start: cursor, cursor })
    }
  })

  test('to go on from where a page starts gives its entries again', async ({ store, ann }) => {
    const said = await fill(store, ann, 25)
    for (const limit of [1, 4, 10]) {
      const pages = [store.read(CODE, { limit }), before(store, said[22], limit), before(store, said[17], limit)]
      for (const seq of [3, 15, 18, 25]) pages.push(after(store, writeCursor(said[seq - 1]), limit))
      for (const page of await Promise.all(pages)) {
        assert.equal(
          seqsOf(await after(store, page.start, page.entries.length)),
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
    assert.equal(seqsOf(await store.read(CODE, { limit: 50 })), [4, 5, 6])
    await say(store, ann, 'x'.repeat(2000))
    assert.equal(seqsOf(await store.read(CODE, { limit: 50 })), [7], 'the newest is always kept')
    await say(store, ann, 'short')
    assert.equal(seqsOf(await store.read(CODE, { limit: 50 })), [8])
  })

  test('a cursor with another tag gets a gap and all that is kept', async ({ store, ann }) => {
    const said = await fill(store, ann, 4)
    for (const cursor of ['2.zzzzzz', '0.zzzzzz', `3.${said[1].tag}`, '4.0'])
      await isForeign(store, cursor, range(1, 4))
  })

  test('a cursor from the future gets a gap and all that is kept', async ({ store, ann }) => {
    const said = await fill(store, ann, 4)
    await isForeign(store, `9.${said[3].tag}`, range(1, 4))
    await isForeign(store, '999999999999999.zzzzzz', range(1, 4))
  })

  test('a history that was rolled back and overtaken is told from the one before', async ({ store, ann }) => {
    const lost = await open(BOUNDS, new TestClock())
    await lost.create(roomOf(CODE))
    await lost.admit(CODE, ann)
    const before = await fill(lost, ann, 6)
    await lost.close()
    await fill(store, ann, 6)
    for (const message of before) await isForeign(store, writeCursor(message), range(1, 6))
  })

  test('a room that was made anew does not go on with the old one', async ({ store, ann }) => {
    const said = await fill(store, ann, 3)
    await store.remove(CODE)
    await store.create(roomOf(CODE))
    assert.is(await store.member(CODE, ann.id), undefined)
    assert.is(await store.admit(CODE, ann), 'admitted')
    await isForeign(store, writeCursor(said[1]), [])
    assert.is((await say(store, ann, 'hello', said[0].key)).seq, 1, 'not even its keys')
  })

  test('a room that is not there has no members and no entries', async ({ store, ann }) => {
    await say(store, ann, 'hello')
    await store.remove(CODE)
    assert.is(await store.find(CODE), undefined)
    assert.is(await store.admit(CODE, ann), 'no-room')
    assert.is(await store.append(CODE, draft(ann, 'hello')), undefined)
    assert.is(await store.dismiss(CODE, ann.id), false)
    const page = await store.read(CODE, { limit: 5 })
    assert.equal([page.entries, page.more], [[], false])
    await store.remove(CODE)
  })

  test('a code is given once', async ({ store }) => {
    assert.is(await store.create({ ...roomOf(CODE), title: 'another' }), false)
    assert.equal(await store.find(CODE), roomOf(CODE))
    const made = await Promise.all(Array.from({ length: 5 }, () => store.create(roomOf('MNP-QRT-WXY'))))
    assert.is(made.filter(Boolean).length, 1)
    assert.is(await store.count(), 2)
  })

  test('of ten people who ask for names that look alike at the same moment one gets it', async ({ store }) => {
    const names = ['zoe', 'Zoe', 'ZOE', 'z oe', 'zоe', 'zo\u0435', 'z\u200Boe', 'ｚｏｅ', 'zoe', 'zοe']
    const answers = await Promise.all(names.map((name) => store.admit(CODE, { id: randomId(), name })))
    assert.equal(answers.toSorted(), ['admitted', ...Array(9).fill('name-taken')])
    assert.is(await store.isTaken(CODE, 'zoe'), true)
  })

  test('a name is free again once its member has left', async ({ store, ann }) => {
    assert.is(await store.isTaken(CODE, 'аnn'), true)
    assert.is(await store.dismiss(CODE, ann.id), true)
    assert.is(await store.dismiss(CODE, ann.id), false)
    assert.is(await store.isTaken(CODE, 'аnn'), false)
    assert.is(await store.admit(CODE, { id: randomId(), name: 'аnn' }), 'admitted')
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
    await store.mark(CODE, bob.id, false)
    for (const { id } of guests.slice(0, AWAY - 1)) await store.mark(CODE, id, false)
    assert.equal(await store.member(CODE, bob.id), bob, 'from now on the last one')
    for (const { id } of guests.slice(AWAY - 1, AWAY + 2)) await store.mark(CODE, id, false)
    const kept = await Promise.all([ann, bob, ...guests].map(({ id }) => store.member(CODE, id)))
    assert.equal(kept.slice(0, 7), [ann, bob, undefined, undefined, undefined, ...guests.slice(3, 5)])
    assert.is(kept.filter((member) => member === undefined).length, 3)
    assert.is(await store.isTaken(CODE, 'guest 1'), false)
    await store.mark(CODE, guests[0].id, true)
    assert.is(await store.member(CODE, guests[0].id), undefined, 'a mark lets nobody in')
  })

  test('somebody who comes back is not forgotten for having been away', async ({ store, ann }) => {
    await store.mark(CODE, ann.id, false)
    await store.mark(CODE, ann.id, true)
    for (let number = 1; number <= AWAY + 1; number += 1)
      await store.mark(CODE, (await admitted(store, `guest ${number}`)).id, false)
    assert.equal(await store.member(CODE, ann.id), ann)
  })

  test('a room is unused while nothing was ever said in it and nobody is here', async ({ store, ann, bob }) => {
    const [empty, used] = ['MNP-QRT-WXY', 'AAA-AAA-AAA']
    assert.is(await store.unused(), undefined)
    for (const code of [empty, used]) await store.create(roomOf(code))
    for (const { id } of [ann, bob]) await store.mark(CODE, id, false)
    assert.is(await store.unused(), empty, 'the one that has been so for the longest')
    await store.remove(empty)
    await store.admit(used, ann)
    await store.append(used, draft(ann, 'hello'))
    await store.dismiss(used, ann.id)
    assert.is(await store.unused(), CODE)
    await store.mark(CODE, ann.id, true)
    assert.is(await store.unused(), undefined)
    await store.dismiss(CODE, ann.id)
    assert.is(await store.unused(), CODE)
  })

  test('quiet rooms are those in which nothing was said for so long, nor were they made meanwhile', async ({
    store,
    clock,
    ann,
  }) => {
    const later = 'MNP-QRT-WXY'
    await clock.pass(100)
    await store.create(roomOf(later))
    for (const milliseconds of [-60_000, 120_000]) {
      clock.set(milliseconds)
      assert.equal(await store.quietFor(100), [], 'the clock on the wall has no say')
      assert.equal(await store.quietFor(99), [CODE])
    }
    await clock.pass(50)
    assert.equal((await store.quietFor(49)).toSorted(), [CODE, later])
    await say(store, ann, 'hello')
    assert.equal(await store.quietFor(0), [later])
    await store.remove(later)
    await clock.pass(1)
    assert.equal(await store.quietFor(0), [CODE])
  })

  test.run()
}

/** Collects what a follower is called with. */
function follow(store: Store, code = CODE) {
  const seqs: number[] = []
  let wake = () => {}
  const end = store.follow(code, ({ seq }) => {
    seqs.push(seq)
    wake()
  })
  const count = async (entries: number) => {
    while (seqs.length < entries) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return { seqs, end, count }
}

function roomOf(code: string) {
  return { code, title: 'a room', created: START }
}

async function admitted(store: Store, name: string): Promise<Member> {
  const member = { id: randomId(), name }
  assert.is(await store.admit(CODE, member), 'admitted')
  return member
}

async function say(store: Store, member: Member, text: string, key?: string, at?: number): Promise<Message> {
  const appended = await store.append(CODE, draft(member, text, key, at))
  assert.is(appended?.repeated, false)
  return appended?.message as Message
}

async function fill(store: Store, member: Member, count: number): Promise<Message[]> {
  const said: Message[] = []
  for (let number = 1; number <= count; number += 1) said.push(await say(store, member, `text ${number}`))
  return said
}

function draft(member: Member, text: string, key = randomId(), at = START + 10) {
  return { member, text, key, at }
}

function after(store: Store, cursor: string, limit = 50): Promise<Page> {
  return store.read(CODE, { after: readCursor(cursor), limit })
}

function before(store: Store, cursor: Cursor, limit = 50): Promise<Page> {
  return store.read(CODE, { before: cursor, limit })
}

async function isForeign(store: Store, cursor: string, kept: number[]): Promise<void> {
  const page = await after(store, cursor)
  assert.equal([seqsOf(page), page.gap], [kept, { kind: 'gap' }], cursor)
}

function seqsOf({ entries }: Page): number[] {
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
