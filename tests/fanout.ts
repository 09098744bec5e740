import { setImmediate } from 'node:timers'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Batch, Format } from '../rooms/fanout.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { Rooms } from '../rooms/rooms.ts'
import { type Message, UNCHANGED } from '../rooms/types.ts'
import { paths } from '../static/built.ts'
import { frame } from '../templates/frames.ts'
import { history } from '../templates/history.ts'
import { lines } from '../templates/message.ts'
import { TestClock, turn } from './support/clock.ts'
import { Ear, plainFormat } from './support/ear.ts'

const HISTORY = 10

const test = suite('fanout')

test('what one turn brings is one write to each connection, encoded once for each format', async () => {
  const { rooms, code, ann, bob } = await opened()
  const [first, second] = [counting(), counting()]
  const ears = [new Ear(ann, first), new Ear(bob, first), new Ear(bob, second)]
  await heard(rooms, code, ears)
  const before = [first.count, second.count]
  await Promise.all(['one', 'two', 'three'].map((text) => rooms.post(code, ann, { text, key: '' })))
  assert.ok(
    ears.every(({ texts }) => texts.length === 0),
    'nothing before the turn ends',
  )
  await turn()
  for (const ear of ears) assert.equal(ear.frames.at(-1)?.events.length, 3)
  assert.ok(ears.every(({ cursor }) => cursor === ears[0].cursor && cursor.startsWith('3.')))
  assert.equal([first.count, second.count], [before[0] + 1, before[1] + 1])
})

test('a quiet room waits for nobody, a busy one for as long as turns bring more', async () => {
  const { rooms, code, ann } = await opened()
  const ear = new Ear(ann)
  await heard(rooms, code, [ear])
  const say = (count: number) =>
    Promise.all(Array.from({ length: count }, () => rooms.post(code, ann, { text: 'x', key: '' })))
  await say(2)
  await immediate()
  assert.is(ear.texts.length, 2, 'the first batch goes at once')
  await say(1)
  await immediate()
  await say(1)
  await immediate()
  assert.is(ear.texts.length, 2, 'after a batch of several the next waits')
  await immediate()
  assert.is(ear.texts.length, 4)
  await say(1)
  for (let count = 0; count < 2; count += 1) await immediate()
  assert.is(ear.texts.length, 5)
  await say(1)
  await immediate()
  assert.is(ear.texts.length, 6, 'after a single one it does not')
})

test('a room that never falls silent is sent to all the same', async () => {
  const { rooms, code, ann } = await opened()
  const ear = new Ear(ann)
  await heard(rooms, code, [ear])
  const { length } = ear.frames
  for (let count = 1; count <= 100; count += 1) {
    for (const text of ['one', 'two']) await rooms.post(code, ann, { text, key: '' })
    await immediate()
  }
  assert.ok(ear.texts.length > 180)
  assert.ok(ear.frames.length - length < 20)
})

test('everyone is sent the same bytes, not copies of them', async () => {
  const { rooms, code, ann, bob } = await opened()
  const written: Uint8Array[] = []
  const ears = [new Ear(ann), new Ear(bob)]
  await heard(rooms, code, ears)
  for (const ear of ears) ear.write = (bytes) => void written.push(bytes)
  await rooms.post(code, ann, { text: 'hello', key: '' })
  await turn()
  assert.is(written.length, 2)
  assert.is(written[0], written[1])
})

test('a format that nobody reads is not encoded, and a turn that brings nothing writes nothing', async () => {
  const { rooms, code, ann, bob } = await opened()
  const format = counting()
  const [gone, left] = [new Ear(ann, format), new Ear(bob)]
  await heard(rooms, code, [gone, left])
  rooms.disconnect(code, gone)
  await turn()
  const [{ count }, { length }] = [format, left.frames]
  await turn()
  assert.is(left.frames.length, length)
  await rooms.post(code, ann, { text: 'hello', key: '' })
  await turn()
  assert.equal([format.count, left.texts], [count, ['hello']])
})

test('a connection that is let in gets nothing before it begins', async () => {
  const { rooms, code, ann, bob } = await opened()
  const [early, late] = [new Ear(ann), new Ear(bob)]
  await heard(rooms, code, [early])
  await rooms.enter(code, late)
  await rooms.post(code, ann, { text: 'one', key: '' })
  await turn()
  assert.equal([early.texts, late.frames], [['one'], []])
  await rooms.connect(code, late, '')
  await rooms.post(code, ann, { text: 'two', key: '' })
  await turn()
  assert.equal([early.texts, late.texts], [['one', 'two'], ['two']])
})

test('whoever is ahead of the room, or behind it by what its next turn brings, gets each entry once', async () => {
  const { rooms, code, ann, bob } = await opened()
  const early = new Ear(ann)
  await heard(rooms, code, [early])
  await rooms.post(code, ann, { text: 'one', key: '' })
  const page = await rooms.read(code, { sizeOf: plainFormat.sizeOf })
  assert.ok(page.ok)
  await rooms.post(code, ann, { text: 'two', key: '' })
  const [ahead, behind] = [new Ear(bob), new Ear(bob)]
  // The room has handed out neither of the two by now.
  const connecting = [
    rooms.enter(code, ahead).then(() => rooms.connect(code, ahead, page.page.cursor)),
    rooms.enter(code, behind).then(() => rooms.connect(code, behind, early.cursor)),
  ]
  await rooms.post(code, ann, { text: 'three', key: '' })
  await Promise.all(connecting)
  await rooms.post(code, ann, { text: 'four', key: '' })
  await turn()
  assert.equal(early.seqs, [1, 2, 3, 4])
  assert.equal(
    [ahead.seqs, behind.seqs],
    [
      [2, 3, 4],
      [1, 2, 3, 4],
    ],
  )
})

test('what is sent knows the message before it, whoever has come meanwhile', async () => {
  const { rooms, code, ann, bob } = await opened()
  const previous: (number | undefined)[] = []
  const format: Format = {
    ...plainFormat,
    encode(batch) {
      if (batch.events.some(({ kind }) => kind === 'message')) previous.push(batch.previous?.seq)
      return plainFormat.encode(batch)
    },
  }
  await heard(rooms, code, [new Ear(ann, format)])
  for (let count = 0; count < 3; count += 1) {
    await rooms.post(code, ann, { text: 'hello', key: '' })
    await heard(rooms, code, [new Ear(bob)])
  }
  assert.equal(previous, [undefined, 1, 2])
})

test('a message is rendered once, for the page, the history, the sockets and the streams alike', () => {
  let renderings = 0
  const said: Message = {
    ...message(1),
    get text() {
      renderings += 1
      return 'hello'
    },
  }
  const batch: Batch = { events: [said], cursor: '1.t1' }
  const place = { base: '', assets: paths }
  const room = { ...UNCHANGED, code: 'ACD-EFG-HJK', title: '', created: 0, generation: '' }
  const shown = [
    frame(batch),
    frame(batch),
    lines(batch),
    history({ place, room, page: { messages: [said], more: false, start: '0.t0', cursor: '1.t1' } }).toString(),
  ]
  assert.ok(shown.every((html) => html.includes('hello')))
  assert.is(renderings, 1)
})

test('nothing of a message stays once it fell off the history', async () => {
  const collect = collector()
  const { rooms, code, ann } = await opened(new MemoryStore({ history: HISTORY, bytes: 1_000_000, rooms: 10 }))
  const ear = new Ear(ann)
  ear.write = () => {}
  await rooms.enter(code, ear)
  await rooms.connect(code, ear, '')
  const refs: WeakRef<Message>[] = []
  for (let count = 0; count < 500; count += 1) {
    const posted = await rooms.post(code, ann, { text: `text ${count}`, key: '' })
    if (posted.ok) refs.push(new WeakRef(posted.message))
    if (count % 20 === 0) await turn()
  }
  await turn()
  collect()
  assert.is(refs.length, 500)
  const left = refs.filter((ref) => ref.deref() !== undefined).length
  assert.ok(left <= HISTORY + 1, `${left} are left`)
})

/** Lets connections in, which are abreast from then on. */
async function heard(rooms: Rooms, code: string, ears: Ear[]): Promise<void> {
  for (const ear of ears) {
    await rooms.enter(code, ear)
    await rooms.connect(code, ear, '')
  }
  await turn()
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function opened(store = new MemoryStore({ history: 500, bytes: 1_000_000, rooms: 10 })) {
  const rooms = new Rooms({ store, ttl: 1000, areRatesLimited: false, clock: new TestClock() })
  const created = await rooms.create('', 'ann')
  if (!created.ok) throw new Error(created.refusal)
  const { code } = created.room
  const joined = await rooms.join(code, 'bob')
  if (!joined.ok) throw new Error(joined.refusal)
  return { rooms, code, ann: created.member, bob: joined.member }
}

function counting(): Format & { count: number } {
  return {
    ...plainFormat,
    count: 0,
    encode(batch) {
      this.count += 1
      return plainFormat.encode(batch)
    },
  }
}

function message(seq: number): Message {
  return {
    kind: 'message',
    seq,
    tag: `t${seq}`,
    key: `k${seq}`,
    member: 'a',
    name: 'ann',
    text: `text ${seq}`,
    at: seq,
  }
}

/** Makes the runtime collect what nobody holds: Node lets itself be asked at any time, Deno by a flag (see deno.json). */
function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('globalThis.gc')
  assert.type(collect, 'function', 'run with --v8-flags=--expose-gc')
  return collect
}

test.run()
