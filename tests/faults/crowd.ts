// A crowd of members with sockets, in a process of its own: joins, listens, loses every connection when told to, and
// comes back as pages do. Speaks with the one that started it by messages.
import process from 'node:process'
import { WebSocket } from 'ws'
import { Person } from '../support/person.ts'
import { SEED } from '../support/seed.ts'
import { Random } from './random.ts'

const DELAY = 500
const JITTER = 0.3
const AT_ONCE = 50

interface Seat {
  readonly person: Person
  socket?: WebSocket
  /** The number of the newest message seen, and the place after it. */
  seq: number
  cursor: string
  attempt: number
  isCut: boolean
}

const [url, code, size] = [process.argv[2], process.argv[3], Number(process.argv[4])]
const seats: Seat[] = []
const random = new Random(SEED)
let wrong = 0
let isOver = false

for (let first = 0; first < size; first += AT_ONCE) {
  const names = Array.from({ length: Math.min(AT_ONCE, size - first) }, (_, index) => `c${first + index}`)
  seats.push(...(await Promise.all(names.map(sit))))
}
process.send?.({ ready: seats.length })
process.on('message', (order: string) => {
  if (order === 'cut') cut()
  if (order === 'report') process.send?.({ wrong, seqs: seats.map(({ seq }) => seq) })
  if (order === 'end') {
    isOver = true
    process.exit(0)
  }
})

async function sit(name: string): Promise<Seat> {
  const person = await Person.join(url, code, name)
  const { cursor } = (await (await person.fetch('/messages?limit=1')).json()) as { cursor: string }
  const seat: Seat = { person, seq: Number.parseInt(cursor, 10), cursor, attempt: 0, isCut: false }
  await new Promise<void>((resolve) => open(seat, resolve))
  return seat
}

function open(seat: Seat, onCaughtUp = () => {}): void {
  const { room, token } = seat.person
  const headers = { Authorization: `Bearer ${token}` }
  const socket = new WebSocket(`${room.replace(/^http/, 'ws')}/socket`, { headers, perMessageDeflate: false })
  seat.socket = socket
  socket.on('open', () => {
    seat.attempt = 0
    socket.send(JSON.stringify({ since: seat.cursor }))
  })
  socket.on('message', (frame: Buffer) => {
    const html = frame.toString('latin1')
    take(seat, html)
    // Who is here comes last, when everything that was missed has come.
    if (!html.includes('id="count"')) return
    onCaughtUp()
    if (seat.isCut) process.send?.({ back: Date.now() })
    seat.isCut = false
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    const delay = Math.min(DELAY * 2 ** seat.attempt++, 60_000) * (1 + JITTER * (2 * random.next() - 1))
    if (!isOver) setTimeout(() => open(seat, onCaughtUp), delay)
  })
}

/** Every message has the number after the one before it. */
function take(seat: Seat, html: string): void {
  for (const [, seq] of html.matchAll(/<li id="m(\d+)"/g)) {
    if (Number(seq) !== seat.seq + 1) wrong += 1
    seat.seq = Number(seq)
  }
  seat.cursor = /id="since" name="since" value="([^"]*)"/.exec(html)?.[1] ?? seat.cursor
}

function cut(): void {
  for (const seat of seats) {
    seat.isCut = true
    seat.socket?.terminate()
  }
}
