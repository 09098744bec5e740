import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { waterLevel } from '../rooms/stores/budget.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { Queue } from '../rooms/stores/queue.ts'
import { hashOf, Receipts } from '../rooms/stores/receipts.ts'
import { Rooms } from '../rooms/rooms.ts'
import { KEY_MS, KEYS, MOST_KEYS } from '../rooms/stores/store.ts'
import type { Act } from '../rooms/entries.ts'
import type { Entry, Member, Message, Page, Room, Stretch } from '../rooms/types.ts'
import { message } from '../templates/message.ts'
import { TestClock } from './support/clock.ts'
import { collector, grownBy } from './support/heap.ts'
import { isWithin } from './support/ratio.ts'

const MB = 1024 * 1024
const BOUNDS = { history: 500, bytes: MB, rooms: 10_000 }
const RECEIPT = { seq: 1, tag: 'abc0zz', at: Date.UTC(2026) }
const ann: Member = { id: 'a', name: 'ann', role: 'host' }

const all = suite('memory')
// Without a collector to call, what is measured is not what is kept.
const measured = collector() ? all : all.skip

all('the largest give up down to one level, and no further than has to be', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 50 })
  const sum = (sizes: number[], level: number) => sizes.reduce((sum, size) => sum + Math.min(size, level), 0)
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: 20_000 }), (sizes, total) => {
      const level = waterLevel(sizes, total)
      if (Number.isFinite(level)) assert.ok(Math.abs(sum(sizes, level) - total) < 0.001, `${level}`)
      else assert.ok(sum(sizes, level) <= total)
    }),
    { seed: 7 },
  )
})

all(
  'all rooms together stay within one budget: the largest are trimmed, and say so, and small ones lose nothing',
  async () => {
    const store = new MemoryStore({ ...BOUNDS, budget: MB })
    for (const code of ['small', 'large', 'larger']) await open(store, code)
    const said: Message[] = []
    for (let count = 0; count < 20; count += 1) await say(store, 'small', 'hello')
    for (let count = 0; count < 400; count += 1) {
      said.push(await say(store, 'larger', 'x'.repeat(3900)))
      if (count % 2 === 0) await say(store, 'large', '語'.repeat(1900))
      assert.ok(store.bytes <= MB)
    }
    const kept = async (code: string) => (await newest(store, code)).messages.length
    assert.is(await kept('small'), 20)
    assert.ok((await kept('large')) < 150 && (await kept('larger')) < 150)
    const page = (await store.entries('larger', { after: said[0], limit: 1000 })) as Stretch
    assert.equal(
      [page.entries.length, page.gap],
      [await kept('larger'), { kind: 'gap', missed: 399 - page.entries.length }],
    )
    assert.is(await isRepeated(store, 'larger', ann, said[400 - KEYS].key), true)
  },
)

all('making space looks at all rooms only now and then', async () => {
  const store = new MemoryStore({ ...BOUNDS, budget: MB })
  for (let room = 0; room < 50; room += 1) await open(store, `${room}`)
  let trims = 0
  for (let count = 0; count < 2000; count += 1) {
    const before = store.bytes
    await say(store, `${count % 50}`, 'x'.repeat(3000))
    if (store.bytes < before) trims += 1
  }
  assert.ok(store.bytes <= MB)
  const perTrim = (2000 * 3000) / trims
  assert.ok(perTrim > MB / 20, `${trims} times`)
})

all('members who are away count and give way too, empty rooms count, and whoever is here stays', async () => {
  const store = new MemoryStore({ ...BOUNDS, budget: MB })
  await open(store, 'a room')
  await open(store, 'another')
  for (let number = 0; number < 1500; number += 1) {
    await store.admit('a room', guest(number))
    await store.mark('a room', new Map([[`${number}`, false]]))
    assert.ok(store.bytes <= MB)
  }
  assert.is(await store.member('a room', '0'), undefined)
  for (const code of ['a room', 'another']) assert.equal(await store.member(code, ann.id), ann)
  const before = store.bytes
  await open(store, 'empty')
  assert.ok(store.bytes > before)
  for (const code of ['a room', 'another', 'empty']) await store.remove(code)
  assert.is(store.bytes, 0, 'nothing is left of what is gone')
})

all('a budget that is too small for those who are here keeps a message a room and goes on', async () => {
  const store = new MemoryStore({ ...BOUNDS, budget: 1000 })
  for (let room = 0; room < 20; room += 1) await open(store, `${room}`)
  for (let count = 0; count < 100; count += 1) await say(store, `${count % 20}`, 'hello')
  for (let room = 0; room < 20; room += 1) {
    const { messages } = await newest(store, `${room}`)
    assert.ok(messages.length >= 1 && messages.at(-1)?.seq === 5)
  }
})

all('however much hosts do, how many messages are gone is told rightly or not at all', async () => {
  const store = new MemoryStore({ ...BOUNDS, history: 1 })
  await open(store, 'a room')
  const first = await say(store, 'a room', 'one')
  const done: Entry[] = []
  for (let number = 0; number < 5000; number += 1)
    done.push(await act(store, { kind: 'room', by: ann.id, at: 0, change: { notice: `${number}` } }))
  const before = store.bytes
  for (const text of ['two', 'three']) await say(store, 'a room', text)
  assert.ok(store.bytes - before < 1000)
  const missed = async (after: Entry) => (await store.entries('a room', { after, limit: 9 }))?.gap
  assert.equal(await missed(done[4998]), { kind: 'gap', missed: 1 })
  assert.equal(await missed(done[10]), { kind: 'gap' })
  assert.equal(await missed(first), { kind: 'gap' })
})

measured('what is kept takes no more memory than is counted', async () => {
  const fillings: Record<string, (store: MemoryStore, number: number) => Promise<unknown>> = {
    'long texts': (store, number) => say(store, 'a room', own('x'.repeat(3990) + number)),
    'wide texts': (store, number) => say(store, 'a room', own('語'.repeat(3990) + number)),
    'short texts': (store, number) => say(store, 'a room', own(`x${number}`), own(`${'k'.repeat(120)}${number}`)),
    members: (store, number) => store.admit('a room', guest(number)),
    rooms: (store, number) => store.create(roomOf(own(`room ${number}`), own('t'.repeat(80))), guest(number)),
    edits: async (store, number) => {
      const of = await say(store, 'a room', own(`x${number}`))
      await store.append('a room', { kind: 'edited', by: ann.id, at: 0, of, text: own(`y${number}`) })
    },
    deletions: async (store, number) => {
      const of = await say(store, 'a room', own('x'.repeat(1000) + number))
      await store.append('a room', { kind: 'deleted', by: ann.id, at: 0, of })
    },
    'members who are removed': async (store, number) => {
      await store.admit('a room', guest(number))
      await moderate(store, number, 'remove')
    },
    'members who are banned': async (store, number) => {
      await store.admit('a room', guest(number))
      await moderate(store, number, 'ban')
    },
  }
  for (const [what, fill] of Object.entries(fillings)) {
    const store = new MemoryStore({ history: 10_000, bytes: 100 * MB, rooms: 10_000, acts: 10_000 })
    await open(store, 'a room')
    const before = store.bytes
    // So many that what the runtime makes for itself meanwhile, up to 300 KB, is little for each.
    const grown = (await grownBy(8000, (number) => fill(store, number))) ?? 0
    const counted = (store.bytes - before) / 8000
    assert.ok(grown < counted * 1.1, `${what}: ${grown} bytes, ${counted} counted`)
  }
})

measured('a room with somebody in it takes no more memory than is counted', async () => {
  const store = new MemoryStore(BOUNDS)
  const rooms = new Rooms({ store, ttl: 1e9, areRatesLimited: false, clock: new TestClock() })
  const grown = (await grownBy(1000, () => rooms.create('a title', 'a name'))) ?? 0
  assert.ok(grown < (store.bytes / 1000) * 1.1, `${grown} bytes, ${store.bytes / 1000} counted`)
})

measured('all renderings together are bounded, whatever they are of', async () => {
  const texts: Record<string, string> = {
    quotes: '"'.repeat(4000),
    links: 'http://a.b/" '.repeat(307),
    wide: '"語'.repeat(2000),
  }
  for (const [what, text] of Object.entries(texts)) {
    const kept: Message[] = []
    const grown = await grownBy(4000, (seq) => {
      kept.push({ kind: 'message', seq, tag: 'abcdef', key: 'k', member: 'a', name: 'ann', text, at: 0 })
      message(kept[seq])
    })
    const whole = (grown ?? 0) * kept.length
    assert.ok(whole < 40 * MB, `${what}: ${Math.round(whole / MB)} MB`)
  }
})

all('a rendering is made once for all who ask within its time', () => {
  let renderings = 0
  const said = { kind: 'message', seq: 1, tag: 'abcdef', key: 'k', member: 'a', name: 'ann', at: 0 } as const
  const counting: Message = {
    ...said,
    get text() {
      renderings += 1
      return 'hello'
    },
  }
  const kept: Message[] = []
  for (let seq = 0; seq < 3000; seq += 1) {
    kept.push({ ...said, seq, text: '"'.repeat(4000) })
    message(kept[seq])
    message(counting)
  }
  assert.is(renderings, 1)
})

measured('what a member has said last takes less than 4 KB', async () => {
  const kept: Receipts[] = []
  const grown = await grownBy(500, (number) => {
    const receipts = new Receipts()
    for (let key = 0; key < KEYS; key += 1)
      receipts.keep(hashOf(`${'語'.repeat(120)} ${key}`), RECEIPT, number * 1000 + key)
    kept.push(receipts)
  })
  assert.is(kept.length, 500)
  assert.ok((grown ?? 0) < 4096, `${grown} bytes`)
})

all('of what a member has said last each key answers what it was used for', () => {
  const receipts = new Receipts()
  const receipt = (seq: number) => ({ seq, tag: `0${String(seq).padStart(5, '0')}`, at: Date.UTC(2026) + seq })
  const last = 5 * MOST_KEYS + 10
  for (let seq = 1; seq <= last; seq += 1) receipts.keep(hashOf(`key ${seq}`), receipt(seq), seq)
  assert.is(receipts.size, MOST_KEYS)
  for (let seq = last - MOST_KEYS + 1; seq <= last; seq += 1)
    assert.equal(receipts.find(hashOf(`key ${seq}`)), receipt(seq))
  for (const key of [`key ${last - MOST_KEYS}`, 'key', '']) assert.is(receipts.find(hashOf(key)), undefined)
})

all('whatever is said when, the keys of a day and the last few are known, and none that gave way', () => {
  const hashes = Array.from({ length: 12 * 700 }, (_, key) => hashOf(`key ${key}`))
  const pause = fc.constantFrom(0, 1, 1000, KEY_MS / 50, KEY_MS / 3, KEY_MS, KEY_MS + 1)
  const burst = fc.record({ count: fc.integer({ min: 1, max: 700 }), pause, isShrunk: fc.nat(9) })
  fc.assert(
    fc.property(fc.array(burst, { minLength: 1, maxLength: 12 }), (bursts) => {
      const receipts = new Receipts()
      let [now, said]: [number, number[]] = [0, []]
      for (const { count, pause, isShrunk } of bursts) {
        now += pause
        for (let number = 0; number < count; number += 1) {
          receipts.keep(hashes[said.length], { seq: said.length, tag: 'abc0zz', at: 0 }, now)
          said.push(now)
        }
        if (isShrunk > 0) continue
        receipts.shrink()
        said = said.map((at, index) => (index < said.length - KEYS ? Number.NEGATIVE_INFINITY : at))
      }
      const isKept = (at: number, index: number) => index >= said.length - KEYS || at >= now - KEY_MS
      const known = said.map((_, index) => receipts.find(hashes[index])?.seq)
      assert.equal(
        known,
        said.map((at, index) => (isKept(at, index) && index >= said.length - MOST_KEYS ? index : undefined)),
      )
    }),
    { numRuns: 40 },
  )
})

all('a row that is long gives up its first as cheaply as a short one', () => {
  const rows = [500, 50_000].map((length) => {
    const row = new Queue<number>()
    for (let number = 0; number < length; number += 1) row.push(number)
    return row
  })
  const turn = (row: Queue<number>) => () => {
    for (let number = 0; number < 5000; number += 1) row.push(row.shift() as number)
  }
  assert.ok(isWithin(5, turn(rows[0]), turn(rows[1])))
  const row = new Queue<number>()
  for (let number = 0; number < 100; number += 1) row.push(number)
  const gone = Array.from({ length: 60 }, () => row.shift())
  row.remove(1)
  assert.equal([gone[59], row.length, row.at(0), row.slice(0, 3), row.at(38)], [59, 39, 60, [60, 62, 63], 99])
})

all('a post costs no more with all keys that are kept than with a few', () => {
  const [few, many] = [new Receipts(), new Receipts()]
  const hashes = Array.from({ length: 3 * MOST_KEYS }, (_, key) => hashOf(`key ${key}`))
  for (const hash of hashes) many.keep(hash, RECEIPT, 0)
  const find = (receipts: Receipts) => () => hashes.every((hash) => receipts.find(hash - 1) === undefined)
  for (const hash of hashes.slice(0, KEYS)) few.keep(hash, RECEIPT, 0)
  assert.ok(isWithin(3, find(few), find(many)))
})

all(
  'keys count, and where memory is scarce all but the last few of each member give way before a message',
  async () => {
    const store = new MemoryStore({ ...BOUNDS, budget: MB })
    await open(store, 'a room')
    const guests = Array.from({ length: 5 }, (_, number) => guest(number))
    for (const guest of guests) await store.admit('a room', guest)
    const say = (member: Member, count: number) => isRepeated(store, 'a room', member, `key ${count}`)
    const last = 4000
    for (let count = 1; count <= last; count += 1) {
      for (const guest of guests) await say(guest, count)
      assert.ok(store.bytes <= MB)
      if (count === last / 10) assert.ok(store.bytes > guests.length * count * 40)
    }
    assert.is((await newest(store, 'a room')).messages.length, 500)
    const known = await Promise.all(guests.map((guest) => say(guest, 1)))
    assert.ok(known.includes(undefined) || known.includes(false))
    for (const guest of guests) assert.is(await say(guest, last - KEYS / 2), true)
  },
)

measured('the keys of a day take no more memory than is counted', async () => {
  const kept: Receipts[] = []
  const grown = await grownBy(20, (number) => {
    const receipts = new Receipts()
    for (let key = 0; key < MOST_KEYS; key += 1) receipts.keep(hashOf(`${number} ${key}`), RECEIPT, key)
    kept.push(receipts)
  })
  assert.ok(kept[0].bytes < 50 * MOST_KEYS)
  assert.ok((grown ?? 0) < kept[0].bytes * 1.1, `${grown} bytes`)
})

all.run()

async function open(store: MemoryStore, code: string): Promise<void> {
  await store.create(roomOf(code), ann)
}

function roomOf(code: string, title = ''): Room {
  const settings = { title, notice: '', door: 'open', password: '', slow: 0, isReadOnly: false } as const
  return { code, created: 0, generation: 'g', ...settings }
}

function guest(number: number): Member {
  return { id: own(`${number}`), name: own(`guest ${number}`), role: 'member' }
}

async function say(
  store: MemoryStore,
  code: string,
  text: string,
  key = crypto.randomUUID() as string,
): Promise<Message> {
  const appended = await store.append(code, { kind: 'message', by: ann.id, key, text, at: 0 })
  if (!appended.ok) throw new Error(appended.refusal)
  return appended.entry as Message
}

/** Whether a key is known, or was used now. */
async function isRepeated(store: MemoryStore, code: string, { id }: Member, key: string): Promise<boolean | undefined> {
  const appended = await store.append(code, { kind: 'message', by: id, key, text: 'x', at: 0 })
  return appended.ok ? appended.repeated : undefined
}

async function moderate(store: MemoryStore, number: number, change: 'remove' | 'ban'): Promise<void> {
  await act(store, { kind: 'member', by: ann.id, at: 0, id: own(`${number}`), change })
}

async function act(store: MemoryStore, act: Act): Promise<Entry> {
  const appended = await store.append('a room', act)
  if (!appended.ok) throw new Error(appended.refusal)
  return appended.entry
}

async function newest(store: MemoryStore, code: string): Promise<Page> {
  return (await store.messages(code, { limit: 1000 })) as Page
}

/** A text that shares nothing with another. */
function own(text: string): string {
  return Buffer.from(text).toString()
}
