import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { MemoryStore } from '../rooms/stores/memory.ts'
import { StoreFailure } from '../rooms/stores/prompt.ts'
import { TcpProxy } from './faults/proxy.ts'
import type { Line } from './support/line.ts'
import { Person } from './support/person.ts'
import { ServerProcess } from './support/process.ts'
import { serve } from './support/server.ts'

const NOT_TAKEN = 0

const test = suite<{ server: ServerProcess }>('draining')

test.before.each(async (context) => {
  context.server = await ServerProcess.start()
})
test.after.each(async ({ server }) => {
  await server.stop('SIGKILL')
})

/** So many members, each with a socket that has caught up. */
async function crowd(server: ServerProcess, size: number): Promise<{ people: Person[]; lines: Line[] }> {
  const ann = await Person.create(server.url, 'ann')
  const people = [ann]
  for (let index = 1; index < size; index += 1) people.push(await Person.join(server.url, ann.code, `m${index}`))
  const lines = await Promise.all(people.map((person) => person.listen()))
  await Promise.all(lines.map((line) => line.frame('id="since"')))
  return { people, lines }
}

test('a server that is told to stop says so, lets nobody new in, and dismisses everyone', async ({ server }) => {
  const { people, lines } = await crowd(server, 60)
  const end = server.stop('SIGTERM')
  await Promise.race(lines.map((line) => line.closed))
  const health = await fetch(`${server.url}/health`)
  assert.is(health.status, 503)
  assert.is((await people[0].fetch('/events')).status, 503)
  assert.is((await people[0].fetch('/live')).status, 503)
  assert.is(await refused(people[0]), 503)
  const post = await people[0].fetch('/messages', { method: 'POST', body: new URLSearchParams({ text: 'late' }) })
  assert.is(post.status, 503)
  assert.is((await post.json()).error.code, 'draining')
  const codes = await Promise.all(lines.map((line) => line.closed))
  assert.equal(new Set(codes), new Set([1012]))
  assert.is(await end, 0)
})

test('what was taken is answered and delivered to everyone, and nothing is delivered that was not answered', async ({
  server,
}) => {
  const { people, lines } = await crowd(server, 20)
  const posts = people.flatMap((person, index) =>
    Array.from({ length: 20 }, (_, count) => ({
      text: `text ${index} ${count}`,
      sent: post(person, `text ${index} ${count}`),
    })),
  )
  await lines[0].count(1)
  assert.is(await server.stop('SIGTERM'), 0)
  const answers = await Promise.all(posts.map(async ({ text, sent }) => ({ text, status: await sent })))
  const taken = answers.filter(({ status }) => status === 201).map(({ text }) => text)
  assert.ok(taken.length > 0)
  assert.equal(
    answers.filter(({ status }) => ![201, 503, NOT_TAKEN].includes(status)),
    [],
  )
  for (const line of lines) assert.equal(line.texts.sort(), taken.sort())
})

test('one that neither reads nor answers does not hold up the end', async ({ server }) => {
  const proxy = await TcpProxy.open(() => server.port)
  const ann = await Person.create(server.url, 'ann')
  const [bob, eve] = [await Person.join(proxy.url, ann.code, 'bob'), await Person.join(proxy.url, ann.code, 'eve')]
  await (await bob.listen()).frame('id="since"')
  await eve.fetch('/events')
  await bob.connect()
  for (const link of proxy.links) link.blackhole()
  assert.is(await server.stop('SIGTERM'), 0)
  proxy.close()
})

test('a server whose store cannot be let go of stops all the same, and says so', async () => {
  const store = new MemoryStore({ history: 1, bytes: 1, rooms: 1 })
  store.close = () => Promise.reject(new Error('told to fail'))
  const running = await serve({ store })
  const failure = await running.stop().catch((error) => error)
  assert.instance(failure, StoreFailure)
  assert.ok(
    await fetch(running.url).then(
      () => false,
      () => true,
    ),
    'nobody listens any more',
  )
})

test('a second server on the same address takes over, and says that it knows nothing of before', async ({ server }) => {
  const { people, lines } = await crowd(server, 5)
  const said = await people[0].say('before')
  await Promise.all(lines.map((line) => line.count(1)))
  assert.is(await server.stop('SIGTERM'), 0)
  const next = await ServerProcess.start({ PORT: String(server.port) })
  const again = await Promise.all(people.map((person) => person.listen(said.cursor)))
  await Promise.all(again.map((line) => line.frame('class="gap"')))
  await people[1].say('after')
  await Promise.all(again.map((line) => line.count(1)))
  for (const line of again) assert.equal(line.texts, ['after'])
  await next.stop('SIGKILL')
})

/** The status of an answer. A request that came too late finds the door shut, and nobody may have heard of it. */
async function post(person: Person, text: string): Promise<number> {
  try {
    const body = new URLSearchParams({ text, key: text })
    return (await person.fetch('/messages', { method: 'POST', body })).status
  } catch {
    return NOT_TAKEN
  }
}

/** The status with which a handshake is refused. */
function refused({ room, token }: Person): Promise<number | undefined> {
  const socket = new WebSocket(`${room.replace(/^http/, 'ws')}/socket`, {
    headers: { Authorization: `Bearer ${token}` },
  })
  return new Promise((resolve) => {
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode))
    socket.on('open', () => resolve(101))
    socket.on('error', () => {})
  })
}

test.run()
