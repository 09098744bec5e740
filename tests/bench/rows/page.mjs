// The room's page when 50 messages have been said, and when 100,000 have.
import { Crowd } from '../crowd.mjs'
import { knock, request } from '../knock.mjs'
import { gather, say, speechOf } from '../people.mjs'
import { Race } from '../race.mjs'
import { versions } from '../server.mjs'
import { every, round, row } from '../table.mjs'

// A page costs so little that fewer of them measure the machine's other work.
const PAGES = 1000
const MOST_MS = 1
const MOST_PACKED_MS = 0.5
const MOST_LATER = 1.15

export async function page({ heats, runs, before, isQuick }) {
  const race = new Race()
  const many = isQuick ? 10_000 : 100_000
  await race.heats(heats, versions(before), reader, async () => {
    await race.each((entrant) => entrant.cost())
    await race.rounds(runs, (entrant) => entrant.cost())
    await race.each(({ crowd }) => crowd.ask('post', many, 16))
    await race.rounds(runs, async (entrant) => {
      const { plain, packed } = await entrant.cost()
      return { plainLater: plain, packedLater: packed }
    })
  })
  const of = (figure) => race.of('Parlour', figure)
  return [
    row(
      `page of a room with 50 messages; with ${many.toLocaleString('en')} posted before: CPU`,
      `under ${MOST_MS} ms, with gzip under ${MOST_PACKED_MS} ms; the same`,
      [
        `${round(of('plain'))} ms (${round(of('packed'))} ms with gzip)`,
        `then ${round(of('plainLater'))} ms (${round(of('packedLater'))} ms with gzip)`,
      ],
      every(
        of('plain') < MOST_MS,
        of('packed') < MOST_PACKED_MS,
        of('packedLater') < MOST_PACKED_MS,
        of('plainLater') <= MOST_LATER * of('plain'),
      ),
      [...race.before('plain', 'plain', { unit: ' ms' }), ...race.before('with gzip', 'packed', { unit: ' ms' })],
    ),
  ]
}

async function reader(start) {
  const server = await start()
  const members = await gather(server, { size: 4 })
  await say(server, members[0], 50)
  const crowd = new Crowd(server, members, speechOf(server))
  await crowd.open(4)
  const cost = async () => ({
    plain: await costOf(server, members[0], {}),
    packed: await costOf(server, members[0], { 'Accept-Encoding': 'gzip, deflate, br' }),
  })
  return { cost, crowd, end: () => crowd.end() }
}

/** Milliseconds of the server's CPU. */
async function costOf(server, { code, token }, accepts) {
  const asked = request(server, 'GET', `/rooms/${code}`, { Cookie: `parlour=${token}`, ...accepts })
  return (await knock(server, [asked], { tasks: PAGES })).cpu / PAGES
}
