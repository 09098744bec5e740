import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
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

interface Row {
  readonly measured: string
}

const MOMENT = { runs: 1, seconds: 0.1, size: 8 }

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

all.run()

/** What measures is no TypeScript, and is not looked at by its compiler. */
function load(name: string) {
  return import(new URL(`bench/${name}`, import.meta.url).href)
}

async function fanout(servers: Record<string, (() => Promise<Peer>) | undefined>): Promise<Row[]> {
  const { fanout } = await load('rows/fanout.mjs')
  return fanout({ ...MOMENT, servers })
}

async function parlour(): Promise<Peer> {
  const server = await serve()
  return { name: 'Parlour', port: server.port, pid: process.pid, stop: server.stop }
}

/** A chat that sends everything to everyone so many milliseconds later, and after so many messages closes every socket. */
async function peer(name: string, messages = Number.POSITIVE_INFINITY, milliseconds = 0): Promise<Peer> {
  const http = createServer((_, response) => response.writeHead(404).end())
  const sockets = new WebSocketServer({ server: http })
  let left = messages
  sockets.on('connection', (socket) => {
    socket.on('message', (text) => {
      left -= 1
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
