// Members of rooms, as each server wants to have them.
import { Agent, request } from 'node:http'

const PATIENCE_MS = 30_000
const agent = new Agent({ keepAlive: true, maxSockets: 32 })

const SPEECH = {
  Parlour: { hello: '{"since":""}', post: '{"text":"%t","key":"%k"}' },
  Bun: { hello: '', post: '%t' },
  ws: { hello: '', post: '%t' },
  'Socket.IO': { hello: '40', post: '42["post","%t"]' },
  'Flask-SocketIO': { hello: '40', post: '42["post","%t"]' },
}

export const speechOf = (server) => SPEECH[server.name.split(',')[0]]

/**
 * Fills rooms: `posters` of each are spread evenly over those who are there.
 * @param shape how many rooms of which size; `code`: a room that is there already
 * @returns members for a crowd, those of one room beside each other
 */
export async function gather(server, { rooms = 1, size, posters = 4, code }) {
  const every = Math.floor(size / posters)
  const seats = Array.from({ length: rooms * size }, (_, index) => ({
    room: Math.floor(index / size),
    posts: (index % size) % every === 0 && (index % size) / every < posters,
  }))
  if (server.name.startsWith('Parlour')) return admit(server, seats, rooms, code)
  const path = server.name.includes('IO') ? '/socket.io/?EIO=4&transport=websocket&room=' : '/?room='
  return seats.map((seat) => ({ ...seat, path: `${path}${seat.room}` }))
}

async function admit(server, seats, count, code) {
  const rooms = code
    ? [{ room: { code } }]
    : await inTurns(Array.from({ length: count }), () =>
        ask(server, 'POST', '/rooms', { name: 'the host', title: 'Benchmark' }),
      )
  return inTurns(seats, async (seat, index) => {
    const { room } = rooms[seat.room]
    const { token } = await ask(server, 'POST', `/rooms/${room.code}/members`, {
      name: `${code ? 'late' : 'early'} ${index}`,
    })
    return {
      ...seat,
      code: room.code,
      token,
      path: `/rooms/${room.code}/socket`,
      header: `Authorization: Bearer ${token}`,
    }
  })
}

/** Says so many things as a member. */
export async function say(server, member, count) {
  for (let index = 0; index < count; index += 1) {
    const text = `${'x'.repeat(192)} ${index}`
    await ask(server, 'POST', `/rooms/${member.code}/messages`, { text }, bearer(member))
  }
}

export function bearer({ token }) {
  return { Authorization: `Bearer ${token}` }
}

/** A request, answered in JSON. */
export function ask(server, method, path, fields, headers = {}) {
  const body = fields && new URLSearchParams(fields).toString()
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }
    const options = {
      agent,
      method,
      path,
      port: server.port,
      timeout: PATIENCE_MS,
      headers: { Accept: 'application/json', ...type, ...headers },
    }
    const asked = request(options, async (answer) => {
      const text = await answer.setEncoding('utf8').reduce((all, part) => all + part, '')
      if (answer.statusCode < 300) resolve(JSON.parse(text))
      else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`))
    })
    asked.on('timeout', () => asked.destroy(new Error(`${method} ${path} was not answered`)))
    asked.on('error', reject).end(body)
  })
}

async function inTurns(items, work, together = 32) {
  const results = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index], index)
    }
  }
  await Promise.all(Array.from({ length: together }, worker))
  return results
}
