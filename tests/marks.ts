import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Rooms } from '../rooms/rooms.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import type { Result } from '../rooms/types.ts'
import { Barrier } from './support/barrier.ts'
import { TestClock, turn } from './support/clock.ts'
import { Ear } from './support/ear.ts'

// It ends between two looks.
const GRACE_MS = 15_000
const LOOK_MS = 10_000

const test = suite('marks')

test('that somebody left is told to the store with the next look where it failed, though nobody is there any more', async () => {
  const { rooms, store, clock, code, ear } = await open()
  store.isFailing = true
  rooms.disconnect(code, ear)
  await clock.pass(GRACE_MS)
  store.isFailing = false
  await clock.pass(2 * LOOK_MS)
  assert.equal([...store.here], [])
})

test('the store is told of those who come and go in their order, however late it answers', async () => {
  const { store, ear, answer } = await comeBackEarly()
  answer()
  await turn()
  assert.equal([...store.here], [ear.member.id])
})

test('what the store failed to be told is not told after what came later', async () => {
  const { store, clock, ear, answer } = await comeBackEarly()
  store.isFailing = true
  answer()
  await turn()
  store.isFailing = false
  await clock.pass(LOOK_MS)
  assert.equal([...store.here], [ear.member.id])
})

/** A store that says who is here, and is told so late or in vain. */
class MarkedStore extends MemoryStore {
  readonly here = new Set<string>()
  readonly marks = new Barrier()
  isFailing = false

  override async mark(_: string, marks: ReadonlyMap<string, boolean>): Promise<void> {
    await this.marks.pass()
    if (this.isFailing) throw new Error('told to fail')
    for (const [id, isHere] of marks) {
      if (isHere) this.here.add(id)
      else this.here.delete(id)
    }
  }
}

/** Somebody has left and come back before the store has answered that they left. */
async function comeBackEarly() {
  const { rooms, store, clock, code, ear } = await open()
  const answer = store.marks.holdOne()
  rooms.disconnect(code, ear)
  await clock.pass(GRACE_MS)
  await rooms.enter(code, ear)
  await turn()
  return { store, clock, ear, answer }
}

async function open() {
  const clock = new TestClock()
  const store = new MarkedStore({ history: 10, bytes: 1000, rooms: 10, clock })
  const rooms = new Rooms({ store, clock, ttl: 60 * 60 * 1000, grace: GRACE_MS })
  const { room, member } = must(await rooms.create('', 'ann'))
  const ear = new Ear(member)
  await rooms.enter(room.code, ear)
  await rooms.connect(room.code, ear, '')
  await turn()
  assert.equal([...store.here], [member.id])
  return { rooms, store, clock, code: room.code, ear }
}

function must<T>(result: Result<T>): { readonly ok: true } & T {
  if (!result.ok) throw new Error(result.refusal)
  return result
}

test.run()
