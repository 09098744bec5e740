import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LocalBus } from '../rooms/stores/bus.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { Random } from './faults/random.ts'
import { ChaosBus, ChaosStore } from './support/chaos.ts'
import { TestClock } from './support/clock.ts'
import { Crowd } from './support/crowd.ts'
import { type Outage, withOutage } from './support/outage.ts'
import { Person } from './support/person.ts'
import { SEED } from './support/seed.ts'
import { serve, type TestServer } from './support/server.ts'
import { errorIn, escaped, type Fields, type Guest, makeHouse } from './support/site.ts'
import { eventsIn, Stream } from './support/stream.ts'

const BOUNDS = { history: 500, bytes: 1024 * 1024, rooms: 100 }
const WORDS = 'Nothing can be done here right now.'
const HTML = { headers: { Accept: 'text/html' } }
// Longer than a reading is tried.
const LONG_MS = 15_000

interface Context {
  /** What was said on standard error. */
  logged: unknown[]
  log: typeof console.error
}

const test = suite<Context>('rejecting')

test.before.each((context) => {
  context.logged = []
  context.log = console.error
  console.error = (words: unknown) => context.logged.push(words)
})
test.after.each(({ logged, log }) => {
  console.error = log
  for (const words of logged) assert.is(JSON.parse(String(words)).error, 'StoreFailure', String(words))
})

for (const from of ['', 'write'])
  for (const isDone of [false, true])
    test(`a text that the store ${isDone ? 'took without an answer' : 'did not take'} is kept in the page that says so, and counts once when it is sent from there: ${from || 'the room'}`, async () => {
      for (const of of [['append'], ['append', 'messages'], 'all'] as const) {
        const { ann, outage } = await room()
        const text = 'what "ann" <types>'
        Object.assign(outage, { of, isDone })
        const answer = await ann.post('/messages', { text, from, once: 'abc' })
        assert.equal([answer.status, answer.headers.get('retry-after')], [503, '5'])
        const html = await answer.text()
        assert.match(html, WORDS)
        assert.is(textIn(html), escaped(text))
        outage.of = []
        const form = { ...hiddenIn(html), text }
        assert.is((await ann.post('/messages', form)).status, 303)
        assert.is((await ann.post('/messages', form)).status, 303)
        assert.equal(await ann.texts(), [text])
      }
    })

test('a stranger’s text is not given back by a store that fails', async () => {
  const { ann, outage } = await room()
  outage.of = 'all'
  const answer = await ann.house.post(`${ann.room}/messages`, { text: 'hello', once: 'abc' })
  assert.is(answer.status, 503)
  assert.not.match(await answer.text(), 'textarea')
})

test('a program and a page with scripts are told to come back, and the same key counts once', async () => {
  for (const isDone of [false, true])
    for (const of of [['append'], 'all'] as const) {
      const { ann, outage } = await room()
      Object.assign(outage, { of, isDone })
      const say = (headers: Record<string, string>) => ann.post('/messages', { text: 'hello', key: 'k' }, headers)
      const program = await say({ Accept: 'application/json' })
      assert.equal([program.status, program.headers.get('retry-after')], [503, '5'])
      assert.is(await errorIn(program), 'unavailable')
      const page = await say({ 'HX-Request': 'true' })
      assert.equal([page.status, page.headers.get('retry-after')], [503, '5'])
      assert.match(await page.text(), /^<p class="refusal">Nothing can be done/)
      outage.of = []
      // Where all fails nothing comes as far as being kept.
      assert.is((await say({ Accept: 'application/json' })).status, isDone && of !== 'all' ? 200 : 201)
      assert.equal(await ann.texts(), ['hello'])
    }
})

test('who makes a room while the store fails finds in the page what they typed', async () => {
  const { ann, outage } = await room()
  outage.of = ['create']
  const answer = await ann.house.post('/rooms', { name: 'bob', title: 'Friday' })
  assert.equal([answer.status, answer.headers.get('retry-after')], [503, '5'])
  const html = await answer.text()
  for (const typed of [WORDS, 'value="bob"', 'value="Friday"']) assert.match(html, typed)
})

test('who joins a room while the store fails finds in the page what they typed', async () => {
  const { ann, outage } = await room()
  for (const of of [['find'], ['admit'], 'all'] as const)
    for (const path of ['/join', `${ann.room}/members`]) {
      outage.of = of
      const answer = await ann.house.post(path, { name: '"bob"', code: ann.code })
      assert.equal([answer.status, answer.headers.get('retry-after')], [503, '5'])
      const html = await answer.text()
      for (const typed of [WORDS, `value="${escaped('"bob"')}"`]) assert.match(html, typed)
      // Of a room that was not found there is no door to show.
      const isAtDoor = of[0] === 'admit' && path !== '/join'
      assert.match(html, isAtDoor ? `action="${ann.room}/members"` : `value="${ann.code}"`)
    }
})

test('who was let in by a store that did not say so has the same name when they try again', async () => {
  const { ann, outage } = await room()
  const join = () => ann.house.post(`${ann.room}/members`, { name: 'bob' })
  Object.assign(outage, { of: ['admit'], isDone: true })
  assert.is((await join()).status, 503)
  outage.of = []
  assert.is((await join()).status, 303)
})

test('whatever is asked of a store that fails is refused for now, in the form that was asked for', async () => {
  const { ann, outage } = await room()
  outage.of = 'all'
  const paths = ['', '/messages', '/events', '/live', '/frame/1.a-00000000', '/write']
  for (const path of paths) {
    const page = await ann.ask(path, HTML)
    assert.equal([path, page.status, page.headers.get('retry-after')], [path, 503, '5'])
    assert.match(await page.text(), WORDS)
    assert.is(await errorIn(await ann.json(path)), 'unavailable')
  }
  const forms: Record<string, Fields> = { '/rooms': {}, '/join': { code: ann.code }, [`${ann.room}/members`]: {} }
  for (const [path, fields] of Object.entries(forms)) {
    const answer = await ann.house.post(path, { name: 'bob', ...fields })
    assert.equal([path, answer.status, answer.headers.get('retry-after')], [path, 503, '5'])
  }
})

test('the chat is unwell for as long as its store fails, and well again after that', async () => {
  const { ann, outage } = await room()
  const health = async () => {
    const answer = await ann.house.ask('/health')
    return [answer.status, await answer.text()]
  }
  for (let turn = 0; turn < 2; turn += 1) {
    assert.equal(await health(), [200, '{"status":"ok"}'])
    outage.of = ['check']
    assert.equal(await health(), [503, '{"status":"unavailable"}'])
    outage.of = []
  }
  assert.equal(await health(), [200, '{"status":"ok"}'])
})

test('a text by a socket is refused in words while the store fails, the socket stays, and the same key counts once', async () => {
  for (const isDone of [false, true]) {
    const { server, outage, ann } = await served()
    const bob = await Person.join(server.url, ann.code, 'bob')
    const [anns, bobs] = [await here(ann), await here(bob)]
    Object.assign(outage, { of: ['append'], isDone })
    anns.send({ text: 'hello', key: 'k' })
    assert.match(await anns.frame('id="reason"'), WORDS)
    outage.of = []
    anns.send({ text: 'hello', key: 'k' })
    anns.send({ text: 'and more', key: 'l' })
    await Promise.all([anns, bobs].map((line) => line.count(2)))
    for (const line of [anns, bobs]) assert.equal(line.texts, ['hello', 'and more'])
    assert.not.ok(
      bobs.frames.some((frame) => frame.includes('id="reason"')),
      'nobody else is told',
    )
    await server.stop()
  }
})

test('a handshake and a stream are refused for now while the store fails, and taken after that', async () => {
  const { server, outage, ann } = await served()
  for (const of of ['all', ['member'], ['find']] as const) {
    outage.of = of
    const { failed } = outage
    const refused = await ann.connect().catch(String)
    if (outage.failed > failed) assert.match(String(refused), '503')
    for (const path of ['/events', '/live']) {
      const answer = await ann.fetch(path, HTML)
      assert.equal([path, answer.status, answer.headers.get('retry-after')], [path, 503, '5'])
      await answer.text()
    }
  }
  outage.of = []
  const line = await here(ann)
  const streams = await Promise.all(['/events', '/live'].map(async (path) => new Stream(await ann.fetch(path, HTML))))
  await ann.say('hello')
  await Promise.all([line.count(1), ...streams.map((stream) => stream.has('hello'))])
  await server.stop()
})

test('who cannot be read to for ten seconds is sent away, by whatever they are connected, and misses nothing when they are back', async () => {
  const clock = new TestClock()
  const { server, outage, ann } = await served(clock)
  const line = await here(ann)
  const [events, live] = await Promise.all([
    opened(ann, '/events?format=json', 'id: '),
    opened(ann, '/live', 'class="messages"'),
  ])
  const first = await ann.say('one')
  await Promise.all([line.count(1), events.has('one'), live.has('one')])
  outage.of = ['entries']
  await ann.say('two')
  let isClosed = false
  const closed = Promise.all([line.closed, events.ended, live.ended]).finally(() => {
    isClosed = true
  })
  await clock.pass(5000)
  assert.is(isClosed, false, 'a store may be away for a moment')
  await clock.pass(LONG_MS)
  assert.is((await closed)[0], 1013)
  assert.match(live.text, /<\/html>\s*$/)
  outage.of = []
  const again = await ann.listen(line.cursor)
  await again.count(1)
  const resumed = await opened(ann, `/events?format=json&since=${eventsIn(events.text).at(-1)?.id}`, 'two')
  assert.equal([again.texts, eventsIn(resumed.text).map(({ data }) => JSON.parse(data).text)], [['two'], ['two']])
  assert.is(eventsIn(events.text).at(-1)?.id, first.cursor)
  const stopped = server.stop()
  await clock.pass(LONG_MS)
  await stopped
})

test('while calls fail at random, hints are lost and two servers share the store, everyone sees every message once and in order', async () => {
  const random = new Random(SEED)
  const kept = new MemoryStore(BOUNDS)
  const shared = new LocalBus()
  const stores = [0, 1].map(() => new ChaosStore(kept, { random, failing: 0.1 }))
  const buses = [0, 1].map(() => new ChaosBus(shared, { random }))
  // Rooms that are kept shortly are looked at often, so that a hint that was lost costs little.
  const servers = await Promise.all(stores.map((store, half) => serve({ store, bus: buses[half], ttl: 1000 })))
  const crowd = await Crowd.gather(servers.map(({ url }) => url))
  await crowd.talk(20)
  for (const one of [...stores, ...buses]) one.calm()
  const { messages = [] } = (await kept.messages(crowd.code, { limit: 500 })) ?? {}
  const texts = messages.map(({ text }) => text)
  assert.equal(texts.toSorted(), crowd.said.toSorted(), 'what was accepted was kept, and once')
  for (const { name, seen } of await crowd.read(texts.length)) assert.equal(seen, texts, name)
  assert.ok(
    stores.every(({ failed }) => failed > 5) && buses.some(({ dropped }) => dropped > 0),
    'it was put to the test',
  )
  await Promise.all(servers.map((server) => server.stop()))
})

test.run()

/** A room over a store that fails when it is told to, without a network. */
async function room(): Promise<{ ann: Guest; outage: Outage }> {
  const clock = new TestClock()
  const { store, outage } = withOutage(new MemoryStore({ ...BOUNDS, clock }))
  const { house } = makeHouse({ store, clock })
  return { ann: await house.open(), outage }
}

/** The same with a server. */
async function served(clock?: TestClock): Promise<{ server: TestServer; outage: Outage; ann: Person }> {
  const { store, outage } = withOutage(new MemoryStore({ ...BOUNDS, clock }))
  const server = await serve({ store, clock })
  return { server, outage, ann: await Person.create(server.url, 'ann') }
}

/** A socket that has caught up. */
async function here(person: Person) {
  const line = await person.listen()
  await line.frame('id="since"')
  return line
}

/** A stream in which these words have come. */
async function opened(person: Person, path: string, words: string): Promise<Stream> {
  const stream = new Stream(await person.fetch(path, HTML))
  await stream.has(words)
  return stream
}

/** What stands in the field to write in. */
function textIn(html: string): string | undefined {
  return /<textarea[^>]*>\n([\s\S]*?)<\/textarea>/.exec(html)?.[1]
}

/** What a form sends beside what is typed. */
function hiddenIn(html: string): Record<string, string> {
  const [form = ''] = /<form [^>]*action="[^"]*\/messages"[\s\S]*?<\/form>/.exec(html) ?? []
  return Object.fromEntries(
    [...form.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(([, name, value]) => [name, value]),
  )
}
