import * as assert from 'uvu/assert'
import { hashPassword } from '../rooms/password.ts'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { UNCHANGED } from '../rooms/types.ts'
import { findings } from './support/axe.ts'
import { browserSuite, visit } from './support/browser.ts'
import { signed, VISITOR_SECRET } from './support/vouch.ts'

const FIXED = ['lobby', 'quiet', 'safe'].map((code) => ({ code, title: '' }))
const PASSWORD = 'open sesame'
const SAFE = { ...UNCHANGED, code: 'safe', title: '', created: 0, generation: 'fixed' }

const store = new MemoryStore({ history: 500, bytes: 1024 * 1024, rooms: 10 })
await store.establish({ ...SAFE, password: await hashPassword(PASSWORD) })
const options = { store, fixed: FIXED, visitorSecrets: [VISITOR_SECRET], report: () => {} }

const { all, test } = browserSuite('arriving', options)

test('a link leads into the live room, and followed once more to the room again', async ({ server, browser }) => {
  const page = await visit(browser)
  const link = linkTo(server.url, 'lobby', 'ann')
  for (let count = 0; count < 2; count += 1) {
    await page.goto(link)
    await page.waitForSelector('#status:has-text("Connected")')
    assert.is(page.url(), `${server.url}/rooms/lobby`)
  }
  const stranger = await visit(browser)
  await stranger.goto(link)
  await stranger.waitForSelector('.reason:has-text("was used before")')
  assert.equal([...(await findings(stranger)), ...page.problems, ...stranger.problems], [])
})

test('a guest who gives way to a visitor goes on talking, and everybody sees under which name', async ({
  server,
  browser,
}) => {
  const [guest, visitor] = [await visit(browser), await visit(browser)]
  await guest.goto(`${server.url}/rooms/quiet`)
  await guest.fill('#join-name', 'zoe')
  await guest.click('text="Join"')
  await guest.waitForSelector('#status:has-text("Connected")')
  await visitor.goto(linkTo(server.url, 'quiet', 'zoe'))
  await guest.waitForSelector('.notice:has-text("zoe is now called zoe 2")')
  await guest.fill('#text', 'still me')
  await guest.press('#text', 'Enter')
  for (const page of [guest, visitor])
    await page.waitForSelector('.message:has(.name:text-is("zoe 2")):has-text("still me")')
  await visitor.click('summary')
  for (const name of ['zoe', 'zoe 2']) await visitor.waitForSelector(`#members bdi:text-is("${name}")`)
  await guest.reload()
  await guest.click('summary')
  await guest.waitForSelector('.people .plain bdi:text-is("zoe 2")')
  assert.equal([...guest.problems, ...visitor.problems], [])
})

test('at a password a visitor types only that', async ({ server, browser }) => {
  const page = await visit(browser)
  await page.goto(linkTo(server.url, 'safe', 'max'))
  assert.is(await page.locator('#join-name').count(), 0)
  assert.equal(await findings(page), [])
  await page.fill('#join-password', 'wrong')
  await page.click('text="Join"')
  await page.waitForSelector('.reason:has-text("that is not it")')
  await page.fill('#join-password', PASSWORD)
  await page.click('text="Join"')
  await page.waitForSelector('#status:has-text("Connected")')
  await page.click('summary')
  await page.waitForSelector('.people .plain bdi:text-is("max")')
  assert.equal(page.problems, [])
})

all.run()

let links = 0

/** A link as another site makes it. */
function linkTo(url: string, room: string, name: string, role?: string): string {
  links += 1
  const claims = { sub: name, name, room, role, exp: Date.now() / 1000 + 300, jti: links }
  return `${url}/rooms/${room}?visitor=${signed(claims)}`
}
