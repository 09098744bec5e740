import { createRequire } from 'node:module'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { tidy } from '../rooms/line.ts'
import { readName } from '../rooms/name.ts'
import { readText, readTitle } from '../rooms/text.ts'
import { messagesIn } from './support/line.ts'
import { Person } from './support/person.ts'
import { serve } from './support/server.ts'
import { escaped, makeHouse } from './support/site.ts'

const strings = createRequire(import.meta.url)('big-list-of-naughty-strings') as string[]
const texts = strings.filter((text) => readText(text).ok)

const test = suite('naughty')

test('most of the strings are texts, and many are names and titles', () => {
  const names = strings.filter((name) => readName(name).ok)
  const titles = strings.filter((title) => readTitle(title).ok)
  assert.ok(strings.length > 450)
  for (const [count, least] of [
    [texts.length, 440],
    [names.length, 150],
    [titles.length, 400],
  ])
    assert.ok(count > least, `${count}`)
})

test('as a name each is shown exactly as it is, or refused and kept in its field', async () => {
  const { house } = makeHouse()
  const ann = await house.open()
  for (const name of strings) {
    const response = await house.post(`${ann.room}/members`, { name })
    if (response.status === 303) {
      const cookie = (response.headers.get('set-cookie') ?? '').split(';')[0]
      const headers = { Cookie: cookie }
      assert.ok(
        (await (await house.ask(ann.room, { headers })).text()).includes(`<bdi>${escaped(tidy(name))}</bdi>`),
        name,
      )
      const { member } = (await (await house.json(ann.room, { headers })).json()) as { member: { name: string } }
      assert.is(member.name, tidy(name))
      assert.is((await house.post(`${ann.room}/messages`, { text: 'hello' }, headers)).status, 303, name)
    } else {
      assert.ok([409, 422].includes(response.status), `${response.status} ${name}`)
      assert.ok((await response.text()).includes(` value="${escaped(wellFormed(name))}"`), name)
    }
  }
  const { messages } = (await (await ann.json('/messages?limit=200')).json()) as { messages: { name: string }[] }
  assert.ok(messages.length > 100)
  const shown = messagesIn(await (await ann.ask('/messages?limit=200')).text()).map(({ name }) => name)
  assert.equal(
    shown,
    messages.map(({ name }) => name),
  )
})

test('as a title each is shown exactly as it is, or refused and kept in its field', async () => {
  const { house } = makeHouse()
  for (const title of strings) {
    const response = await house.post('/rooms', { name: 'ann', title })
    const read = readTitle(title)
    assert.is(response.status, read.ok ? 303 : 422, title)
    if (!read.ok) {
      assert.ok((await response.text()).includes(` value="${escaped(wellFormed(title))}"`), title)
      continue
    }
    const path = response.headers.get('location') ?? ''
    const headers = { Cookie: (response.headers.get('set-cookie') ?? '').split(';')[0] }
    const shown = escaped(read.title || `Room ${path.split('/').at(-1)}`)
    for (const page of [await house.ask(path, { headers }), await house.ask(path)]) {
      const html = await page.text()
      assert.ok(html.includes(`<h1 dir="auto">${shown}</h1>`), title)
      assert.match(html, /<title>[^<]*<\/title>/)
    }
    const { room } = (await (await house.json(path, { headers })).json()) as { room: { title: string } }
    assert.is(room.title, read.title)
  }
})

test('as a text each is kept exactly as it is, by form, by JSON and by multipart', async () => {
  const { house } = makeHouse({ history: strings.length * 3 })
  const ann = await house.open()
  for (const text of strings) {
    const parts = new FormData()
    parts.set('text', wellFormed(text))
    const json = { Authorization: `Bearer ${ann.token}`, 'Content-Type': 'application/json' }
    const statuses = [
      (await ann.post('/messages', { text })).status,
      (await house.ask(`${ann.room}/messages`, { method: 'POST', body: JSON.stringify({ text }), headers: json }))
        .status,
      (await ann.ask('/messages', { method: 'POST', body: parts })).status,
    ]
    assert.equal(statuses, Array(3).fill(readText(text).ok ? 303 : 422), text)
  }
  const kept: string[] = []
  const shown: string[] = []
  for (let before = ''; ;) {
    const { messages, more } = (await (await ann.json(`/messages?limit=200${before}`)).json()) as {
      messages: { text: string; cursor: string }[]
      more: boolean
    }
    kept.unshift(...messages.map(({ text }) => text))
    shown.unshift(...messagesIn(await (await ann.ask(`/messages?limit=200${before}`)).text()).map(({ text }) => text))
    if (!more) break
    before = `&before=${messages[0].cursor}`
  }
  assert.equal(
    kept,
    texts.flatMap((text) => Array(3).fill(plain(text))),
  )
  assert.equal(shown, kept)
})

test('as a text that is refused each stays in its field', async () => {
  const { house } = makeHouse()
  const ann = await house.open()
  for (const text of strings) {
    const long = text + 'x'.repeat(4001)
    const html = await (await ann.post('/messages', { text: long })).text()
    assert.ok(html.includes(`>\n${escaped(wellFormed(long))}</textarea>`), text)
  }
})

test('as a text and as a key by the socket each reaches the others exactly as it is', async () => {
  const server = await serve({ history: 1000 })
  const ann = await Person.create(server.url, 'ann')
  const bob = await Person.join(server.url, ann.code, 'bob')
  const [anns, bobs] = [await ann.listen(), await bob.listen()]
  await bobs.frame('id="since"')
  for (const [index, text] of texts.entries()) anns.send({ text, key: `${index} ${text.slice(0, 100)}` })
  await bobs.count(texts.length)
  assert.equal(bobs.texts, texts.map(plain))
  await server.stop()
})

test.run()

function wellFormed(text: string): string {
  return text.toWellFormed()
}

/** A text as it is kept: with plain line breaks, and without what no page can hold. */
function plain(text: string): string {
  return wellFormed(text).replace(/\r\n?/g, '\n').replaceAll('\0', '\ufffd')
}
