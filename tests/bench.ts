import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocketServer } from 'ws'
import { serve } from './support/server.ts'
import { needing } from './support/tools.ts'

interface Peer {
  readonly name: string
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

interface Figure {
  readonly words: string
  readonly isWorse?: boolean
}

interface Row {
  readonly measured: string
  readonly before: Figure[]
}

type Starts = Record<string, (() => Promise<Peer>) | undefined>

const MOMENT = { runs: 1, seconds: 0.1, size: 8 }
const BEFORE = 'Parlour, before'
// More than a crowd has marks for.
const MANY = 70_000

const all = suite('bench')
const test = needing('cc', all, 'a C compiler')

test('a peer that closes its sockets is missing from its row, which says why, and the others are measured', async () => {
  const rows = await fanout({
    Parlour: parlour,
    ws: () => peer('ws'),
    'Socket.IO': () => peer('Socket.IO', 20),
    Bun: () => Promise.reject(new Error('Bun did not start')),
    'Flask-SocketIO': undefined,
  })
  assert.is(rows.length, 4)
  const [throughput, wider, cost] = rows.map(({ measured }) => measured)
  assert.match(throughput, /× ws \d/)
  assert.match(throughput, /Socket\.IO is missing: (a socket was (closed|cut)|send)/)
  assert.match(throughput, 'Bun is missing: Bun did not start')
  assert.match(throughput, 'Flask-SocketIO is missing: it is not on this machine')
  assert.match(wider, /^\d.* × ws \d/)
  assert.match(cost, /^\d.* µs .* × ws \d/)
})

test('a peer of which nothing comes in the time it is measured is measured until something does', async () => {
  const [{ measured }] = await fanout({ Parlour: parlour, ws: () => peer('ws', Number.POSITIVE_INFINITY, 200) })
  assert.match(measured, /× ws \d/)
})

test('a row that fails is missing and says why, and the next ones are measured', async () => {
  const { measure } = await load('measure.mjs')
  const begun: string[] = []
  const rows = {
    first: () => fanout({ Parlour: () => peer('Parlour') }),
    second: async () => [{ work: 'second', wanted: '', measured: '1' }],
  }
  const done: Row[] = await measure(rows, MOMENT, (name: string) => begun.push(name))
  assert.equal(begun, ['first', 'second'])
  assert.match(done[0].measured, /^missing: POST \/rooms: 404/)
  assert.equal([done.length, done[1].measured], [2, '1'])
})

test('no message is said under a key that another one had, however many are said', async () => {
  const { Crowd } = await load('crowd.mjs')
  const keys = new Set<string>()
  const server = await peer('Parlour', undefined, undefined, (text) => keys.add(text.split(' ').at(-1) ?? ''))
  const crowd = new Crowd(server, [{ room: 0, posts: true, path: '/' }], { hello: '', post: '%t %k' })
  await crowd.open(1)
  await crowd.ask('post', MANY, 64)
  await crowd.end()
  assert.is(keys.size, MANY)
})

test('no request is sent under a key that another one had, in its own run or in the one before', async () => {
  const { knock, request } = await load('knock.mjs')
  const keys = new Set<string>()
  const server = createServer(async (asked, response) => {
    for await (const body of asked) keys.add(String(body))
    response.setHeader('Content-Length', 0).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const place = { name: 'Parlour', port: (server.address() as AddressInfo).port, pid: process.pid }
  const post = request(place, 'POST', '/', {}, 'key=%kkkkkkkkk')
  for (let run = 0; run < 2; run += 1) await knock(place, [post], { tasks: 100 })
  server.close()
  assert.is(keys.size, 200)
})

test('another version is measured beside this one, and each figure says what it was', async () => {
  const rows = await fanout({ Parlour: parlour, [BEFORE]: () => parlour(BEFORE) })
  const words = rows.flatMap(({ before }) => before.map((figure) => figure.words))
  const names = words.map((text) => /^(.+) was [\d.,]+.*: cannot be told \(.* in too few rounds/.exec(text)?.[1])
  assert.equal(names, ['16 under way', '64 under way', 'a delivery', 'p50', 'p99'])
})

all('another version that lacks what a row wants is missing from it, and the row says why', async () => {
  assert.equal(await raced([100, 100, 100], [50, 50, 50]), [
    { words: 'a page was 50 ms: worse by 100 % (rounds leave ± 3 % open)', isWorse: true },
  ])
  assert.equal(await raced([100], new Error('POST /rooms: 404')), [{ words: 'a page is not known: POST /rooms: 404' }])
  assert.equal(await raced([100], []), [{ words: 'a page is not known: it was not measured' }])
  assert.equal(await raced([100]), [])
})

all('each round goes through all programs, so that what else the machine does meets all of them', async () => {
  const { Race } = await load('race.mjs')
  const race = new Race()
  const seen: string[] = []
  const start = (name: string) => ({ name, end: async () => void seen.push(`end of ${name}`) })
  await race.enter({ a: start, b: start, c: start, d: undefined }, (start: (name: string) => unknown, name: string) =>
    start(name),
  )
  await race.rounds(3, async ({ name }: { name: string }) => {
    seen.push(name)
    if (name === 'b' && seen.length > 5) throw new Error('no more')
    return { figure: seen.length }
  })
  await race.end()
  assert.is(seen.join(' '), 'a b c a b c a b end of b c end of a end of c')
  assert.equal([race.all('a', 'figure'), race.of('c', 'figure')], [[1, 4, 7], 6])
  assert.equal(race.lost, { b: 'no more', d: 'it is not on this machine' })
})

all('rounds go on with new processes of those that are left, and the figures of all of them count', async () => {
  const { Race } = await load('race.mjs')
  const race = new Race()
  const seen: string[] = []
  const open = (_: unknown, name: string) => {
    seen.push(`open ${name}`)
    return { end: async () => void seen.push(`end ${name}`) }
  }
  await race.heats(2, { a: open, b: open }, open, () =>
    race.rounds(2, async (_: unknown, name: string) => {
      seen.push(name)
      if (name === 'b') throw new Error('no more')
      return { figure: seen.length }
    }),
  )
  assert.is(seen.join(', '), 'open a, open b, a, b, end b, a, end a, open a, a, a, end a')
  assert.is(race.all('a', 'figure').length, 4)
})

all('a figure is worse where the rounds leave no doubt of it, whatever else the machine did in each', async () => {
  const weather = [1, 4, 2, 1, 7, 3, 1, 9, 2]
  const under = (times: number) => weather.map((value) => value * times)
  assert.is(await judged(under(11), under(10)), 'worse by 10 % (rounds leave ± 3 % open)')
  assert.is(await judged(under(9), under(10)), 'no worse (better by 10 %, rounds leave ± 3 % open)')
  assert.is(await judged(under(10.2), under(10)), 'no worse (worse by 2 %, rounds leave ± 3 % open)')
  assert.is(await judged(under(8), under(10), true), 'worse by 25 % (rounds leave ± 3 % open)')
  assert.is(await judged(under(12.5), under(10), true), 'no worse (better by 20 %, rounds leave ± 3 % open)')
  assert.is(await judged(under(10), under(10)), 'the same')
})

all('a figure is not judged where the rounds leave much open, or are too few', async () => {
  const steady = Array.from({ length: 9 }, () => 100)
  assert.is(
    await judged([80, 80, 80, 100, 110, 110, 130, 140, 150], steady),
    'cannot be told (worse by 10 %, rounds leave ± 33.3 % open)',
  )
  assert.is(
    await judged([150, 150, 160, 160, 170, 170, 180, 180, 190], steady),
    'worse by 70 % (rounds leave ± 13.3 % open)',
  )
  assert.is(await judged([120, 120], [100, 100]), 'cannot be told (worse by 20 % in too few rounds)')
})

all('the table shows what was before only where another version was measured, and counts what is worse', async () => {
  const [{ print, row }, { conclusion }] = [await load('table.mjs'), await load('compare.mjs')]
  const figures = [{ words: 'it was 1', isWorse: true }, { words: 'it was 2', isWorse: false }, { words: 'unknown' }]
  const rows = [row('work', 'wanted', ['one', 'two'], true, figures), row('more', 'wanted', 'three', false)]
  assert.equal(print(rows).split('\n').slice(2), [
    '| work | wanted | one · two | yes |',
    '| more | wanted | three | NO |',
  ])
  assert.equal(print(rows, true).split('\n').slice(2), [
    '| work | wanted | one · two | yes | it was 1 · it was 2 · unknown |',
    '| more | wanted | three | NO |  |',
  ])
  assert.match(conclusion(rows), /^Of 3 figures 1 is worse than before, and 1 cannot be told\. /)
  assert.match(conclusion([rows[1]]), /^Of 0 figures none is worse than before\. /)
})

all(
  'the command line names rows, another version and versions of Node, and what is wrong with it is said',
  async () => {
    const { read } = await load('words.mjs')
    const folder = await mkdtemp(join(tmpdir(), 'parlour-'))
    const asked = (...words: string[]) => read(words, ['fanout', 'memory'])
    try {
      assert.throws(() => asked('--beside', folder), 'has no main.js')
      await writeFile(join(folder, 'main.js'), '')
      const { wanted, size, nodes } = asked('memory', '--beside', folder, '--node', `own=${process.execPath}`)
      assert.equal([wanted, size.before, size.isQuick, nodes], [['memory'], folder, false, { own: process.execPath }])
    } finally {
      await rm(folder, { recursive: true })
    }
    const { wanted, size, nodes } = asked('--quick')
    assert.equal([wanted, size.before, size.isQuick, nodes], [['fanout', 'memory'], undefined, true, {}])
    assert.ok(size.runs < asked().size.runs)
    assert.throws(() => asked('fan'), 'there is no row fan, only fanout, memory')
    assert.throws(() => asked('--node', 'elsewhere'), '--node wants a name and a program')
    assert.throws(() => asked('--node', 'own=/nowhere/node'), '/nowhere/node does not run')
    assert.throws(() => asked('--slow'), '--slow')
  },
)

// It comes last: what it loads stays as it is.
all('the fast lane is closed by what the bench loads before a server, and open without', async () => {
  const isOpen = !('deno' in process.versions) && Number(process.versions.node.split('.')[0]) < 26
  assert.is(await lane('open'), isOpen ? 'sent' : undefined)
  await load('laneless.mjs')
  assert.is(await lane('closed'), undefined)
})

all.run()

/** What a second write by the fast lane comes to, in a copy of it of its own. */
async function lane(copy: string): Promise<string | undefined> {
  const { writeDirectly } = await import(new URL(`../routes/wire/direct.ts?${copy}`, import.meta.url).href)
  const server = createTcp()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const near = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const socket = await near
  const first = writeDirectly(socket, Buffer.from('-'), () => {})
  if (first === undefined) await new Promise((resolve) => socket.write(Buffer.from('-'), resolve))
  const second = writeDirectly(socket, Buffer.from('-'), () => {})
  for (const end of [socket, far]) end.destroy()
  server.close()
  return second
}

/** What a race says of a figure before: of this version and of another one, round by round. */
async function raced(now: number[], then?: number[] | Error): Promise<Figure[]> {
  const { Race } = await load('race.mjs')
  const race = new Race()
  const end = async () => {}
  await race.enter({ Parlour: now, ...(then && { [BEFORE]: then }) }, (left: number[] | Error) => ({ left, end }))
  await race.rounds(now.length, async ({ left }: { left: number[] | Error }) => {
    if (left instanceof Error) throw left
    return { page: left.shift() }
  })
  await race.end()
  return race.before('a page', 'page', { unit: ' ms' })
}

async function judged(now: number[], then: number[], isMoreBetter?: boolean): Promise<string> {
  const { change, verdict } = await load('compare.mjs')
  return verdict(change(now, then, isMoreBetter))
}

/** What measures is no TypeScript, and is not looked at by its compiler. */
function load(name: string) {
  return import(new URL(`bench/${name}`, import.meta.url).href)
}

async function fanout(servers: Starts): Promise<Row[]> {
  const { fanout } = await load('rows/fanout.mjs')
  return fanout({ ...MOMENT, servers })
}

async function parlour(name = 'Parlour'): Promise<Peer> {
  const server = await serve()
  return { name, port: server.port, pid: process.pid, stop: server.stop }
}

/** A chat that sends everything to everyone so many milliseconds later, and after so many messages closes every socket. */
async function peer(
  name: string,
  messages = Number.POSITIVE_INFINITY,
  milliseconds = 0,
  hear: (text: string) => void = () => {},
): Promise<Peer> {
  const http = createServer((_, response) => response.writeHead(404).end())
  const sockets = new WebSocketServer({ server: http })
  let left = messages
  sockets.on('connection', (socket) => {
    socket.on('message', (text) => {
      left -= 1
      hear(String(text))
      for (const other of sockets.clients) {
        if (left < 0) other.terminate()
        else setTimeout(() => other.send(String(text)), milliseconds)
      }
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const stop = async () => {
    for (const socket of sockets.clients) socket.terminate()
    http.close()
  }
  return { name, port: (http.address() as AddressInfo).port, pid: process.pid, stop }
}
