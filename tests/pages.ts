import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readCursor } from '../rooms/cursor.ts'
import type { Format } from '../rooms/fanout.ts'
import { MemoryStore } from '../rooms/memory.ts'
import { boundPage } from '../rooms/page.ts'
import { Rooms } from '../rooms/rooms.ts'
import type { Query } from '../rooms/store.ts'
import type { Entry, Page } from '../rooms/types.ts'
import { TestClock, turn } from './support/clock.ts'
import { Ear, plainFormat } from './support/ear.ts'
import { type Guest, makeHouse } from './support/site.ts'

const KB = 1024
const PAGE = 256 * KB
const CODE = 'ACD-EFG-HJK'
const ann = { id: 'a', name: 'ann' }

const test = suite('pages')

test('whatever the sizes, paging on or back over bounded pages reaches every entry once, and each gap is told', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 60 })
  const given = { sizes, history: fc.integer({ min: 1, max: 60 }), bytes: fc.integer({ min: 1, max: 120 }) }
  const limit = fc.integer({ min: 1, max: 20 })
  await fc.assert(
    fc.asyncProperty(fc.record({ ...given, limit }), async ({ sizes, history, bytes, limit }) => {
      const store = await filled(sizes, history)
      const kept = (await store.read(CODE, { limit: 1000 })).entries
      const read = async (query: Omit<Query, 'limit'>) => {
        const page = await store.read(CODE, { ...query, limit })
        return boundPage(page, bytes, ({ text }) => text.length, query.after ? 'first' : 'last')
      }
      const all = await store.read(CODE, { after: { seq: 0, tag: 'foreign' }, limit: 1000 })
      const on = [await read({ after: { seq: 0, tag: 'foreign' } })]
      while (on.at(-1)?.more) on.push(await read({ after: readCursor(on.at(-1)?.cursor as string) }))
      const back = [await read({})]
      while (back.at(-1)?.more) back.push(await read({ before: back.at(-1)?.entries[0] }))
      for (const pages of [on, back.toReversed()]) {
        assert.equal(pages.flatMap(({ entries }) => entries).map(seqOf), kept.map(seqOf))
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
    const last = seqs.at(-1) as number
    assert.is(last === 210, query === '')
    assert.match(response.headers.get('set-cookie') ?? '', new RegExp(`^seen=${last}\\.`))
    await reader.cancel()
  }
})

test('whoever catches up is sent it in pieces that are bounded by bytes', async () => {
  const store = new MemoryStore({ history: 500, bytes: 10_000_000 })
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
  rooms.enter(room.code, ear)
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

/** A page says of itself what is so. */
function holds(page: Page, kept: readonly Entry[], bytes: number, limit: number): void {
  const { entries, previous } = page
  const size = entries.reduce((sum, { text }) => sum + text.length, 0)
  assert.ok(entries.length > 0 && entries.length <= limit)
  assert.ok(size <= bytes || entries.length === 1)
  const before = kept[kept.findIndex(({ seq }) => seq === entries[0].seq) - 1]
  assert.is(previous?.seq, before?.seq)
}

async function filled(sizes: readonly number[], history: number): Promise<MemoryStore> {
  const store = new MemoryStore({ history, bytes: 1_000_000 })
  await store.create({ code: CODE, title: '', created: 0 })
  await store.admit(CODE, ann)
  for (const [index, size] of sizes.entries())
    await store.append(CODE, { member: ann, key: `${index}`, text: 'x'.repeat(size), at: index })
  return store
}

/** A room in which the same sign was said 210 times as often as it goes. */
async function hostile(sign: string): Promise<Guest> {
  const { house, site } = makeHouse()
  const ann = await house.open()
  const member = { id: ann.id, name: 'ann' }
  const text = `x${sign.repeat(Math.floor(3999 / sign.length))}`
  for (let count = 0; count < 210; count += 1)
    assert.ok((await site.rooms.post(ann.code, member, { text, key: '' })).ok)
  return ann
}

function seqOf({ seq }: { seq: number }): number {
  return seq
}

test.run()
