import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Sessions, sessionCookie } from '../routes/guard/session.ts'

const ROOM = { code: 'ACD-EFG-HJK', title: 'Friday', created: 0 }
const ANN = { id: 'a1b2c3', name: 'ann; ünï=cödé, "x"' }
const NOW = Date.UTC(2026, 10, 22)
const DAY = 24 * 60 * 60 * 1000

const test = suite('sessions')
const sessions = new Sessions(['secret'])
const token = sessions.seal(ROOM, ANN, NOW)

test('a session proves who somebody is in one room', () => {
  const claim = { room: ROOM.code, title: ROOM.title, member: ANN, issued: NOW }
  assert.equal(sessions.open(token, NOW), claim)
  assert.equal(sessions.find(ROOM.code, undefined, `parlour=${token}`, NOW), claim)
  assert.equal(sessions.find(ROOM.code, `Bearer ${token}`, undefined, NOW), claim)
  assert.equal(sessions.find(ROOM.code, `bearer  ${token} `, undefined, NOW), claim)
})

test('a session that was tampered with proves nothing, whichever letter it was', () => {
  for (let place = 0; place < token.length; place += 1) {
    const letter = token[place] === 'A' ? 'B' : 'A'
    assert.is(sessions.open(token.slice(0, place) + letter + token.slice(place + 1), NOW), undefined, `place ${place}`)
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
  for (const other of others) assert.is(sessions.open(other, NOW), undefined, other.slice(0, 20))
})

test('a session expires', () => {
  assert.ok(sessions.open(token, NOW + 29 * DAY))
  assert.is(sessions.open(token, NOW + 31 * DAY), undefined)
})

test('a session of another room proves nothing in this one, under whatever cookie it comes', () => {
  for (const name of ['parlour', 'parlour-MNP-QRT-WXY', '__Host-parlour']) {
    assert.is(sessions.find('MNP-QRT-WXY', undefined, `${name}=${token}`, NOW), undefined)
  }
  assert.is(sessions.find('MNP-QRT-WXY', `Bearer ${token}`, undefined, NOW), undefined)
})

test('what was signed for another purpose is no session', () => {
  for (const claim of [
    ['invite', ROOM.code, ANN.id, ANN.name, ROOM.title, NOW],
    [ROOM.code, ANN.id, ANN.name, ROOM.title, NOW],
  ]) {
    assert.is(sessions.open(signed(JSON.stringify(claim)), NOW), undefined)
  }
})

test('what another program signed with the same secret is no session, and no error', () => {
  const fields = ['member', ROOM.code, ANN.id, ANN.name, ROOM.title, NOW]
  const wrong = [null, {}, 7, [1], { ...ROOM }, undefined, Number.NaN]
  const claims: unknown[] = [null, 7, 'member', {}, [], [fields], { 0: 'member' }, fields.slice(1), [...fields, 1]]
  for (const place of fields.keys()) claims.push(...wrong.map((value) => fields.with(place, value as never)))
  claims.push(fields.with(2, 7), fields.with(3, 7), fields.with(4, 7), fields.with(5, String(NOW)))
  for (const text of ['', 'hello', '[', '{"sub":"ann"}', '\uFFFD', ...claims.map((claim) => JSON.stringify(claim))]) {
    const forged = signed(text)
    assert.is(sessions.open(forged, NOW), undefined, text)
    assert.is(sessions.find(ROOM.code, `Bearer ${forged}`, undefined, NOW), undefined, text)
    assert.is(sessions.find(ROOM.code, undefined, `parlour=${forged}; parlour=${token}`, NOW)?.room, ROOM.code, text)
  }
  assert.is(sessions.open(signed(JSON.stringify(fields)), NOW)?.room, ROOM.code, 'the right fields are one')
})

test('many cookies of the name cost no more than a few, and those of other rooms and long ones nothing', () => {
  const tried = (cookies: string) => countSignatures((counted) => counted.find(ROOM.code, undefined, cookies, NOW))
  const many = (one: string) => Array.from({ length: 1200 }, () => `parlour=${one}`).join('; ')
  const [value] = token.split('.')
  assert.is(tried(`parlour=${token}`), 1)
  assert.is(tried(many(`${value}.x`)), 8)
  assert.is(tried(many(sessions.seal({ ...ROOM, code: 'MNP-QRT-WXY' }, ANN, NOW))), 0)
  for (const rubbish of ['x', 'x.y', `${Buffer.from('[[').toString('base64url')}.y`]) assert.is(tried(many(rubbish)), 0)
  assert.is(tried(`parlour=${token}${'x'.repeat(4096)}`), 0)
  assert.is(
    countSignatures((counted) => counted.find(ROOM.code, `Bearer ${token}${'x'.repeat(4096)}`, undefined, NOW)),
    0,
  )
})

test('the longest title and name that can be make a token that counts', () => {
  const long = sessions.seal({ ...ROOM, title: '"'.repeat(640) }, { ...ANN, name: '"'.repeat(128) }, NOW)
  assert.ok(sessions.open(long, NOW))
})

test('a secret is rotated: the first signs, all verify, and one that is gone does not', () => {
  const rotated = new Sessions(['newer', 'secret'])
  assert.ok(rotated.open(token, NOW))
  const fresh = rotated.seal(ROOM, ANN, NOW)
  assert.ok(new Sessions(['newer']).open(fresh, NOW))
  assert.is(sessions.open(fresh, NOW), undefined)
  assert.is(new Sessions(['newer']).open(token, NOW), undefined)
})

test('among several cookies of the name the one that fits is found', () => {
  const other = sessions.seal({ ...ROOM, code: 'MNP-QRT-WXY' }, ANN, NOW)
  const cookies = `a=b; parlour=${other}; parlour=rubbish; parlour=${token}; parlour=; c`
  assert.is(sessions.find(ROOM.code, undefined, cookies, NOW)?.room, ROOM.code)
  for (const name of ['Parlour', 'xparlour', 'parlour2']) {
    assert.is(sessions.find(ROOM.code, undefined, `${name}=${token}`, NOW), undefined, name)
  }
})

test('a token that is sent is the only proof that counts', () => {
  for (const authorization of ['Bearer', 'bearer ', 'Bearer x', `Bearer x ${token}`]) {
    assert.is(sessions.find(ROOM.code, authorization, `parlour=${token}`, NOW), undefined, authorization)
  }
})

test('another scheme, as a proxy’s, proves nothing and takes nothing from the cookie', () => {
  for (const authorization of ['', 'Basic YTpi', `Basic ${token}`, `Bearers ${token}`, `Digest bearer ${token}`]) {
    assert.is(sessions.find(ROOM.code, authorization, `parlour=${token}`, NOW)?.room, ROOM.code, authorization)
    assert.is(sessions.find(ROOM.code, authorization, undefined, NOW), undefined, authorization)
  }
})

test('the cookie is sent to its room only, by the browser only, and on https only where there is https', () => {
  const cookie = sessionCookie('/chat/rooms/ACD-EFG-HJK', token, false)
  assert.match(cookie, /^parlour=[\w.-]+; Path=\/chat\/rooms\/ACD-EFG-HJK; Max-Age=\d+; HttpOnly; SameSite=Lax$/)
  assert.is(sessionCookie('/chat/rooms/ACD-EFG-HJK', token, true), `${cookie}; Secure`)
  assert.match(sessionCookie('/rooms/ACD-EFG-HJK', '', false), 'Max-Age=0')
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
  act(new Sessions(secrets))
  return count
}
