// What a connected member weighs, from the 1,000th to the 10,000th.
import { Crowd } from '../crowd.mjs'
import { gather, speechOf } from '../people.mjs'
import { Race } from '../race.mjs'
import { parlourOnDeno, peers, settle, versions } from '../server.mjs'
import { attempt, every, round, row } from '../table.mjs'

const MOST_KB = 9
const MOST_ON_DENO_KB = 30
// Nothing is timed here, so that few rounds say enough; one does where nothing is compared.
const ROUNDS = 3

export async function memory({ before }) {
  const race = new Race()
  await race.enter(versions(before), (start) => ({ start, end: async () => {} }))
  await race.rounds(before ? ROUNDS : 1, async ({ start }) => ({ member: await weigh(start) }))
  await race.end()
  const node = race.of('Parlour', 'member')
  const deno = await attempt(() => parlourOnDeno && weigh(parlourOnDeno))
  const ws = await attempt(() => weigh(peers.ws))
  return [
    row(
      'memory a connected member (resident, 1,000 → 10,000) on Node / Deno',
      `at most ${MOST_KB} KB / ${MOST_ON_DENO_KB} KB`,
      [`${round(node)} KB`, beside('on Deno', deno), beside('bare ws', ws)],
      every(node <= MOST_KB, deno.value && deno.value <= MOST_ON_DENO_KB),
      race.before('a member', 'member', { unit: ' KB' }),
    ),
  ]
}

function beside(name, { value, why = 'it is not on this machine' }) {
  return value ? `${name} ${round(value)} KB` : `${name} missing: ${why}`
}

/** Those between come as anybody does: they join, and then they open a socket. */
async function weigh(start) {
  const server = await start()
  const crowds = []
  const sizes = []
  try {
    for (const more of [1000, 9000]) {
      const members = await gather(server, { size: more, code: crowds[0]?.code })
      const crowd = new Crowd(server, members, speechOf(server))
      crowds.push({ crowd, code: members[0].code })
      await crowd.open(more)
      await settle(3000)
      sizes.push(server.resident)
    }
  } finally {
    for (const { crowd } of crowds) await crowd.leave()
    await server.stop()
  }
  return (sizes[1] - sizes[0]) / 9000
}
