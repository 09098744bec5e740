// Members who ask for the page and then open a socket, from a place 50 messages back, beside Hono that answers as many bytes.
import { handshake, knock, request } from '../knock.mjs'
import { ask, bearer, gather, say } from '../people.mjs'
import { Race } from '../race.mjs'
import { hono, versions } from '../server.mjs'
import { ratio, round, row } from '../table.mjs'

const LEAST = 0.5

export async function joining({ heats, runs, before, isQuick }) {
  const race = new Race()
  const tasks = isQuick ? 400 : 600
  const starts = { ...versions(before), Hono: hono }
  const open = (start, name) => (name === 'Hono' ? bare(start, tasks) : door(start, runs, tasks))
  let bytes
  const join = async (entrant, name) => {
    const joined = await entrant.join(bytes)
    if (name === 'Parlour') bytes = joined.bytes
    return { rate: (tasks * 1000) / joined.ms }
  }
  await race.heats(heats, starts, open, () => race.rounds(runs, join))
  const [own, other] = [race.of('Parlour', 'rate'), race.of('Hono', 'rate')]
  return [
    row(
      `${(heats * runs * tasks).toLocaleString('en')} members joining (page, then socket with catch-up of 50)`,
      `${LEAST} × bare Hono answering the same bytes`,
      [`${round(own)} a second`, ratio(own, other, race.beside('Hono', 'rate'))],
      other && own >= LEAST * other,
      race.before('a second', 'rate', { isMoreBetter: true }),
    ),
  ]
}

async function door(start, runs, tasks) {
  const server = await start()
  const members = await gather(server, { size: runs * tasks })
  const [ann] = members
  await say(server, ann, 60)
  const { messages } = await ask(server, 'GET', `/rooms/${ann.code}/messages?limit=51`, undefined, bearer(ann))
  const hello = JSON.stringify({ since: messages[0].cursor })
  const join = () => {
    const requests = members
      .splice(0, tasks)
      .flatMap((member) => [
        request(server, 'GET', `/rooms/${member.code}`, { Cookie: `parlour=${member.token}` }),
        handshake(server, member.path, { ...bearer(member), Origin: server.url }, hello),
      ])
    return knock(server, requests, { tasks, steps: 2, fresh: true })
  }
  return { join, end: () => server.stop() }
}

async function bare(start, tasks) {
  const server = await start()
  const join = (bytes) => {
    const half = request(server, 'GET', `/bytes/${Math.round(bytes / tasks / 2)}`)
    return knock(server, [half, half], { tasks, steps: 2, fresh: true })
  }
  return { join, end: () => server.stop() }
}
