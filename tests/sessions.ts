import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Member, type Room, UNCHANGED } from '../rooms/types.ts'
import { cookieScope } from '../routes/guard/frame.ts'
import { Sessions, sessionCookie } from '../routes/guard/session.ts'
import { TestClock } from './support/clock.ts'

const ROOM: Room = { ...UNCHANGED, code: 'ACD-EFG-HJK', title: 'Friday', created: 0, generation: 'g1' }
const ANN: Member = { id: 'a1b2c3', name: 'ann; ünï=cödé, "x"', role: 'host' }
const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR

const test = suite('sessions')
const clock = new TestClock()
const NOW = clock.now()
const sessions = new Sessions(['secret'], clock)
const token = sessions.seal(ROOM, ANN)

test('a session proves who somebody is in one room', () => {
  const claim = sessions.open(token)
  assert.equal([claim?.room, claim?.title, claim?.member, claim?.issued.at], [ROOM.code, ROOM.title, ANN, NOW])
  assert.is(claim?.generation, ROOM.generation)
  assert.equal(sessions.find(ROOM.code, undefined, `parlour=${token}`), claim)
  assert.equal(sessions.find(ROOM.code, `Bearer ${token}`, undefined), claim)
  assert.equal(sessions.find(ROOM.code, `bearer  ${token} `, undefined), claim)
})

test('a session tells the role of who it was made for, and of who has only knocked that they wait', () => {
  const people: Member[] = [
    { ...ANN, role: 'member' },
    { ...ANN, role: 'bot' },
    { ...ANN, role: 'member', isWaiting: true },
  ]
  for (const member of people) assert.equal(sessions.open(sessions.seal(ROOM, member))?.member, member)
  const vouched: Member = { ...ANN, isVouched: true }
  assert.equal(sessions.open(sessions.seal(ROOM, vouched))?.member, vouched)
  assert.equal(sessions.open(sessions.seal(ROOM, { ...vouched, role: 'member', isWaiting: true }))?.member, {
    ...vouched,
    role: 'member',
    isWaiting: true,
  })
  const muted: Member = { ...ANN, isMuted: true }
  assert.equal(sessions.open(sessions.seal(ROOM, muted))?.member, ANN, 'that changes, and is asked of the room')
})

test('a session from before sessions named generation and role, or their start, is a member’s of any generation', () => {
  const fields = ['member', ROOM.code, ANN.id, ANN.name, ROOM.title, NOW]
  for (const old of [fields, [...fields, 'a start', 7]]) {
    const claim = sessions.open(signed(JSON.stringify(old)))
    assert.equal([claim?.generation, claim?.member], ['', { ...ANN, role: 'member' }])
  }
})

test('a session that was tampered with proves nothing, whichever letter it was', () => {
  for (let place = 0; place < token.length; place += 1) {
    const letter = token[place] === 'A' ? 'B' : 'A'
    assert.is(sessions.open(token.slice(0, place) + letter + token.slice(place + 1)), undefined, `place ${place}`)
  }
  const [value, signature] = token.split('.')
  const others = [
    '',
    '.',
    value,
    `${value}.`,
    `.${signature}`,
    `${token}.`,
    `${token}.x`,
    `${token}=`,
    ` ${token}`,
    token.toUpperCase(),
    'x'.repeat(100_000),
    'é.ü',
  ]
  for (const other of others) assert.is(sessions.open(other), undefined, other.slice(0, 20))
})

test('a session expires, however the clock on the wall was set meanwhile', async () => {
  for (const hours of [-1, 0, 60 * 24]) {
    const clock = new TestClock()
    const sessions = new Sessions(['secret'], clock)
    const token = sessions.seal(ROOM, ANN)
    clock.set(hours * HOUR)
    await clock.pass(30 * DAY)
    assert.ok(sessions.open(token), `${hours}`)
    await clock.pass(1)
    assert.is(sessions.open(token), undefined, `${hours}`)
  }
})

test('a session of an earlier start expires as the clock on the wall had it when this one began', async () => {
  for (const hours of [-1, 0, 24]) {
    const clock = new TestClock()
    const token = new Sessions(['secret'], clock).seal(ROOM, ANN)
    await clock.pass(DAY)
    clock.set(hours * HOUR)
    const sessions = new Sessions(['secret'], clock)
    clock.set(60 * DAY)
    await clock.pass(29 * DAY - hours * HOUR)
    assert.ok(sessions.open(token), `${hours}`)
    await clock.pass(1)
    assert.is(sessions.open(token), undefined, `${hours}`)
  }
})

test('a session tells whether it was made before this start, whatever the clock on the wall was set to', async () => {
  const clock = new TestClock()
  const before = new Sessions(['secret'], clock).seal(ROOM, ANN)
  clock.set(-HOUR)
  const sessions = new Sessions(['secret'], clock)
  const after = sessions.seal(ROOM, ANN)
  const old = signed(JSON.stringify(['member', ROOM.code, ANN.id, ANN.name, ROOM.title, clock.now() + DAY]))
  assert.equal(
    [before, after, old].map((token) => sessions.open(token)?.issued.isEarlier),
    [true, false, true],
  )
})

test('a session of another room proves nothing in this one, under whatever cookie it comes', () => {
  for (const name of ['parlour', 'parlour-MNP-QRT-WXY', '__Host-parlour']) {
    assert.is(sessions.find('MNP-QRT-WXY', undefined, `${name}=${token}`), undefined)
  }
  assert.is(sessions.find('MNP-QRT-WXY', `Bearer ${token}`, undefined), undefined)
})

test('what was signed for another purpose is no session', () => {
  for (const claim of [
    ['invite', ROOM.code, ANN.id, ANN.name, ROOM.title, NOW],
    [ROOM.code, ANN.id, ANN.name, ROOM.title, NOW],
  ]) {
    assert.is(sessions.open(signed(JSON.stringify(claim))), undefined)
  }
})

test('what another program signed with the same secret is no session, and no error', () => {
  const fields = ['member', ROOM.code, ANN.id, ANN.name, ROOM.title, NOW]
  const wrong = [null, {}, 7, [1], { ...ROOM }, undefined, Number.NaN]
  const claims: unknown[] = [null, 7, 'member', {}, [], [fields], { 0: 'member' }, fields.slice(1), [...fields, 1]]
  for (const place of fields.keys()) claims.push(...wrong.map((value) => fields.with(place, value as never)))
  claims.push([...fields, 'a start'], [...fields, 7, 7], [...fields, 'a start', '7'], [...fields, null, 7])
  const whole = [...fields, 'a start', 7, 'a generation', 'member']
  claims.push(whole.slice(0, 9), [...whole, 1], whole.with(9, 'Host'), whole.with(9, '__proto__'), whole.with(9, ''))
  for (const place of [6, 8, 9]) claims.push(...wrong.map((value) => whole.with(place, value as never)))
  claims.push(fields.with(2, 7), fields.with(3, 7), fields.with(4, 7), fields.with(5, String(NOW)))
  for (const text of ['', 'hello', '[', '{"sub":"ann"}', '\uFFFD', ...claims.map((claim) => JSON.stringify(claim))]) {
    const forged = signed(text)
    assert.is(sessions.open(forged), undefined, text)
    assert.is(sessions.find(ROOM.code, `Bearer ${forged}`, undefined), undefined, text)
    assert.is(sessions.find(ROOM.code, undefined, `parlour=${forged}; parlour=${token}`)?.room, ROOM.code, text)
  }
  assert.is(sessions.open(signed(JSON.stringify(fields)))?.room, ROOM.code, 'the right fields are one')
  assert.is(sessions.open(signed(JSON.stringify([...fields, 'a start', 7])))?.room, ROOM.code)
  assert.is(sessions.open(signed(JSON.stringify(whole)))?.room, ROOM.code)
})

test('many cookies of the name cost no more than a few, and those of other rooms and long ones nothing', () => {
  const tried = (cookies: string) => countSignatures((counted) => counted.find(ROOM.code, undefined, cookies))
  const many = (one: string) => Array.from({ length: 1200 }, () => `parlour=${one}`).join('; ')
  const [value] = token.split('.')
  assert.is(tried(`parlour=${token}`), 1)
  assert.is(tried(many(`${value}.x`)), 8)
  assert.is(tried(many(sessions.seal({ ...ROOM, code: 'MNP-QRT-WXY' }, ANN))), 0)
  for (const rubbish of ['x', 'x.y', `${Buffer.from('[[').toString('base64url')}.y`]) assert.is(tried(many(rubbish)), 0)
  assert.is(tried(`parlour=${token}${'x'.repeat(4096)}`), 0)
  assert.is(
    countSignatures((counted) => counted.find(ROOM.code, `Bearer ${token}${'x'.repeat(4096)}`, undefined)),
    0,
  )
})

test('the longest title and name that can be make a token that counts', () => {
  const long = sessions.seal({ ...ROOM, title: '"'.repeat(640) }, { ...ANN, name: '"'.repeat(128) })
  assert.ok(sessions.open(long))
})

test('a secret is rotated: the first signs, all verify, and one that is gone does not', () => {
  const rotated = new Sessions(['newer', 'secret'], clock)
  assert.ok(rotated.open(token))
  const fresh = rotated.seal(ROOM, ANN)
  assert.ok(new Sessions(['newer'], clock).open(fresh))
  assert.is(sessions.open(fresh), undefined)
  assert.is(new Sessions(['newer'], clock).open(token), undefined)
})

test('among several cookies of the name the one that fits is found', () => {
  const other = sessions.seal({ ...ROOM, code: 'MNP-QRT-WXY' }, ANN)
  const cookies = `a=b; parlour=${other}; parlour=rubbish; parlour=${token}; parlour=; c`
  assert.is(sessions.find(ROOM.code, undefined, cookies)?.room, ROOM.code)
  for (const name of ['Parlour', 'xparlour', 'parlour2']) {
    assert.is(sessions.find(ROOM.code, undefined, `${name}=${token}`), undefined, name)
  }
})

test('a token that is sent is the only proof that counts', () => {
  for (const authorization of ['Bearer', 'bearer ', 'Bearer x', `Bearer x ${token}`]) {
    assert.is(sessions.find(ROOM.code, authorization, `parlour=${token}`), undefined, authorization)
  }
})

test('another scheme, as a proxy’s, proves nothing and takes nothing from the cookie', () => {
  for (const authorization of ['', 'Basic YTpi', `Basic ${token}`, `Bearers ${token}`, `Digest bearer ${token}`]) {
    assert.is(sessions.find(ROOM.code, authorization, `parlour=${token}`)?.room, ROOM.code, authorization)
    assert.is(sessions.find(ROOM.code, authorization, undefined), undefined, authorization)
  }
})

test('the cookie is sent to its room only, by the browser only, and on https only where there is https', () => {
  const cookie = sessionCookie('/chat/rooms/ACD-EFG-HJK', token, cookieScope(false, 'http', 'localhost'))
  assert.match(cookie, /^parlour=[\w.-]+; Path=\/chat\/rooms\/ACD-EFG-HJK; Max-Age=\d+; HttpOnly; SameSite=Lax$/)
  assert.is(
    sessionCookie('/chat/rooms/ACD-EFG-HJK', token, cookieScope(false, 'https', 'localhost')),
    `${cookie}; Secure`,
  )
  assert.match(sessionCookie('/rooms/ACD-EFG-HJK', '', 'SameSite=Lax'), 'Max-Age=0')
})

test.run()

function signed(text: string): string {
  const value = Buffer.from(text).toString('base64url')
  return `${value}.${createHmac('sha256', 'secret').update(value).digest('base64url')}`
}

/** How many signatures are made: each takes the secret once. */
function countSignatures(act: (counted: Sessions) => void): number {
  let count = 0
  const secrets = new Proxy(['secret'], {
    get(target, key) {
      if (key === '0') count += 1
      return Reflect.get(target, key)
    },
  })
  act(new Sessions(secrets, clock))
  return count
}
