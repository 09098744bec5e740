import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import type { Line } from './support/line.ts'
import { Person, type Said } from './support/person.ts'
import { serve, type TestServer } from './support/server.ts'

interface Context {
  server: TestServer
  ann: Person
  anns: Line
  eve: Person
  first: Said
}

const test = suite<Context>('slow')
const LONG = 'x'.repeat(3900)

// All that is said is kept, so that one who was cut off can be given it; and nobody who is gone is waited for.
test.before.each(async (context) => {
  const store = new MemoryStore({ history: 100_000, bytes: 100 * 1024 * 1024, rooms: 10 })
  context.server = await serve({ store, grace: 0 })
  context.ann = await Person.create(context.server.url, 'ann')
  context.eve = await Person.join(context.server.url, context.ann.code, 'eve')
  context.anns = await context.ann.listen()
  context.first = await context.ann.say('first')
  await context.anns.count(1)
})
test.after.each(({ server }) => server.stop())

test('a socket that does not read is cut off, and resumes by its cursor', async ({ ann, anns, eve, first }) => {
  const line = await eve.listen(first.cursor)
  await anns.until((line) => isHere(line, 2))
  line.socket.pause()
  await talkUntilGone(anns)
  line.socket.resume()
  assert.is(await line.closed, 1006)
  const again = await eve.listen(line.cursor)
  const last = await ann.say('last')
  await again.until(({ messages }) => messages.at(-1)?.seq === last.seq)
  const seen = [...line.messages, ...again.messages].map(({ seq }) => seq)
  assert.equal(
    seen,
    Array.from({ length: last.seq - 1 }, (_, index) => index + 2),
  )
})

test('a stream that does not read is cut off, and resumes by its last event', async ({ ann, anns, eve, first }) => {
  const stream = await open(eve, first.cursor)
  await anns.until((line) => isHere(line, 2))
  stream.pause()
  await talkUntilGone(anns)
  const before = idsIn(await read(stream))
  const again = await open(eve, before.at(-1) ?? first.cursor)
  const last = await ann.say('last')
  const seen = [...before, ...idsIn(await read(again, last.cursor))].map((cursor) => Number.parseInt(cursor, 10))
  assert.equal(
    seen,
    Array.from({ length: last.seq - 1 }, (_, index) => index + 2),
  )
})

/** Talks until the other one is gone, which it is when it was cut off. */
async function talkUntilGone(line: Line): Promise<void> {
  while (!isHere(line, 1)) {
    const { length } = line.messages
    for (let count = 0; count < 20; count += 1) line.send({ text: LONG })
    await line.count(length + 20)
    if (length > 20_000) throw new Error('80 MB were said, and nobody was cut off')
  }
}

/** Whether so many are here, as far as this line was told. */
function isHere({ frames }: Line, count: number): boolean {
  return frames.findLast((frame) => frame.includes('id="count"'))?.includes(`>${count}</span>`) ?? false
}

async function open({ room, token }: Person, since: string): Promise<IncomingMessage> {
  const headers = { Authorization: `Bearer ${token}`, Accept: 'application/json', 'Last-Event-ID': since }
  const [response] = await once(get(`${room}/events`, { agent: false, headers }), 'response')
  return response.setEncoding('utf8')
}

/** What comes until the event with this id, or until it ends. */
async function read(stream: IncomingMessage, id?: string): Promise<string> {
  let text = ''
  try {
    for await (const part of stream) {
      text += part
      if (id && text.endsWith('\n\n') && text.slice(-5000).includes(`id: ${id}\n`)) break
    }
  } catch {
    // It was cut in the middle: what came before counts.
  }
  return text
}

/** The places that whole events came with; half an event counts for nothing. */
function idsIn(text: string): string[] {
  return [...text.matchAll(/^id: (\S+)\ndata: .*\n\n/gm)].map(([, id]) => id)
}

test.run()
