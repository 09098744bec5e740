// What a connected member weighs, from the 1,000th to the 10,000th; and that what was said leaves nothing behind.
import { Crowd } from '../crowd.mjs'
import { gather, speechOf } from '../people.mjs'
import { parlour, parlourOnDeno, peers, settle } from '../server.mjs'
import { attempt, every, missing, round, row } from '../table.mjs'

export async function memory() {
  const node = await weigh(parlour)
  const deno = await attempt(() => parlourOnDeno && weigh(parlourOnDeno))
  const ws = await attempt(() => weigh(peers.ws))
  const measured = [`${round(node)} KB`, beside('on Deno', deno), beside('bare ws', ws)]
  return [
    row(
      'memory a connected member (resident, 1,000 → 10,000) on Node / Deno',
      'at most 9 KB / 30 KB',
      measured,
      every(node <= 9, deno.value && deno.value <= 30),
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

export async function flat({ isQuick }) {
  const work = '100,000 messages through a room at full speed'
  const wanted = 'resident memory flat (± 8 MB) after the first 10,000'
  if (isQuick) return [missing(work, wanted, 'left out by --quick')]
  const server = await parlour()
  const crowd = new Crowd(server, await gather(server, { size: 10 }), speechOf(server))
  await crowd.open(10)
  const sizes = []
  for (let said = 0; said < 100_000; said += 10_000) {
    await crowd.ask('post', 10_000, 16)
    await settle(300)
    sizes.push(server.resident / 1024)
  }
  await crowd.end()
  const [first, ...rest] = sizes
  const drift = rest.map((size) => size - first)
  const measured = `${round(first)} MB, then ${round(Math.min(...drift))} to +${round(Math.max(...drift))} MB, at the end ${round(drift.at(-1))} MB`
  return [
    row(
      work,
      wanted,
      measured,
      drift.every((size) => Math.abs(size) <= 8),
    ),
  ]
}
