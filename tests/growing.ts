import * as assert from 'uvu/assert'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { Random } from './faults/random.ts'
import { suite } from './support/ground.ts'
import { Person } from './support/person.ts'
import { SEED } from './support/seed.ts'
import { serve, type TestServer } from './support/server.ts'
import { type Document, Jar, View } from './support/view.ts'

const HISTORY = 60

const test = suite<{ house: House; ann: Talker; chance: Random; jar: Jar }>('growing')

test.before(async (context) => {
  context.house = await build(HISTORY)
  context.chance = new Random(SEED)
})
test.before.each(async (context) => {
  context.ann = await enter(context.house)
  context.jar = new Jar(context.ann.person)
})
test.after(({ house }) => house.server.stop())

test('wherever its documents are cut while people talk, a view shows every message or tells which are gone', async ({
  house,
  chance,
}) => {
  for (let round = 0; round < 20; round += 1) {
    const ann = await enter(house)
    await ann.talk(chance.whole(0, 90))
    const view = await View.open(new Jar(ann.person))
    for (let cuts = chance.whole(1, 7); cuts > 0; cuts -= 1) await cutSomewhere(view, chance, ann)
    await seesAll(view, ann)
  }
})

test('two views of one session that are cut at different places lose nothing to each other', async ({
  house,
  chance,
}) => {
  for (let round = 0; round < 10; round += 1) {
    const ann = await enter(house)
    await ann.talk(chance.whole(0, 30))
    const jar = new Jar(ann.person)
    const views = [await View.open(jar)]
    await ann.talk(55)
    views.push(await View.open(jar))
    assert.ok(views[0].begin < views[1].begin)
    for (let cuts = chance.whole(2, 9); cuts > 0; cuts -= 1) await cutSomewhere(chance.pick(views), chance, ann)
    for (const view of views) await seesAll(view, ann)
  }
})

test('of 650 messages that were missed and 450 that are kept 200 are told as gone, and 450 follow', async () => {
  const house = await build(450)
  const ann = await enter(house)
  const view = await View.open(new Jar(ann.person))
  await (await view.ask()).cut()
  await ann.talk(650)
  for (let time = 0; time < 2; time += 1) {
    const document = await view.ask()
    await document.until(650)
    assert.equal(document.lines()[0], { gap: 200 })
    assert.equal(document.lines().slice(1), seqs(201, 650))
    await document.cut()
  }
  await house.server.stop()
})

test('a document that has grown long goes on in the next one, and that from there', async () => {
  const house = await build(500)
  const ann = await enter(house)
  const view = await View.open(new Jar(ann.person))
  const long = await view.ask()
  await long.begun()
  await ann.talk(115, 'x'.repeat(3900))
  await long.ended
  view.take(long)
  const next = /<meta http-equiv="refresh" content="0; url=([^"]*)">/.exec(long.body)?.[1].replaceAll('&amp;', '&')
  assert.match(next as string, new RegExp(`^${view.path}\\?since=\\d+\\.\\w+&frame$`))
  await (await view.ask(next)).cut()
  await ann.talk(60)
  const last = await view.ask()
  await last.until(175)
  assert.ok((last.lines()[0] as { seq: number }).seq > 60, 'it begins where the one that was cut began')
  await seesAll(view, ann)
  await house.server.stop()
})

test('a page that was asked for without a frame names its view, and comes back to that', async ({ ann, jar }) => {
  await ann.talk(10)
  const paths = new Set<string>()
  for (let count = 0; count < 2; count += 1) {
    const view = new View(jar, `${new URL(ann.person.room).pathname}/live`)
    const document = await asked(view, view.path)
    view.path = /^2; url=(\S+)$/.exec(document.header('refresh'))?.[1] as string
    paths.add(view.path)
    await ann.talk(55)
    assert.is((await asked(view, view.path)).header('refresh'), `2; url=${view.path}`)
    await seesAll(view, ann)
  }
  assert.is(paths.size, 2)
})

test('to ask for the head of a page moves nothing', async ({ ann, jar }) => {
  const view = await View.open(jar)
  await (await view.ask()).cut()
  await ann.talk(55)
  for (const path of [view.path, `${view.path}?frame`, `${new URL(ann.person.room).pathname}/live`]) {
    const response = await jar.fetch(path, 'HEAD')
    assert.equal([response.status, await response.text()], [200, ''])
  }
  await seesAll(view, ann)
})

test('a view whose cookie is gone goes on from where it began', async ({ ann }) => {
  await ann.talk(10)
  const view = await View.open(new Jar(ann.person))
  await ann.talk(100)
  await asked(view)
  view.jar = new Jar(ann.person)
  const document = await view.ask()
  await document.until(110)
  assert.equal(document.lines()[0], { gap: 50 })
  await seesAll(view, ann)
})

test('a place that cannot be read is told as a gap, and put into no header', async ({ ann }) => {
  await ann.talk(3)
  for (const since of ['x', '1.X', 'a; Path=/', '%0d%0aX-Evil: 1']) {
    const path = `/live?since=${encodeURIComponent(since)}`
    const response = await ann.person.fetch(path, { headers: { Accept: 'text/html' } })
    assert.match(
      response.headers.get('set-cookie') ?? '',
      /^seen=0\.0; Path=\/rooms\/[^;]*\/live\/[^;]*; Max-Age=86400;/,
    )
    const view = new View(new Jar(ann.person), new URL(ann.person.room).pathname + path)
    const document = await view.ask()
    await document.until(3)
    assert.equal(document.lines(), [{ gap: undefined }, ...seqs(1, 3)])
    await Promise.all([document.cut(), response.body?.cancel()])
  }
})

test('an address that names no view is none', async ({ ann }) => {
  for (const view of ['x', '1.a', '1.a-0000000', '1.a-0000000g', '1.A-00000000', '1.a-00000000/x']) {
    assert.is((await ann.person.fetch(`/live/${view}`)).status, 404, view)
    assert.is((await ann.person.fetch(`/frame/${view}`)).status, 404, view)
  }
})

test('the pages around a view end their turns once its member is removed or its room is gone', async ({
  ann,
  jar,
  house,
}) => {
  const html = { headers: { Accept: 'text/html' } }
  const kept = await jar.fetch('/frame/1.a-00000000')
  assert.match(kept.headers.get('vary') ?? '', /\bCookie\b/, 'a browser with another cookie asks again')
  await ann.person.fetch('/leave', { method: 'POST' })
  const stranger = await Person.create(house.server.url, 'zoe')
  const away = `${house.server.url}/rooms/ACD-EFG-HJK`
  for (const [room, status] of [
    [ann.person.room, 401],
    [away, 404],
  ] as const) {
    const answer = await fetch(`${room}/live/1.a-00000000?frame`, html)
    assert.is(answer.status, status)
    const path = `${new URL(room).pathname}/frame/1.a-00000000`
    assert.match(answer.headers.get('set-cookie') ?? '', new RegExp(`^over=1; Path=${path}; Max-Age=86400;`))
    const turn = await fetch(`${room}/frame/1.a-00000000?wait`, html)
    assert.equal([turn.status, turn.headers.get('refresh')], [status, null])
  }
  const here = await stranger.fetch('/live/1.a-00000000', { ...html, method: 'HEAD' })
  assert.not.match(here.headers.get('set-cookie') ?? '', 'over=')
})

test.run()

/** Asks for the next document of a view, and cuts it somewhere while people talk. */
async function cutSomewhere(view: View, chance: Random, ann: Talker): Promise<void> {
  const document = await view.ask()
  const end = chance.pick(['at once', 'after the headers', 'in the head', 'in the lines'])
  await ann.talk(chance.whole(0, 25))
  if (end !== 'at once') await document.begun()
  if (end.startsWith('in ')) await document.until(ann.said)
  const { length } = document.body
  const share = end === 'in the head' ? 0.2 : 1
  await document.cut(end.startsWith('in ') ? chance.whole(0, Math.ceil(length * share)) : 0, end !== 'at once')
  view.take(document)
  await ann.talk(chance.whole(0, 25))
}

/** Reads the last document to the newest line, and holds what all of them showed and told against what was said. */
async function seesAll(view: View, ann: Talker): Promise<void> {
  const document = await view.ask()
  await document.until(ann.said)
  view.take(document)
  await document.cut()
  const missing = seqs(view.begin + 1, ann.said).filter(({ seq }) => !view.shown.has(seq) && !view.gone.has(seq))
  assert.equal(missing, [], 'every message is shown or told as gone')
  const oldest = ann.said - HISTORY + 1
  for (const seq of view.gone) assert.ok(seq < oldest, `${seq} was told as gone`)
}

interface House {
  readonly server: TestServer
  readonly store: MemoryStore
}

async function build(history: number): Promise<House> {
  const store = new MemoryStore({ history, bytes: 1024 * 1024, rooms: 10_000 })
  // What is put into the store without a hint is found by the next look: rooms that are kept shortly are looked at often.
  return { store, server: await serve({ store, ttl: 1000 }) }
}

/** Somebody who says as much as one likes, at once. */
interface Talker {
  readonly person: Person
  /** How many messages there have been. */
  readonly said: number
  talk(messages: number, text?: string): Promise<void>
}

async function enter({ server, store }: House): Promise<Talker> {
  const person = await Person.create(server.url, 'ann')
  const talker = { person, said: 0, talk }
  async function talk(messages: number, text = 'hello'): Promise<void> {
    for (let left = messages; left > 0; left -= 1) {
      talker.said += 1
      await store.append(person.code, { kind: 'message', by: person.id, key: `${talker.said}`, text, at: talker.said })
    }
  }
  return talker
}

function seqs(first: number, last: number): { seq: number }[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({ seq: first + index }))
}

/** Asks for a document that is cut as soon as its headers are there. */
async function asked(view: View, path?: string): Promise<Document> {
  const document = await view.ask(path)
  await document.cut()
  return document
}
