import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Batch, Fanout, type Format } from '../rooms/fanout.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { Rooms } from '../rooms/rooms.ts'
import type { Message } from '../rooms/types.ts'
import { paths } from '../static/built.ts'
import { frame } from '../templates/frames.ts'
import { history } from '../templates/history.ts'
import { lines } from '../templates/message.ts'
import { TestClock, turn } from './support/clock.ts'
import { Ear, plainFormat } from './support/ear.ts'

const ann = { id: 'a', name: 'ann' }
const bob = { id: 'b', name: 'bob' }

const test = suite('fanout')

test('what one turn brings is one write to each connection, encoded once for each format', () => {
  const { fanout, flush } = hall()
  const [first, second] = [counting(), counting()]
  const ears = [new Ear(ann, first), new Ear(bob, first), new Ear(bob, second)]
  for (const ear of ears) open(fanout, ear)
  for (const seq of [1, 2, 3]) fanout.publish(message(seq))
  assert.equal(
    ears.map(({ frames }) => frames.length),
    [0, 0, 0],
    'nothing before the turn ends',
  )
  flush()
  for (const ear of ears)
    assert.equal([ear.frames.length, ear.texts, ear.cursor], [1, ['text 1', 'text 2', 'text 3'], '3.t3'])
  assert.equal([first.count, second.count], [1, 1])
})

test('a quiet room waits for nobody, a busy one for as long as turns bring more', () => {
  const { fanout, endTurn } = hall()
  const ear = new Ear(ann)
  open(fanout, ear)
  for (const seq of [1, 2]) fanout.publish(message(seq))
  endTurn()
  assert.equal(ear.texts.length, 2, 'the first batch goes at once')
  fanout.publish(message(3))
  endTurn()
  fanout.publish(message(4))
  endTurn()
  assert.equal(ear.texts.length, 2, 'after a batch of several the next waits')
  endTurn()
  assert.equal([ear.texts.length, ear.frames.length], [4, 2])
  fanout.publish(message(5))
  endTurn()
  endTurn()
  fanout.publish(message(6))
  endTurn()
  assert.equal(ear.texts.length, 6, 'after a single one it does not')
})

test('a room that never falls silent is sent to all the same', () => {
  const { fanout, endTurn } = hall()
  const ear = new Ear(ann)
  open(fanout, ear)
  for (let seq = 1; seq <= 100; seq += 1) {
    for (const one of [2 * seq - 1, 2 * seq]) fanout.publish(message(one))
    endTurn()
  }
  assert.ok(ear.texts.length > 180)
  assert.ok(ear.frames.length < 20)
})

test('everyone is sent the same bytes, not copies of them', () => {
  const { fanout, flush } = hall()
  const written: Uint8Array[] = []
  for (const member of [ann, bob]) {
    const ear = new Ear(member)
    ear.write = (bytes) => void written.push(bytes)
    open(fanout, ear)
  }
  fanout.publish(message(1))
  flush()
  assert.is(written.length, 2)
  assert.is(written[0], written[1])
})

test('a format that nobody reads is not encoded, and a turn that brings nothing writes nothing', () => {
  const { fanout, flush } = hall()
  const format = counting()
  const ear = new Ear(ann, format)
  open(fanout, ear)
  flush()
  fanout.remove(ear)
  fanout.publish(message(1))
  flush()
  assert.equal([format.count, ear.frames.length, fanout.size], [0, 0, 0])
})

test('a connection that is let in gets nothing before it begins', () => {
  const { fanout, flush } = hall()
  const [early, late] = [new Ear(ann), new Ear(bob)]
  open(fanout, early)
  fanout.add(late)
  fanout.publish(message(1))
  fanout.publish({ kind: 'notice', joined: [bob], left: [] })
  flush()
  assert.equal([early.texts, late.frames], [['text 1'], []])
  fanout.begin(late, message(1), '1.t1')
  fanout.publish(message(2))
  flush()
  assert.equal([early.texts, late.texts], [['text 1', 'text 2'], ['text 2']])
})

test('an entry that a newcomer was told of before the followers were is not sent to them again', () => {
  const { fanout, flush } = hall()
  const [early, late] = [new Ear(ann), new Ear(bob)]
  open(fanout, early)
  fanout.add(late)
  fanout.begin(late, message(2), '2.t2')
  for (const seq of [1, 2, 3]) fanout.publish(message(seq))
  flush()
  assert.equal([early.seqs, late.seqs], [[1, 2, 3], [3]])
  const last = new Ear(bob)
  fanout.add(last)
  fanout.begin(last, message(4), '4.t4')
  for (const seq of [4, 5]) fanout.publish(message(seq))
  flush()
  assert.equal([early.seqs, last.seqs], [[1, 2, 3, 4, 5], [5]])
})

test('what is sent knows the entry before it, whoever has come meanwhile', () => {
  const { fanout, flush } = hall()
  const previous: (number | undefined)[] = []
  const format: Format = {
    ...plainFormat,
    encode(batch) {
      previous.push(batch.previous?.seq)
      return plainFormat.encode(batch)
    },
  }
  const early = new Ear(ann, format)
  fanout.add(early)
  fanout.begin(early, message(7), '7.t7')
  for (const seq of [8, 9]) {
    fanout.publish(message(seq))
    const late = new Ear(bob)
    fanout.add(late)
    fanout.begin(late, message(seq), `${seq}.t${seq}`)
    flush()
  }
  assert.equal(previous, [7, 8])
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
  const room = { code: 'ACD-EFG-HJK', title: '', created: 0 }
  const shown = [
    frame(batch),
    frame(batch),
    lines(batch),
    history({ place, room, page: { entries: [said], more: false, start: '0.t0', cursor: '1.t1' } }).toString(),
  ]
  assert.ok(shown.every((html) => html.includes('hello')))
  assert.is(renderings, 1)
})

test('nothing of a message stays once it fell off the history', async () => {
  const collect = collector()
  const HISTORY = 10
  const store = new MemoryStore({ history: HISTORY, bytes: 1_000_000 })
  const rooms = new Rooms({ store, ttl: 1000, areRatesLimited: false, clock: new TestClock() })
  const { code, member, ear } = await opened(rooms)
  const refs: WeakRef<Message>[] = []
  store.follow(code, (entry) => void refs.push(new WeakRef(entry)))
  await rooms.connect(code, ear, '')
  for (let count = 0; count < 500; count += 1) {
    await rooms.post(code, member, { text: `text ${count}`, key: '' })
    if (count % 20 === 0) await turn()
  }
  await turn()
  collect()
  assert.is(refs.length, 500)
  const left = refs.filter((ref) => ref.deref() !== undefined).length
  assert.ok(left <= HISTORY + 1, `${left} are left`)
})

/** A fan-out whose turns end when the test says so. */
function hall() {
  let deferred: (() => void) | undefined
  const fanout = new Fanout((end) => {
    deferred = end
  })
  const endTurn = () => {
    const end = deferred
    deferred = undefined
    end?.()
    return end !== undefined
  }
  const flush = () => {
    while (endTurn());
  }
  return { fanout, endTurn, flush }
}

function open(fanout: Fanout, ear: Ear): void {
  fanout.add(ear)
  fanout.begin(ear, undefined, '0.t0')
}

async function opened(rooms: Rooms) {
  const created = await rooms.create('', 'ann')
  if (!created.ok) throw new Error(created.refusal)
  const { room, member } = created
  const ear = new Ear(member)
  ear.write = () => {}
  rooms.enter(room.code, ear)
  return { code: room.code, member, ear }
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
