import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { discard, Frontier, KINDS, type Kind, ORIGIN, textOf } from './support/frontier.ts'
import { ServerProcess } from './support/process.ts'
import { hasTool, needing } from './support/tools.ts'
import { follow, type Visitor, type Way, WAYS } from './support/visitor.ts'

// Proxies end what was silent for a minute, and the chat is never silent for so long.
const QUIET_MS = 80_000
const TRY_MS = 100
const MOST_GUESSES = 40
const FORM = { Origin: ORIGIN, Accept: 'text/html', 'Sec-Fetch-Site': 'same-origin' }

const test = suite('proxies')
const trials = new Map<string, Promise<void>>()

// They mostly wait, so all of them do so at once.
test.before(() => {
  for (const kind of KINDS.filter((kind) => hasTool(kind) && hasTool('openssl')))
    for (const base of ['', '/chat']) {
      const trial = runThrough(kind, base)
      trial.catch(() => {})
      trials.set(kind + base, trial)
    }
})

for (const kind of KINDS) {
  const proxyTest = needing('openssl', hasTool('openssl') ? needing(kind, test) : test)
  for (const base of ['', '/chat'])
    proxyTest(`everything works through ${kind}, ${base ? `below ${base}` : 'at the root'}, and stays`, async () => {
      await trials.get(kind + base)
    })
}

async function runThrough(kind: Kind, base: string): Promise<void> {
  const secret = 'a secret of the proxies’ tests'
  const settings = { BASE_PATH: base, TRUSTED_PROXIES: '127.0.0.1', RATE_LIMITS: 'on', SECRET: secret }
  let chat = await ServerProcess.start(settings)
  const proxy = await Frontier.start(kind, base, chat.port)
  try {
    const ann = await openRoom(proxy, base)
    const bob = await join(ann)
    const ways = WAYS.map((way) => follow(way, ann))
    await Promise.all(ways.map((way) => way.connected()))
    await sayTo(ways, bob, 'at once')
    await looksRight(ann)
    await separateLimits(ann)
    await delay(QUIET_MS)
    await sayTo(ways, bob, 'after a while')
    for (const { name, connections } of ways) assert.is(connections, 1, `the ${name} was not cut`)

    const texts = Array.from({ length: 8 }, (_, index) => `as it reloads ${index}`)
    await Promise.all([proxy.reload(), sayAll(bob, texts)])
    await sayTo(ways, bob, 'reloaded')
    for (const way of ways) assert.equal(way.texts, ['at once', 'after a while', ...texts, 'reloaded'], way.name)

    const stopped = chat.stop('SIGTERM')
    const late = say(bob, 'as it restarts')
    await stopped
    chat = await ServerProcess.start({ ...settings, PORT: String(chat.port) })
    await late
    await sayTo(ways, bob, 'restarted')
    for (const way of ways) {
      assert.is(way.texts.filter((text) => text === 'restarted').length, 1, way.name)
      // The page without scripts begins anew with each document.
      assert.ok(way.name === 'page' || way.texts.includes('as it restarts'), way.name)
      way.stop()
    }
  } catch (error) {
    throw new Error(`${kind} ${base}: ${(error as Error).stack}`, { cause: error })
  } finally {
    await proxy.stop()
    await chat.stop('SIGKILL')
  }
}

async function openRoom(proxy: Frontier, base: string): Promise<Visitor> {
  const home = await proxy.ask(`${base}/`, { headers: { Accept: 'text/html' } })
  const page = await textOf(home)
  assert.equal([home.status, page.includes(`action="${base}/rooms"`)], [200, true])
  const files = [...page.matchAll(/(?:href|src)="([^"]*\/static\/[^"]+)"/g)].map(([, path]) => path)
  assert.ok(files.length > 0)
  for (const path of files) assert.is((await discard(await proxy.ask(path))).status, 200, path)
  if (base) assert.ok([301, 302, 308, 200].includes((await discard(await proxy.ask(base))).status))
  const foreign = { ...FORM, Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example' }
  const refused = await discard(await proxy.ask(`${base}/rooms`, { fields: { name: 'eve' }, headers: foreign }))
  assert.is(refused.status, 403)
  return enter(proxy, base, '/rooms', { name: 'ann' })
}

function join({ proxy, base, code }: Visitor): Promise<Visitor> {
  return enter(proxy, base, '/join', { name: 'bob', code })
}

async function enter(proxy: Frontier, base: string, path: string, fields: Record<string, string>): Promise<Visitor> {
  const answer = await discard(await proxy.ask(base + path, { fields, headers: FORM }))
  const { location = '', 'set-cookie': [cookie = ''] = [] } = answer.headers
  assert.is(answer.status, 303)
  const [, code] = new RegExp(`^${base}/rooms/([A-Z0-9-]+)$`).exec(location) ?? []
  assert.ok(code, location)
  assert.match(cookie, `; Path=${location};`)
  assert.match(cookie, /; Secure/)
  return { proxy, base, code, cookie: cookie.split(';')[0] }
}

/** The page has the link as others are to open it. */
async function looksRight({ proxy, base, code, cookie }: Visitor): Promise<void> {
  const headers = { Cookie: cookie, 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'http' }
  const page = await textOf(await proxy.ask(`${base}/rooms/${code}`, { headers }))
  assert.match(page, `href="${ORIGIN}${base}/rooms/${code}"`)
}

/** One visitor's wrong codes are not another's, and nobody gets more by making up an address. */
async function separateLimits({ proxy, base, code }: Visitor): Promise<void> {
  const guess = async (from: string, made: number) => {
    const headers = { 'X-Forwarded-For': `203.0.113.${made}` }
    return (await discard(await proxy.ask(`${base}/rooms/ACD-EFG-HJK`, { from, headers }))).status
  }
  // A machine that is busy takes so long for ten that another is allowed meanwhile.
  let count = 0
  while ((await guess('127.0.0.2', count)) === 404 && count < MOST_GUESSES) count += 1
  assert.ok(count >= 10 && count < MOST_GUESSES, `${count} wrong codes`)
  assert.is(await guess('127.0.0.3', 0), 404)
  assert.is((await discard(await proxy.ask(`${base}/rooms/${code}`, { from: '127.0.0.2' }))).status, 200)
}

/** Says something, and waits until it has come by every way. */
async function sayTo(ways: readonly Way[], sender: Visitor, text: string): Promise<void> {
  await say(sender, text)
  await Promise.all(ways.map((way) => way.has(text)))
}

async function sayAll(sender: Visitor, texts: readonly string[]): Promise<void> {
  for (const text of texts) await say(sender, text)
}

/** Says something by the form; tries again, as a page does, where what answers is not the chat. */
async function say({ proxy, base, code, cookie }: Visitor, text: string): Promise<void> {
  const request = { fields: { text, key: text }, headers: { ...FORM, Cookie: cookie } }
  for (;;) {
    const answer = await proxy.ask(`${base}/rooms/${code}/messages`, request).then(discard, () => undefined)
    if (answer?.status === 303) return
    if (answer && answer.status < 429) throw new Error(`${answer.status} to ${text}`)
    await delay(answer?.status === 429 ? 500 : TRY_MS)
  }
}

test.run()
