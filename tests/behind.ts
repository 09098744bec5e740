import { Buffer } from 'node:buffer'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { Answer, Answers } from '../routes/wire/answers.ts'
import { fragmentBytes } from '../routes/wire/frames.ts'
import type { TestClock } from './support/clock.ts'
import { turn } from './support/clock.ts'
import { type Closing, head, knock, meet } from './support/ends.ts'
import { type Guest, makeHouse } from './support/site.ts'
import { unchunked } from './support/view.ts'

const TEXTS = 255
// As long as a text can be, and forty kilobytes of HTML.
const TEXT = 'http://a/ '.repeat(400)
const PAGE_BYTES = 128 * 1024
// A page may be longer by what stands around its lines; one is on its way while the next is written.
const UNSENT_BYTES = 2 * PAGE_BYTES
// Somebody who reads a hundred kilobytes a second.
const STEP_BYTES = 1_000_000
const STEP_MS = 10_000

const test = suite<Closing>('behind')

test.before.each((context) => {
  context.closing = []
})
test.after.each(({ closing }) => {
  for (const close of closing) close()
})

test('whoever reads the longest texts slowly by a socket is never cut off, gets all of them in order, and little waits for them', async (context) => {
  const { made, ann, start } = await talked()
  const { near, far } = await knock(context, made, ann)
  near.write(masked(JSON.stringify({ since: start })))
  const { text, unsent } = await readSlowly(near, far, made.clock, (end) => end.includes(`id="m${TEXTS}"`))
  assert.equal(seqsIn(text), all())
  assert.ok(unsent <= UNSENT_BYTES, `${unsent} bytes waited`)
})

test('the same by events', async (context) => {
  const { made, ann, start } = await talked()
  const { near, far } = await asked(context, made, ann, `/events?since=${start}`)
  const { text, unsent } = await readSlowly(near, far, made.clock, (end) => end.includes(`id="m${TEXTS}"`))
  assert.equal(seqsIn(unchunked(text.slice(text.indexOf('\r\n\r\n') + 4))), all())
  assert.ok(unsent <= UNSENT_BYTES, `${unsent} bytes waited`)
})

test('the same by pages that grow, each of which goes on where the one before had grown long', async (context) => {
  const { made, ann, start } = await talked()
  const seqs: number[] = []
  for (let path: string | undefined = `/live?since=${start}`; path && seqs.at(-1) !== TEXTS;) {
    const { near, far } = await asked(context, made, ann, path)
    const isWhole = (end: string) => end.includes('</html>') || end.includes(`id="m${TEXTS}"`)
    const { text, unsent } = await readSlowly(near, far, made.clock, isWhole)
    // What a page begins with is written at once, and is bounded as every answer is.
    assert.ok(unsent <= 2 * UNSENT_BYTES, `${unsent} bytes waited`)
    const body = unchunked(text.slice(text.indexOf('\r\n\r\n') + 4))
    seqs.push(...seqsIn(body))
    path = /content="0; url=[^"]*(\/live[^"]*)"/.exec(body)?.[1].replaceAll('&amp;', '&')
    near.destroy()
  }
  assert.equal(seqs, all())
})

test.run()

type Made = ReturnType<typeof makeHouse>

/** A room in which much was said, and the place before that. */
async function talked(): Promise<{ made: Made; ann: Guest; start: string }> {
  const store = new MemoryStore({ history: 500, bytes: 1024 * 1024, rooms: 10 })
  const made = makeHouse({ store })
  const ann = await made.house.open()
  const { cursor } = (await (await ann.json('/messages')).json()) as { cursor: string }
  for (let count = 1; count <= TEXTS; count += 1) await ann.say(TEXT)
  const [last] = (await store.messages(ann.code, { limit: 1 }))?.messages ?? []
  assert.ok(fragmentBytes(last) > 40_000)
  return { made, ann, start: cursor }
}

/** Somebody who asks for a stream and does not read it yet, and the server's end. */
function asked(context: Closing, { clock, house }: Made, ann: Guest, path: string) {
  const answers = new Answers(clock, getRequestListener(house.app.fetch), { failed: console.error })
  const server = createServer({ ServerResponse: Answer }, (request, answer) => answers.take(request, answer))
  return meet(context, server, head(ann, path, 'Accept: text/html\r\n'))
}

/** Reads on until what came last is the end, while time goes on, and tells how much waited in the server at the most. */
async function readSlowly(near: Socket, far: Socket, clock: TestClock, isEnd: (text: string) => boolean) {
  const parts: Buffer[] = []
  let [unsent, size, step] = [0, 0, 0]
  for (;;) {
    unsent = Math.max(unsent, unsentOf(far))
    const part = near.read() as Buffer | null
    if (part) {
      parts.push(part)
      size += part.length
      if (isEnd(Buffer.concat(parts.slice(-2)).toString('latin1'))) break
    } else assert.not.ok(near.destroyed || near.readableEnded, `it was cut off after ${size} bytes`)
    if (size > step) {
      step += STEP_BYTES
      await clock.pass(STEP_MS)
    } else await turn()
  }
  return { text: Buffer.concat(parts).toString('latin1'), unsent }
}

/** Bytes that wait in this process for the kernel to take them. */
function unsentOf(far: Socket): number {
  const { writeQueueSize = 0 } = (far as { _handle?: { writeQueueSize?: number } | null })._handle ?? {}
  return Math.max(far.writableLength, writeQueueSize)
}

function seqsIn(html: string): number[] {
  return [...html.matchAll(/<li id="m(\d+)" class="message"/g)].map(([, seq]) => Number(seq))
}

function all(): number[] {
  return Array.from({ length: TEXTS }, (_, index) => index + 1)
}

/** A text as a client frames it (RFC 6455, 5.3), with a mask that changes nothing. */
function masked(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
}
