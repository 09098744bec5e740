import * as assert from 'uvu/assert'
import { TestClock, turn } from './support/clock.ts'
import { suite } from './support/ground.ts'
import { messagesIn } from './support/line.ts'
import { Person } from './support/person.ts'
import { serve, type TestServer } from './support/server.ts'
import { eventsIn, Stream } from './support/stream.ts'

const FRAGMENTS = { headers: { Accept: 'text/event-stream' } }
const JSON_EVENTS = { headers: { Accept: 'application/json, text/event-stream' } }

const FAREWELL = (words: string) => new RegExp(`^<p id="status" class="status gone" .*>${words} <a href="/">`, 'm')

const test = suite<{ server: TestServer; ann: Person }>('events')

test.before(async (context) => {
  context.server = await serve({ history: 5 })
})
test.before.each(async (context) => {
  context.ann = await Person.create(context.server.url, 'ann')
})
test.after(({ server }) => server.stop())

test('a program gets one message an event, with its cursor as the id', async ({ ann }) => {
  for (const open of [() => ann.fetch('/events', JSON_EVENTS), () => ann.fetch('/events?format=json', FRAGMENTS)]) {
    const stream = await opened(open())
    assert.match(stream.headers.get('content-type') ?? '', /^text\/event-stream/)
    assert.match(stream.headers.get('cache-control') ?? '', /no-store/)
    const said = [await ann.say('one'), await ann.say('two\nlines "and" <more>')]
    await stream.until((text) => messages(text).length === 2)
    const events = eventsIn(stream.text)
    assert.equal(
      events.map(({ data }) => JSON.parse(data)),
      said,
    )
    assert.equal(
      events.map(({ id, event }) => [id, event]),
      said.map(({ cursor }) => [cursor, 'message']),
    )
    await stream.close()
  }
})

test('a page gets the fragments that a socket would have brought, with the place after them', async ({ ann }) => {
  const stream = await opened(ann.fetch('/events', FRAGMENTS))
  const said = await ann.say('two\n\nlines <b>')
  await stream.until((text) => messagesIn(dataOf(text)).length === 1)
  assert.equal(messagesIn(dataOf(stream.text)), [{ seq: 1, member: ann.id, name: 'ann', text: 'two\n\nlines <b>' }])
  assert.match(dataOf(stream.text), `id="since" name="since" value="${said.cursor}"`)
  assert.is(eventsIn(stream.text).at(-1)?.id, said.cursor)
  await stream.close()
})

test('the cookie opens a stream as the token does', async ({ ann }) => {
  const response = await fetch(`${ann.room}/events`, { headers: { Cookie: `parlour=${ann.token}` } })
  const stream = await opened(Promise.resolve(response))
  await ann.say('hello')
  await stream.has('hello')
  await stream.close()
})

test('what followed a cursor is sent first, by the query or by the header of a browser that reconnects', async ({
  ann,
}) => {
  const said = [await ann.say('one'), await ann.say('two'), await ann.say('three')]
  const byQuery = new Stream(await ann.fetch(`/events?since=${said[0].cursor}`, JSON_EVENTS))
  await byQuery.until((text) => messages(text).length === 2)
  const headers = { ...JSON_EVENTS.headers, 'Last-Event-ID': said[1].cursor }
  const byHeader = new Stream(await ann.fetch(`/events?since=${said[0].cursor}`, { headers }))
  await byHeader.until((text) => messages(text).length === 1)
  await ann.say('four')
  await Promise.all([byQuery, byHeader].map((stream) => stream.has('four')))
  assert.equal(
    [messages(byQuery.text), messages(byHeader.text)],
    [
      ['two', 'three', 'four'],
      ['three', 'four'],
    ],
  )
  await Promise.all([byQuery.close(), byHeader.close()])
})

test('every id that was sent can be resumed from, whatever came with it', async ({ ann }) => {
  const stream = await opened(ann.fetch('/events', JSON_EVENTS))
  const place = /^id: (\S+)$/m.exec(stream.text)?.[1] as string
  await stream.close()
  await ann.say('missed')
  const resumed = new Stream(
    await ann.fetch('/events', { headers: { ...JSON_EVENTS.headers, 'Last-Event-ID': place } }),
  )
  await resumed.has('missed')
  assert.equal(
    eventsIn(resumed.text).map(({ event }) => event),
    ['message'],
  )
  await resumed.close()
})

test('a gap is an event of its own, with its number where that can be known', async ({ ann }) => {
  const first = await ann.say('text 1')
  for (let count = 2; count <= 9; count += 1) await ann.say(`text ${count}`)
  const gaps: [string, number | null][] = [
    [first.cursor, 3],
    ['1.zz', null],
    ['99.zz', null],
    ['rubbish', null],
  ]
  for (const [since, missed] of gaps) {
    const stream = new Stream(await ann.fetch(`/events?since=${since}`, JSON_EVENTS))
    await stream.until((text) => messages(text).length === 5)
    const events = eventsIn(stream.text)
    assert.equal([events[0].event, JSON.parse(events[0].data)], ['gap', { missed }])
    assert.equal(messages(stream.text), ['text 5', 'text 6', 'text 7', 'text 8', 'text 9'])
    await stream.close()
    const fragments = new Stream(await ann.fetch(`/events?since=${since}`, FRAGMENTS))
    await fragments.until((text) => messagesIn(dataOf(text)).length === 5)
    assert.match(
      dataOf(fragments.text),
      `<li class="gap">${missed === null ? 'Some' : '3'} messages are no longer kept.</li>`,
    )
    await fragments.close()
  }
})

test('a fourth stream of one session ends the first', async ({ ann, server }) => {
  const bob = await Person.join(server.url, ann.code, 'bob')
  const bobs = await opened(bob.fetch('/events', JSON_EVENTS))
  const streams = [await opened(ann.fetch('/events', JSON_EVENTS)), await opened(ann.fetch('/events', FRAGMENTS))]
  const growing = new Stream(await ann.fetch('/live', { headers: { Accept: 'text/html' } }))
  await growing.has('class="messages"')
  streams.push(growing, await opened(ann.fetch('/events', JSON_EVENTS)))
  await streams[0].ended
  await bob.say('still there?')
  await Promise.all([...streams.slice(1), bobs].map((stream) => stream.has('still there?')))
  assert.not.match(streams[0].text, 'still there?')
  await Promise.all([...streams.slice(1), bobs].map((stream) => stream.close()))
})

test('a reader that goes away is not here for ever', async () => {
  const clock = new TestClock()
  const server = await serve({ clock })
  const ann = await Person.create(server.url, 'ann')
  const bob = await Person.join(server.url, ann.code, 'bob')
  const stream = await opened(ann.fetch('/events', JSON_EVENTS))
  await clock.pass(60_000)
  assert.equal(await names(bob), ['ann', 'bob'])
  await stream.close()
  for (let here = 2; here > 1; here = (await names(bob)).length) {
    await clock.pass(30_000)
    await turn()
  }
  assert.equal(await names(bob), ['bob'])
  const stopped = server.stop()
  await clock.pass(10_000)
  await stopped
})

test('whoever left gets no stream', async ({ ann }) => {
  const stream = await opened(ann.fetch('/events', JSON_EVENTS))
  await ann.fetch('/leave', { method: 'POST' })
  await stream.ended
  assert.is((await ann.fetch('/events', JSON_EVENTS)).status, 401)
})

test('a page that is sent away is told so before its stream ends; a program’s just ends', async ({ ann }) => {
  const page = await opened(ann.fetch('/events', FRAGMENTS))
  const program = await opened(ann.fetch('/events', JSON_EVENTS))
  const said = await ann.say('last words')
  await Promise.all([page, program].map((stream) => stream.has('last words')))
  await ann.fetch('/leave', { method: 'POST' })
  await Promise.all([page.ended, program.ended])
  assert.match(dataOf(page.text), FAREWELL('You are no longer in this room.'))
  assert.is(eventsIn(page.text).at(-1)?.id, said.cursor)
  assert.equal(messages(program.text), ['last words'])
  assert.is(eventsIn(program.text).length, 1)
})

test('a page that asks what came, without being a member any more, is told farewell, and a stream is refused', async ({
  ann,
}) => {
  const gone = { room: ann.room.replace(ann.code, 'ACD-EFG-HJK'), words: 'This room is gone.', status: 404 }
  await ann.fetch('/leave', { method: 'POST' })
  const left = { room: ann.room, words: 'You are no longer in this room.', status: 401 }
  for (const { room, words, status } of [left, gone]) {
    const headers = { Authorization: `Bearer ${ann.token}`, Accept: 'text/event-stream' }
    assert.is((await fetch(`${room}/events`, { headers })).status, status)
    assert.is((await fetch(`${room}/events?format=json`, { headers })).status, status)
    const ofPage = { ...headers, 'HX-Request': 'true', Accept: '*/*' }
    const page = await fetch(`${room}/messages?after=1.aaaaaa`, { headers: ofPage })
    assert.is(page.status, status)
    assert.match(page.headers.get('cache-control') ?? '', /no-store/)
    assert.match(page.headers.get('content-security-policy') ?? '', "default-src 'none'")
    assert.match(await page.text(), FAREWELL(words))
    assert.not.match(await (await fetch(`${room}/messages?before=1.aaaaaa`, { headers: ofPage })).text(), 'status')
  }
})

/** A stream that has caught up. */
async function opened(response: Promise<Response>): Promise<Stream> {
  const stream = new Stream(await response)
  assert.is(stream.status, 200)
  await stream.has('id: ')
  return stream
}

function messages(text: string): string[] {
  const events = eventsIn(text).filter(({ event }) => event === 'message')
  return events.map(({ data }) => (JSON.parse(data) as { text: string }).text)
}

function dataOf(text: string): string {
  return eventsIn(text)
    .map(({ data }) => data)
    .join('\n')
}

async function names(person: Person): Promise<string[]> {
  const { members } = (await (await person.fetch('')).json()) as { members: { name: string }[] }
  return members.map(({ name }) => name).toSorted()
}

test.run()
