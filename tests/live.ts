import * as assert from 'uvu/assert'
import { suite } from './support/ground.ts'
import { messagesIn } from './support/line.ts'
import { Person } from './support/person.ts'
import { serve, type TestServer } from './support/server.ts'
import { Stream } from './support/stream.ts'

const test = suite<{ server: TestServer; ann: Person }>('live')

test.before(async (context) => {
  context.server = await serve()
})
test.before.each(async (context) => {
  context.ann = await Person.create(context.server.url, 'ann', 'Friday <evening>')
})
test.after(({ server }) => server.stop())

test('the page begins with what was said and grows with what is', async ({ ann }) => {
  await ann.say('one')
  await ann.say('two <b>')
  const page = await grow(ann)
  assert.is(page.status, 200)
  assert.match(page.headers.get('content-type') ?? '', /^text\/html; charset=utf-8/i)
  await page.has('two &lt;b&gt;')
  await ann.say('three')
  await page.has('three')
  await ann.say('four')
  await page.has('four')
  assert.equal(
    messagesIn(page.text).map(({ seq, text }) => [seq, text]),
    [
      [1, 'one'],
      [2, 'two <b>'],
      [3, 'three'],
      [4, 'four'],
    ],
  )
  assert.match(page.text, /^<!doctype html>/i)
  assert.match(page.text, 'Friday &lt;evening&gt;')
  assert.not.match(page.text, '</html>', 'it has no end')
  await page.close()
})

test('nothing that is said while the page begins is lost or shown twice', async ({ ann }) => {
  const pages: Stream[] = []
  const said: Promise<unknown>[] = []
  for (let count = 1; count <= 30; count += 1) {
    said.push(ann.say(`text ${count}`))
    if (count % 10 === 0) pages.push(await grow(ann))
  }
  await Promise.all(said)
  const record = ((await (await ann.fetch('/messages')).json()) as { messages: { text: string }[] }).messages
  for (const page of pages) {
    await page.until((text) => messagesIn(text).length >= 30)
    assert.equal(
      messagesIn(page.text).map(({ text }) => text),
      record.map(({ text }) => text),
    )
    await page.close()
  }
})

test('who comes is told of in the page', async ({ ann, server }) => {
  const page = await grow(ann)
  await page.has('class="messages"')
  await Person.join(server.url, ann.code, 'bob & co')
  await page.has('<b><bdi>bob &amp; co</bdi></b> joined</li>')
  await page.close()
})

test('the page of whoever leaves ends, as a whole page', async ({ ann }) => {
  const page = await grow(ann)
  await page.has('class="messages"')
  await ann.fetch('/leave', { method: 'POST' })
  await page.ended
  assert.match(page.text, /<\/body>\s*<\/html>\s*$/)
  assert.is((await grow(ann)).status, 401)
})

test('a long history is there to be asked for', async ({ ann }) => {
  for (let count = 1; count <= 55; count += 1) await ann.say(`text ${count}`)
  const page = await grow(ann)
  await page.has('text 55<')
  assert.equal(
    messagesIn(page.text).map(({ seq }) => seq),
    Array.from({ length: 50 }, (_, index) => index + 6),
  )
  const older = /<a href="([^"]*\?before=[^"]*)"/.exec(page.text)?.[1] as string
  const earlier = await fetch(new URL(older, ann.url), { headers: { Cookie: `parlour=${ann.token}` } })
  assert.equal(
    messagesIn(await earlier.text()).map(({ seq }) => seq),
    [1, 2, 3, 4, 5],
  )
  await page.close()
})

test('a page that browsers keep has an address that changes with the files it loads', async ({ ann, server }) => {
  const ask = (path: string) =>
    fetch(new URL(path, server.url), { headers: { Accept: 'text/html', Authorization: `Bearer ${ann.token}` } })
  let [, path] = /<iframe src="([^"]*\/frame[^"]*)"/.exec(await (await ask(ann.room)).text()) ?? []
  for (let turn = 0; turn < 3; turn += 1) {
    const address = path.replaceAll('&amp;', '&')
    const response = await ask(address)
    assert.match(response.headers.get('cache-control') ?? '', /^private, max-age=/)
    const names = [...(await response.text()).matchAll(/\/static\/([^"]+)"/g)].map(([, name]) => name)
    assert.is(names.length, 1)
    assert.ok(address.includes(names[0]), address)
    path = /url=(.*)/.exec(response.headers.get('refresh') ?? '')?.[1] as string
  }
})

test('whichever of its two pages is asked for, the frame leads to the other', async ({ ann }) => {
  const ask = (path: string) => ann.fetch(path, { headers: { Accept: 'text/html' } })
  for (const [path, next] of [
    ['/frame/1.a-00000000', /frame\/1\.a-00000000\?wait/],
    ['/frame/1.a-00000000?wait', /frame\/1\.a-00000000\?(?!wait)/],
  ] as const)
    assert.match((await ask(path)).headers.get('refresh') ?? '', next)
})

async function grow(person: Person): Promise<Stream> {
  return new Stream(await person.fetch('/live', { headers: { Accept: 'text/html' } }))
}

test.run()
