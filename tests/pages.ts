import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Cursor, readCursor } from '../rooms/cursor.ts'
import type { Format } from '../rooms/fanout.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { boundPage, boundStretch } from '../rooms/page.ts'
import type { Act } from '../rooms/entries.ts'
import { makeRoom } from '../rooms/make.ts'
import { Rooms } from '../rooms/rooms.ts'
import { type Entry, type Message, type Page, type Stretch, UNCHANGED } from '../rooms/types.ts'
import type { Site } from '../routes/guard/site.ts'
import { frame } from '../templates/frames.ts'
import { Random } from './faults/random.ts'
import { TestClock, turn } from './support/clock.ts'
import { Ear, plainFormat } from './support/ear.ts'
import { SEED } from './support/seed.ts'
import { Guest, makeHouse } from './support/site.ts'

const KB = 1024
const PAGE = 256 * KB
const CODE = 'ACD-EFG-HJK'
const HISTORY = 40
const FOREIGN = { seq: 0, tag: 'foreign' }
const FRAGMENT = { headers: { 'HX-Request': 'true' } }
const ann = { id: 'a', name: 'ann', role: 'member' as const }

const test = suite('pages')

test('whatever the sizes, paging on or back over bounded pages reaches every entry once, and each gap is told', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 60 })
  const given = { sizes, history: fc.integer({ min: 1, max: 60 }), bytes: fc.integer({ min: 1, max: 120 }) }
  const limit = fc.integer({ min: 1, max: 20 })
  await fc.assert(
    fc.asyncProperty(fc.record({ ...given, limit }), async ({ sizes, history, bytes, limit }) => {
      const store = await filled(sizes, history)
      const kept = there(await store.messages(CODE, { limit: 1000 })).messages
      const readOn = async (after: Cursor) => {
        const stretch = boundStretch(there(await store.entries(CODE, { after, limit })), bytes, sizeOf)
        return { ...stretch, messages: stretch.entries.filter((entry) => entry.kind === 'message') }
      }
      const read = async (before?: Cursor) =>
        boundPage(there(await store.messages(CODE, { before, limit })), bytes, sizeOf)
      const all = there(await store.entries(CODE, { after: FOREIGN, limit: 1000 }))
      const on = [await readOn(FOREIGN)]
      while (on.at(-1)?.more) on.push(await readOn(readCursor(on.at(-1)?.cursor as string) as Cursor))
      const back = [await read()]
      while (back.at(-1)?.more) back.push(await read(back.at(-1)?.messages[0]))
      const oldest = kept[0].seq
      const isToldGone = oldest > 1 && back.length > 1
      assert.equal(back.at(-1)?.gap, isToldGone ? { kind: 'gap', missed: oldest - 1 } : undefined)
      assert.not(back.slice(0, -1).some(({ gap }) => gap))
      for (const pages of [on, back.toReversed()]) {
        assert.equal(pages.flatMap<Message>(({ messages }) => messages).map(seqOf), kept.map(seqOf))
        for (const page of pages) holds(page, kept, bytes, limit)
      }
      assert.equal([on[0].gap, on.at(-1)?.cursor], [all.gap, all.cursor])
      assert.is(
        on.slice(1).some(({ gap }) => gap),
        false,
      )
    }),
    { seed: 7, numRuns: 300 },
  )
})

test('what is gone is told once however an answer is cut, and what hosts did since is in it', async () => {
  const { store, start, last } = await moderated()
  for (let fits = 1; fits <= 20; fits += 1) {
    const pages = []
    for (let after: Cursor = start; pages.at(-1)?.more !== false; after = placeOf(pages.at(-1)))
      pages.push(boundStretch(there(await store.entries(CODE, { after, limit: 100 })), fits, () => 1))
    const isSaid = (entry: Entry) => entry.kind === 'message'
    const entries = pages.flatMap((page) => page.entries)
    assert.equal(pages[0].gap, { kind: 'gap', missed: 9 }, `${fits} fit`)
    assert.not(
      pages.slice(1).some(({ gap }) => gap),
      `${fits} fit`,
    )
    assert.equal([entries.filter(isSaid).length, entries.at(-1)], [5, last])
  }
})

test('a page of what takes most is bounded by bytes, as HTML and as JSON, and so is the room’s own', async () => {
  for (const sign of ['"', '\x01', 'http://a.b\n', '語']) {
    const ann = await hostile(sign)
    for (const path of ['/messages?limit=200', '/messages', '']) {
      const html = await (await ann.ask(path)).text()
      const rest = path === '' ? 16 * KB : 0
      assert.ok(Buffer.byteLength(html) <= PAGE + rest, `${path} ${JSON.stringify(sign)} ${Buffer.byteLength(html)}`)
      assert.match(html, 'id="m210"', 'the newest are there')
      assert.match(html, '?before=')
    }
    const json = await (await ann.json('/messages?limit=200')).text()
    assert.ok(Buffer.byteLength(json) <= PAGE, `${Buffer.byteLength(json)}`)
    assert.is(JSON.parse(json).more, true)
  }
})

test('by the links of bounded pages one gets back to the first message, each once', async () => {
  const ann = await hostile('"')
  const seqs: number[] = []
  for (let path: string | undefined = ''; path !== undefined;) {
    const html: string = await (await ann.ask(path)).text()
    assert.ok(Buffer.byteLength(html) <= PAGE + 16 * KB)
    seqs.unshift(...[...html.matchAll(/id="m(\d+)"/g)].map(([, seq]) => Number(seq)))
    path = /href="[^"]*(\?before=[\w.]+)"/.exec(html)?.[1]
  }
  assert.equal(
    seqs,
    Array.from({ length: 210 }, (_, index) => index + 1),
  )
})

test('a program that pages on reads each message once', async () => {
  const ann = await hostile('\x01')
  const seqs: number[] = []
  let cursor = '0.zzzzzz'
  for (let more = true; more;) {
    const answer = await (await ann.json(`/messages?limit=200&after=${cursor}`)).text()
    assert.ok(Buffer.byteLength(answer) <= PAGE)
    const page = JSON.parse(answer)
    seqs.push(...page.messages.map(seqOf))
    ;({ more, cursor } = page)
  }
  assert.equal(
    seqs,
    Array.from({ length: 210 }, (_, index) => index + 1),
  )
})

test('the page that keeps growing begins with a bounded page, and goes on from where that ends', async () => {
  const ann = await hostile('"')
  const { cursor } = (await (await ann.json('/messages?limit=1&after=0.zzzzzz')).json()) as { cursor: string }
  for (const query of ['', `?since=${cursor}`]) {
    const response = await ann.ask(`/live${query}`)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const head = (await reader.read()).value as Uint8Array
    assert.ok(head.length <= PAGE + 8 * KB, `${query} ${head.length}`)
    const seqs = [...new TextDecoder().decode(head).matchAll(/id="m(\d+)"/g)].map(([, seq]) => Number(seq))
    assert.is(seqs.at(-1) === 210, query === '')
    assert.match(response.headers.get('set-cookie') ?? '', new RegExp(`^seen=${seqs[0] - 1}\\.`))
    await reader.cancel()
  }
})

test('whoever catches up is sent it in pieces that are bounded by bytes', async () => {
  const store = new MemoryStore({ history: 500, bytes: 10_000_000, rooms: 10 })
  const rooms = new Rooms({ store, ttl: 1e9, areRatesLimited: false, clock: new TestClock() })
  const created = await rooms.create('', 'ann')
  if (!created.ok) throw new Error(created.refusal)
  const { room, member } = created
  for (let count = 0; count < 150; count += 1) await rooms.post(room.code, member, { text: '"'.repeat(4000), key: '' })
  await turn()
  const sizes: number[] = []
  const format: Format = {
    ...plainFormat,
    encode: (batch) => {
      const bytes = plainFormat.encode(batch)
      sizes.push(bytes.length)
      return bytes
    },
  }
  const ear = new Ear(member, format)
  await rooms.enter(room.code, ear)
  await rooms.connect(room.code, ear, '0.zzzzzz')
  await turn()
  assert.equal(
    ear.seqs,
    Array.from({ length: 150 }, (_, index) => index + 1),
  )
  assert.is(ear.gaps.length, 1)
  assert.ok(Math.max(...sizes) < 132 * KB, `${Math.max(...sizes)}`)
  assert.ok(sizes.length < 15, `${sizes.length} pieces`)
})

test('a walk back while history is trimmed under it gets every message down to the first, or is told that it is gone', async () => {
  const { house, site } = makeHouse({ history: HISTORY })
  const chance = new Random(SEED)
  const ann = await house.open()
  let said = 0
  const post = async (messages: number) => {
    said += messages
    for (let count = 0; count < messages; count += 1) await say(site, ann)
  }
  await post(HISTORY * 2)
  let fellOff = 0
  for (let walk = 0; walk < 150; walk += 1) {
    const limit = chance.whole(1, 15)
    let page = await list(ann, `?limit=${limit}`)
    let next = said
    while (page.messages.length > 0 && page.more) {
      next = goesOn(page, next)
      const { cursor } = page.messages[0]
      await post(chance.whole(0, limit * 3))
      page = await list(ann, `?limit=${limit}&before=${cursor}`)
      if (page.messages.length === 0) assert.is(page.cursor, cursor, 'the place that was asked from')
    }
    fellOff += page.messages.length === 0 ? 1 : 0
    next = goesOn(page, next)
    assert.equal([page.gap, page.more], [{ missed: next }, false], 'all that is left is told as gone')
    assert.ok(next <= said - HISTORY, 'and that is so')
  }
  assert.ok(fellOff > 10 && fellOff < 140, `${fellOff} walks lost their place`)
})

test('a walk back over a restart that forgot ends with a gap, and never goes to what is newer', async () => {
  const chance = new Random(SEED)
  const clock = new TestClock()
  for (let walk = 0; walk < 20; walk += 1) {
    const before = makeHouse({ history: HISTORY, clock })
    const ann = await before.house.open()
    for (let count = 0; count < 40; count += 1) await say(before.site, ann)
    let page = await list(ann, '?limit=5')
    for (let step = chance.whole(0, 6); step > 0; step -= 1)
      page = await list(ann, `?limit=5&before=${page.messages[0].cursor}`)
    await clock.pass(1000)
    const after = makeHouse({ history: HISTORY, clock })
    const again = new Guest(after.house, ann.code, ann.id, ann.token)
    await again.json()
    for (let count = chance.whole(0, 80); count > 0; count -= 1) await say(after.site, again)
    const { cursor } = page.messages[0]
    assert.equal(await list(again, `?before=${cursor}`), { messages: [], more: false, gap: { missed: null }, cursor })
    for (const path of [`?before=${cursor}`, `/messages?before=${cursor}`]) {
      const html = await (await again.ask(path)).text()
      assert.match(html, '<li class="gap">Some messages are no longer kept.</li>')
      assert.not.match(html, 'class="message"')
    }
  }
})

test('before what is gone a page says so in place of the link to what is earlier', async () => {
  const { ann, said } = await trimmed()
  const none = await (await ann.ask(`/messages?before=${said[9].cursor}`, FRAGMENT)).text()
  assert.match(none, /^\s*<ul class="messages">\s*<li class="gap">9 messages are no longer kept.<\/li>\s*<\/ul>$/)
  const some = await (await ann.ask(`/messages?before=${said[75].cursor}`, FRAGMENT)).text()
  assert.match(
    some,
    /^\s*<ul class="messages">\s*<li class="gap">60 messages are no longer kept.<\/li>\s*<li class="day">/,
  )
  assert.equal(seqsIn(some), range(61, 75))
  const first = await (await ann.ask(`/messages?before=${said[0].cursor}`, FRAGMENT)).text()
  assert.match(first, /^\s*<ul class="messages">\s*<\/ul>$/)
})

test('the room’s page before a cursor that fell off says what is gone, and leads back to the newest messages', async () => {
  const { ann, said } = await trimmed()
  const html = await (await ann.ask(`?before=${said[41].cursor}`)).text()
  assert.match(html, '<li class="gap">41 messages are no longer kept.</li>')
  assert.match(html, `<a href="${ann.room}">Back to the newest messages</a>`)
  assert.equal(seqsIn(html), [])
  assert.not.match(html, 'Nobody has said anything')
  assert.not.match(html, 'Earlier messages')
  const newest = await (await ann.ask()).text()
  assert.not.match(newest, 'class="gap"', 'what is gone is told to whoever goes back')
})

test('a page that asks what came after its place gets what a socket would have brought', async () => {
  const { ann, site, said } = await trimmed()
  await turn()
  for (const cursor of [said[99].cursor, said[79].cursor, said[20].cursor, '5.zzzzzz']) {
    const response = await ann.ask(`/messages?after=${cursor}`, FRAGMENT)
    assert.equal([response.status, response.headers.get('cache-control')], [200, 'no-store'])
    const sent: string[] = []
    const encode: Format['encode'] = (batch) => {
      sent.push(frame(batch))
      return plainFormat.encode(batch)
    }
    const socket = new Ear({ id: ann.id, name: 'ann', role: 'host' }, { encode, sizeOf: plainFormat.sizeOf })
    await site.rooms.enter(ann.code, socket)
    await site.rooms.connect(ann.code, socket, cursor)
    site.rooms.disconnect(ann.code, socket)
    assert.equal(await response.text(), sent.join(''), cursor)
    assert.match(sent[0], 'id="count"')
  }
})

test('a page that asks what came after its place is told who is here once it has caught up, and not before', async () => {
  const { ann, said } = await trimmed()
  const ask = async (cursor: string) => (await ann.ask(`/messages?limit=10&after=${cursor}`, FRAGMENT)).text()
  const first = await ask(said[79].cursor)
  assert.equal(seqsIn(first), range(81, 90))
  assert.match(first, `name="since" value="${said[89].cursor}"`)
  assert.not.match(first, 'id="count"')
  const last = await ask(said[89].cursor)
  assert.equal(seqsIn(last), range(91, 100))
  assert.match(last, /id="count"[^>]*>1</)
  const nothing = await ask(said[99].cursor)
  assert.match(nothing, `name="since" value="${said[99].cursor}"`)
  assert.match(nothing, /id="count"[^>]*>1</)
})

test('whoever asks again and again what came after their place is here', async () => {
  const { house, site, clock } = makeHouse()
  const ann = await house.open()
  await house.join(ann.code, 'bob')
  const { cursor } = await ann.say('hello')
  for (let count = 0; count < 5; count += 1) {
    await clock.pass(10_000)
    await ann.ask(`/messages?after=${cursor}`, FRAGMENT)
  }
  assert.equal(
    site.rooms.attendance(ann.code).members.map(({ name }) => name),
    ['ann'],
  )
})

test('a page that asks what came after its place is told when it has none here any more', async () => {
  const { ann, said, site } = await trimmed()
  const bob = await ann.house.join(ann.code, 'bob')
  const ask = (guest: Guest) => guest.ask(`/messages?after=${said[99].cursor}`, FRAGMENT)
  assert.is((await ask(bob)).status, 200)
  await bob.post('/leave')
  assert.is((await ask(bob)).status, 401)
  const gone = new Guest(makeHouse().house, ann.code, 'nobody', 'x')
  assert.is((await ask(gone)).status, 404)
  assert.is(site.rooms.attendance(ann.code).count, 1)
})

test('what comes after a cursor is a list where no page asks, in which nothing later is called earlier', async () => {
  const { ann, said } = await trimmed()
  const html = await (await ann.ask(`/messages?limit=10&after=${said[69].cursor}`)).text()
  assert.equal(seqsIn(html), range(71, 80))
  assert.match(html, /^\s*<ul class="messages">/)
  assert.not.match(html, 'Earlier messages')
  const json = await (await ann.json(`/messages?limit=2&after=${said[69].cursor}`, FRAGMENT)).json()
  assert.equal(Object.keys(json as object), ['messages', 'more', 'cursor'])
})

function there<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('there is no such room')
  return found
}

function sizeOf(entry: Entry): number {
  return entry.kind === 'message' ? entry.text.length : 0
}

/** A page says of itself what is so. */
function holds(
  page: Pick<Page, 'messages' | 'previous'>,
  kept: readonly Message[],
  bytes: number,
  limit: number,
): void {
  const { messages, previous } = page
  const size = messages.reduce((sum, { text }) => sum + text.length, 0)
  assert.ok(messages.length > 0 && messages.length <= limit)
  assert.ok(size <= bytes || messages.length === 1)
  const before = kept[kept.findIndex(({ seq }) => seq === messages[0].seq) - 1]
  assert.is(previous?.seq, before?.seq)
}

async function filled(sizes: readonly number[], history: number): Promise<MemoryStore> {
  const store = new MemoryStore({ history, bytes: 1_000_000, rooms: 10 })
  await store.create({ ...UNCHANGED, code: CODE, title: '', created: 0, generation: '' }, ann)
  for (const [index, size] of sizes.entries())
    await store.append(CODE, { kind: 'message', by: ann.id, key: `${index}`, text: 'x'.repeat(size), at: index })
  return store
}

/** A room in which the same sign was said 210 times as often as it goes. */
/** A room of which five messages are kept, where a host did something after each of those that are not. */
async function moderated() {
  const store = new MemoryStore({ history: 5, bytes: 1_000_000, rooms: 10 })
  await store.create({ ...makeRoom('', 0), code: CODE }, { ...ann, role: 'host' })
  const act = async (what: object) => {
    const appended = await store.append(CODE, { ...what, by: ann.id, at: 1 } as Act)
    if (!appended.ok) throw new Error(appended.refusal)
    return appended.entry
  }
  const say = (text: string) => act({ kind: 'message', key: text, text })
  const start = await say('first')
  for (let number = 0; number < 8; number += 1) {
    const bob = { id: `bob ${number}`, name: `bob ${number}`, role: 'member' as const }
    await store.admit(CODE, bob)
    await say(`early ${number}`)
    await act({ kind: 'member', id: bob.id, change: 'mute' })
  }
  for (let number = 0; number < 6; number += 1) await say(`late ${number}`)
  return { store, start, last: await act({ kind: 'room', change: { notice: 'the last act' } }) }
}

function placeOf(stretch: Stretch | undefined): Cursor {
  return readCursor(stretch?.cursor ?? '') as Cursor
}

async function hostile(sign: string): Promise<Guest> {
  const { house, site } = makeHouse()
  const ann = await house.open()
  const member = { id: ann.id, name: 'ann', role: 'host' as const }
  const text = `x${sign.repeat(Math.floor(3999 / sign.length))}`
  for (let count = 0; count < 210; count += 1)
    assert.ok((await site.rooms.post(ann.code, member, { text, key: '' })).ok)
  return ann
}

/** A room in which a hundred messages were said, of which the newest are kept. */
async function trimmed() {
  const { house, site } = makeHouse({ history: HISTORY })
  const ann = await house.open()
  const said: { cursor: string }[] = []
  for (let count = 0; count < 100; count += 1) said.push(await ann.say(`text ${count}`))
  return { ann, site, said }
}

async function say(site: Site, { code, id }: Guest): Promise<void> {
  assert.ok((await site.rooms.post(code, { id, name: 'ann', role: 'host' }, { text: 'hello', key: '' })).ok)
}

interface List {
  readonly messages: { readonly seq: number; readonly cursor: string }[]
  readonly more: boolean
  readonly gap?: { readonly missed: number | null }
  readonly cursor: string
}

async function list(guest: Guest, query: string): Promise<List> {
  return (await (await guest.json(`/messages${query}`)).json()) as List
}

/** Holds that a page goes on below what a walk has; the number that is next after it. */
function goesOn({ messages, gap, more }: List, next: number): number {
  assert.equal(messages.map(seqOf), range(next - messages.length + 1, next))
  const rest = next - messages.length
  if (gap) assert.equal([gap.missed, more], [rest, false])
  return rest
}

function seqsIn(html: string): number[] {
  return [...html.matchAll(/id="m(\d+)"/g)].map(([, seq]) => Number(seq))
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

function seqOf({ seq }: { seq: number }): number {
  return seq
}

test.run()
