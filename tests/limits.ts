import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { errorIn, makeHouse } from './support/site.ts'

const MINUTE = 60_000

const test = suite('limits')

test('a member may post five at once and then two a second; what was typed comes back with the time to wait', async () => {
  const { house, clock } = makeHouse({ areRatesLimited: true })
  const ann = await house.open()
  const bob = await house.join(ann.code, 'bob')
  for (let count = 1; count <= 5; count += 1)
    assert.is((await ann.post('/messages', { text: `text ${count}` })).status, 303)
  const page = await ann.post('/messages', { text: 'one <b>too</b> many' })
  assert.equal([page.status, page.headers.get('retry-after')], [429, '1'])
  const html = await page.text()
  assert.match(html, 'one &lt;b&gt;too&lt;/b&gt; many</textarea>')
  assert.match(html, 'wait a moment')
  const answer = await ann.json('/messages', { method: 'POST', body: new URLSearchParams({ text: 'x' }) })
  assert.equal([answer.status, answer.headers.get('retry-after'), await errorIn(answer)], [429, '1', 'too-fast'])
  await bob.say('others may')
  await clock.pass(1000)
  await ann.say('six')
  await ann.say('seven')
  assert.is((await ann.post('/messages', { text: 'eight' })).status, 429)
  assert.equal((await bob.texts()).slice(5), ['others may', 'six', 'seven'])
})

test('an address may make twenty rooms an hour, all at once or not', async () => {
  const { house, clock } = makeHouse({ areRatesLimited: true })
  const make = (name = 'ann') => house.post('/rooms', { name, title: 'my <b>title</b>' })
  for (let count = 0; count < 30; count += 1) assert.is((await make('')).status, 422, 'what is refused does not count')
  const statuses = (await Promise.all(Array.from({ length: 25 }, () => make()))).map(({ status }) => status)
  assert.equal(statuses.toSorted(), [...Array(20).fill(303), ...Array(5).fill(429)])
  const page = await make()
  assert.match(page.headers.get('retry-after') ?? '', /^1[78]\d$/)
  const html = await page.text()
  assert.match(html, 'value="my &lt;b&gt;title&lt;/b&gt;"')
  assert.match(html, 'many rooms already')
  const answer = await house.json('/rooms', { method: 'POST', body: new URLSearchParams({ name: 'ann' }) })
  assert.equal([answer.status, await errorIn(answer)], [429, 'too-many-rooms'])
  await clock.pass(3 * MINUTE)
  assert.equal([(await make()).status, (await make()).status], [303, 429])
  await clock.pass(60 * MINUTE)
  assert.is((await make()).status, 303)
})

test('an address may try ten wrong codes a minute, and then not even a right one', async () => {
  const { house, clock } = makeHouse({ areRatesLimited: true })
  const ann = await house.open()
  const join = (code: string) => house.post('/join', { code, name: 'bob' })
  const statuses = (await Promise.all(Array.from({ length: 15 }, () => join('ACD-EFG-HJK')))).map(
    ({ status }) => status,
  )
  assert.equal(statuses, [...Array(10).fill(404), ...Array(5).fill(429)])
  const page = await join(ann.code)
  assert.equal([page.status, page.headers.get('retry-after')], [429, '6'])
  const html = await page.text()
  assert.match(html, `value="${ann.code}"`)
  assert.match(html, 'Too many codes were wrong')
  await clock.pass(6000)
  assert.is((await join(ann.code)).status, 303)
})

test('codes cannot be tried by their links instead, and members are not stopped by it', async () => {
  const { house, clock } = makeHouse({ areRatesLimited: true })
  const ann = await house.open()
  const paths = ['', '/messages', '/live', '/events', '']
  for (const path of [...paths, ...paths]) assert.is((await house.ask(`/rooms/ACD-EFG-HJK${path}`)).status, 404)
  const guess = await house.json('/rooms/ACD-EFG-HJK')
  assert.equal([guess.status, guess.headers.get('retry-after'), await errorIn(guess)], [429, '6', 'too-many-tries'])
  assert.is((await house.ask(ann.room)).status, 429, 'a right code is not told from a wrong one')
  assert.is((await house.post('/join', { code: ann.code, name: 'bob' })).status, 429)
  assert.is((await ann.ask()).status, 200)
  await ann.say('hello')
  await clock.pass(MINUTE)
  assert.is((await house.ask(ann.room)).status, 200)
})

test('without limits nobody has to wait', async () => {
  const { house } = makeHouse({ areRatesLimited: false })
  const ann = await house.open()
  for (let count = 0; count < 30; count += 1) {
    assert.is((await house.post('/rooms', { name: 'ann' })).status, 303)
    assert.is((await house.post('/join', { code: 'ACD-EFG-HJK', name: 'bob' })).status, 404)
    await ann.say('hello')
  }
})

test.run()
