import { Buffer } from 'node:buffer'
import { Readable } from 'node:stream'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Buckets } from '../rooms/bucket.ts'
import { blockOf } from '../routes/guard/address.ts'
import { TestClock } from './support/clock.ts'
import { Person } from './support/person.ts'
import { serve } from './support/server.ts'
import { errorIn, Guest, HOST, type House, makeHouse } from './support/site.ts'

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

test('an address may try ten wrong codes a minute, and a right one is never refused', async () => {
  const { house, clock } = makeHouse({ areRatesLimited: true })
  const ann = await house.open()
  const join = (code: string) => house.post('/join', { code, name: 'bob' })
  const statuses = (await Promise.all(Array.from({ length: 15 }, () => join('ACD-EFG-HJK')))).map(
    ({ status }) => status,
  )
  assert.equal(statuses, [...Array(10).fill(404), ...Array(5).fill(429)])
  const page = await join('ACD-EFG-HJK')
  assert.equal([page.status, page.headers.get('retry-after')], [429, '6'])
  const html = await page.text()
  assert.match(html, 'value="ACD-EFG-HJK"')
  assert.match(html, 'Too many codes were wrong')
  assert.is((await join(ann.code)).status, 303)
  await clock.pass(6000)
  assert.equal([(await join('ACD-EFG-HJK')).status, (await join('ACD-EFG-HJK')).status], [404, 429])
})

test('codes cannot be tried by their links instead, and a right link is never refused', async () => {
  const { house, clock } = makeHouse({ areRatesLimited: true })
  const ann = await house.open()
  const paths = ['', '/messages', '/live', '/events', '']
  for (const path of [...paths, ...paths]) assert.is((await house.ask(`/rooms/ACD-EFG-HJK${path}`)).status, 404)
  const guess = await house.json('/rooms/ACD-EFG-HJK')
  assert.equal([guess.status, guess.headers.get('retry-after'), await errorIn(guess)], [429, '6', 'too-many-tries'])
  assert.is((await house.ask(ann.room)).status, 200)
  assert.is((await house.post('/join', { code: ann.code, name: 'bob' })).status, 303)
  assert.is((await house.post(`${ann.room}/members`, { name: 'carl' })).status, 303)
  assert.is((await house.ask(`${ann.room}/messages`)).status, 401)
  assert.is((await ann.ask()).status, 200)
  await ann.say('hello')
  assert.is((await house.ask('/rooms/ACD-EFG-HJK')).status, 429)
  await clock.pass(MINUTE)
  assert.is((await house.ask('/rooms/ACD-EFG-HJK')).status, 404)
})

test('an address may join sixty times a minute, by the code or at the door, and who is not let in does not count', async () => {
  const { house, clock } = makeHouse({ areRatesLimited: true })
  const ann = await house.open()
  const doors = [`${ann.room}/members`, '/join']
  const join = (name: string, door: number) => house.post(doors[door], { code: ann.code, name })
  for (let count = 0; count < 80; count += 1) assert.is((await join('ann', count % 2)).status, 409)
  for (let count = 0; count < 60; count += 1) assert.is((await join(`guest ${count}`, count % 2)).status, 303)
  for (const [door, path] of doors.entries()) {
    const page = await join('one too many', door)
    assert.equal([page.status, page.headers.get('retry-after')], [429, '1'])
    const html = await page.text()
    assert.match(html, 'value="one too many"')
    assert.match(html, 'Many have just come in')
    const body = new URLSearchParams({ code: ann.code, name: 'one too many' })
    assert.is(await errorIn(await house.json(path, { method: 'POST', body })), 'too-many-joins')
  }
  await clock.pass(1000)
  assert.equal([(await join('guest 60', 0)).status, (await join('guest 61', 1)).status], [303, 429])
})

test('an address may try sixty passwords, and then one a second, and still come into other rooms', async () => {
  const { house, site, clock } = makeHouse({ areRatesLimited: true })
  const ann = await house.open()
  const [host] = site.rooms.present(ann.code)
  assert.ok((await site.rooms.change(ann.code, host, { password: 'sesame' })).ok)
  const enter = (password: string) => house.post(`${ann.room}/members`, { name: 'eve', password })
  const guess = async () => (await enter('x')).status
  for (let count = 0; count < 60; count += 1) assert.is(await guess(), 403)
  const late = await enter('sesame')
  assert.equal([late.status, late.headers.get('retry-after')], [429, '1'], 'the right one is not told from a wrong one')
  assert.match(await late.text(), 'Too many passwords')
  const other = await house.open()
  await house.join(other.code, 'eve')
  assert.is((await house.post('/join', { code: ann.code, name: 'eve' })).status, 429)
  await clock.pass(1000)
  assert.equal([await guess(), await guess()], [403, 429])
  await clock.pass(1000)
  assert.is((await enter('sesame')).status, 303)
})

test('a hundred joins and five hundred posts as fast as they go do not wipe out what was said before', async () => {
  const { house } = makeHouse({ areRatesLimited: true })
  const ann = await house.open()
  await ann.say('what ann said')
  const crowd = await crowdOf(house, ann.code, 100)
  assert.is(crowd.length, 60)
  const statuses: number[] = []
  for (let count = 0; count < 500; count += 1) {
    const post = await crowd[count % crowd.length].post('/messages', { text: `flood ${count}` })
    statuses.push(post.status)
    if (post.status === 429) assert.is(post.headers.get('retry-after'), '1')
  }
  assert.is(statuses.filter((status) => status === 303).length, 99)
  assert.is((await ann.texts())[0], 'what ann said')
})

test('what comes by sockets and by forms from one address counts together', async () => {
  const clock = new TestClock()
  const server = await serve({ areRatesLimited: true, clock })
  const ann = await Person.create(server.url, 'ann')
  const line = await ann.listen()
  for (let number = 1; number <= 20; number += 1) {
    const guest = await Person.join(server.url, ann.code, `guest ${number}`)
    const own = number % 2 ? await guest.connect() : undefined
    for (let count = 0; count < 5; count += 1) {
      if (own) own.send({ text: `text ${count}` })
      else await guest.say(`text ${count}`)
    }
    await line.count(number * 5)
    own?.close()
  }
  const late = await Person.join(server.url, ann.code, 'late')
  const lates = await late.connect()
  lates.send({ text: 'one too many' })
  await lates.frame('very quick')
  const answer = await late.fetch('/messages', { method: 'POST', body: new URLSearchParams({ text: 'another' }) })
  assert.equal([answer.status, answer.headers.get('retry-after'), await errorIn(answer)], [429, '1', 'too-fast'])
  assert.is(line.texts.length, 100)
  const stopped = server.stop()
  await clock.pass(60_000)
  await stopped
})

test('who floods alone is stopped by their own limit, before it costs their neighbours anything', async () => {
  const { house } = makeHouse({ areRatesLimited: true })
  const ann = await house.open()
  const bob = await house.join(ann.code, 'bob')
  const posts = await Promise.all(Array.from({ length: 90 }, (_, count) => ann.post('/messages', { text: `${count}` })))
  assert.is(posts.filter(({ status }) => status === 303).length, 5)
  for (let count = 0; count < 5; count += 1) await bob.say('still heard')
})

test('a /64 of IPv6 is one address, and an IPv4 address is the same however it is written', () => {
  const same = [
    ['2001:db8::1', '2001:0DB8:0:0:ffff::', '2001:db8:0:0:1:2:3:4%eth0'],
    ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:c000:207', '0:0:0:0:0:ffff:192.0.2.7'],
    ['fe80::1%eth0', 'fe80::2%eth1'],
    ['::1', '::'],
  ]
  for (const addresses of same) assert.is(new Set(addresses.map(blockOf)).size, 1, addresses.join())
  const others = ['2001:db8::1', '2001:db8:0:1::1', '192.0.2.7', '192.0.2.8', '::ffff:192.0.2.9', '::1', 'unknown']
  assert.is(new Set(others.map(blockOf)).size, others.length)
  assert.is(blockOf(undefined), 'unknown')
})

test('twenty rooms an hour are for the whole /64, not for each address in it', async () => {
  const { house } = makeHouse({ areRatesLimited: true })
  const make = async (remoteAddress: string) => {
    const headers = { Host: HOST, 'Content-Type': 'application/x-www-form-urlencoded' }
    const incoming = Object.assign(Readable.from([Buffer.from('name=ann')]), { socket: { remoteAddress } })
    return (await house.app.request(`http://${HOST}/rooms`, { method: 'POST', headers }, { incoming })).status
  }
  for (let count = 0; count < 20; count += 1) assert.is(await make(`2001:db8:0:1::${count.toString(16)}`), 303)
  assert.equal([await make('2001:db8:0:1:f::'), await make('2001:db8:0:2::1')], [429, 303])
})

test('who has more addresses than memory has room for makes the oldest give way', () => {
  const clock = new TestClock()
  const buckets = new Buckets({ burst: 2, perSecond: 1 / 3600 }, clock.elapsed)
  for (let address = 0; address < 150_000; address += 1) {
    buckets.take(`${address}`)
    if (address % 1000 === 0) buckets.take('mine')
    buckets.wait(`never seen ${address}`)
    buckets.giveBack(`never seen ${address}`)
  }
  assert.is(buckets.size, 100_000)
  assert.ok(buckets.take('mine') > 0, 'one that is in use stays')
})

test('what is full again is forgotten without a look at all of it', async () => {
  const clock = new TestClock()
  const buckets = new Buckets({ burst: 2, perSecond: 1 }, clock.elapsed)
  for (let address = 0; address < 1000; address += 1) buckets.take(`${address}`)
  await clock.pass(1000)
  for (let address = 0; address < 1000; address += 1) buckets.take('mine')
  assert.is(buckets.size, 1)
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

/** As many as are let in of so many who come. */
async function crowdOf(house: House, code: string, count: number): Promise<Guest[]> {
  const crowd: Guest[] = []
  for (let number = 1; number <= count; number += 1) {
    const body = new URLSearchParams({ name: `guest ${number}` })
    const answer = await house.json(`/rooms/${code}/members`, { method: 'POST', body })
    if (answer.status !== 201) continue
    const { member, token } = (await answer.json()) as { member: { id: string }; token: string }
    crowd.push(new Guest(house, code, member.id, token))
  }
  return crowd
}

test.run()
