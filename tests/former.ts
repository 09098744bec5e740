import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makeHouse } from './support/site.ts'

// There a browser keeps cookies for frames without TLS.
const LOCAL = { Host: 'localhost' }
const FORMER = 'Max-Age=0; HttpOnly; SameSite=Lax'
const CROSSING = 'SameSite=None; Secure; Partitioned'

const test = suite('former sessions')

test('a session from before the site could be framed is given up for the new one', async () => {
  const { house } = makeHouse({ frameOrigins: ['https://example.org'] })
  const ann = await house.open()
  const former = await house.join(ann.code, 'zoe')
  const left = await former.post('/leave', {}, LOCAL)
  const joined = await former.post('/members', { name: 'zoe' }, LOCAL)
  for (const { headers } of [left, joined]) {
    const [gone, set] = headers.getSetCookie()
    assert.is(gone, `parlour=; Path=${ann.room}; ${FORMER}`)
    assert.match(set, new RegExp(`^parlour=.*; HttpOnly; ${CROSSING}$`))
  }
  const fresh = await house.post(`${ann.room}/members`, { name: 'kim' }, LOCAL)
  assert.is(fresh.headers.getSetCookie().length, 1, 'where there is none there is none to give up')
})

test('a session that is over does not stand in the way of one that is not', async () => {
  const { house } = makeHouse()
  const ann = await house.open()
  const former = await house.join(ann.code, 'zoe')
  await former.post('/leave')
  const { token } = await house.join(ann.code, 'zoe')
  const both = { Cookie: `parlour=${former.token}; parlour=${token}` }
  assert.match(await (await house.ask(ann.room, { headers: both })).text(), 'You are <b><bdi>zoe</bdi></b>')
  assert.is((await house.post(`${ann.room}/messages`, { text: 'hello' }, both)).status, 303)
})

test.run()
