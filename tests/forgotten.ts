import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Rooms } from '../rooms/rooms.ts'
import type { Member, Result } from '../rooms/types.ts'
import { turn } from './support/clock.ts'
import { textsHeld } from './support/heap.ts'
import { type Guest, makeHouse } from './support/site.ts'

const test = suite('forgotten')

test('of what was changed, deleted or cleared no text and no key stays in memory, whoever listens', async () => {
  const { house, site } = makeHouse()
  const ann = await house.open()
  const [host] = site.rooms.present(ann.code)
  const stop = await listen(ann)
  const cursors = await say(ann)
  await showAll(ann)
  await revise(site.rooms, ann, host, cursors)
  await showAll(ann)
  assert.equal(await held(), ['kept', 'key of kept', 'key of changed', 'what it was changed to'])
  must(await site.rooms.clear(ann.code, host))
  await showAll(ann)
  assert.equal(await held(), [])
  assert.equal(await ann.texts(), [])
  stop()
})

// What was said last is what a live room holds to write the next day above.
const SAID = ['kept', 'deleted', 'changed']
const ALL = [...SAID.flatMap((name) => [name, `key of ${name}`]), 'what it was changed to']

/** A text that stands nowhere before it is asked for. */
function text(name: string): string {
  return createHash('sha256').update(name).digest('hex')
}

/** The names of the texts that something holds. */
async function held(): Promise<string[]> {
  const texts = await textsHeld()
  return ALL.filter((name) => texts.includes(text(name)))
}

async function say(ann: Guest): Promise<string[]> {
  const cursors: string[] = []
  for (const name of SAID) cursors.push((await ann.say(text(name), text(`key of ${name}`))).cursor)
  return cursors
}

async function revise(rooms: Rooms, { code }: Guest, host: Member, cursors: string[]): Promise<void> {
  // The edit that is overtaken by a deletion goes with it.
  must(await rooms.edit(code, host, cursors[1], text('deleted')))
  must(await rooms.edit(code, host, cursors[2], text('what it was changed to')))
  must(await rooms.delete(code, host, cursors[1]))
}

/** Opens the room's streams, and forgets what they bring; ends them when called. */
async function listen(ann: Guest): Promise<() => void> {
  const ending = new AbortController()
  for (const path of ['/events?since=0.none', '/events?since=0.none&format=json', '/live']) {
    const { body } = await ann.ask(path)
    body?.pipeTo(new WritableStream(), ending).catch(() => {})
  }
  return () => ending.abort()
}

/** Has the room shown in every other form, once those who listen have heard all. */
async function showAll(ann: Guest): Promise<void> {
  await turn()
  for (const path of ['', '/messages', '/messages?after=0.none'])
    for (const answer of [await ann.ask(path), await ann.json(path)]) await answer.text()
}

function must<T>(result: Result<T>): void {
  if (!result.ok) throw new Error(result.refusal)
}

test.run()
