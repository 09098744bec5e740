// What a delivery costs in a room of 10,000 and in 1,000 rooms of 10, beside a room of 1,000.
import { fill } from '../crowd.mjs'
import { parlour, peers, settle } from '../server.mjs'
import { attempt, every, median, round, row } from '../table.mjs'

const WORK = 'one room of 10,000 members, 2 messages a second; 1,000 rooms of 10, 200 a second in all'
const SHAPES = {
  middle: { room: { size: 1000 }, rate: 20 },
  large: { room: { size: 10_000 }, rate: 2 },
  many: { room: { rooms: 1000, size: 10, posters: 1 }, rate: 200 },
}

export async function crowds({ runs, seconds }) {
  const own = await costs(parlour, runs, seconds)
  const { value: bun, why = 'it is not on this machine' } = await attempt(
    () => peers.Bun && costs(peers.Bun, runs, seconds),
  )
  const beside = (name) => (bun ? ` (Bun's own ${round(bun[name] / bun.middle)} ×)` : '')
  const measured = [
    `1,000 members ${round(own.middle)} µs${bun ? ` (Bun ${round(bun.middle)})` : ''}`,
    `10,000 ${round(own.large / own.middle)} ×${beside('large')}`,
    `1,000 rooms ${round(own.many / own.middle)} ×${beside('many')}`,
    bun ? '' : `Bun is missing: ${why}`,
  ]
  return [
    row(
      WORK,
      'CPU a delivery within 1.3 × of the 1,000-member room',
      measured,
      every(own.large <= 1.3 * own.middle, own.many <= 1.3 * own.middle),
    ),
  ]
}

/** Of one kind of server, in each shape: the median of what a delivery costs, in microseconds of CPU. */
async function costs(start, runs, seconds) {
  const open = []
  try {
    for (const [name, shape] of Object.entries(SHAPES))
      open.push({ name, ...shape, costs: [], crowd: await warm(start, shape.room) })
    await settle(3000)
    for (let run = 0; run < runs; run += 1) for (const shape of open) shape.costs.push(await cost(shape, seconds))
  } finally {
    for (const { crowd } of open) await crowd.end()
  }
  return Object.fromEntries(open.map(({ name, costs }) => [name, median(costs)]))
}

async function warm(start, room) {
  const crowd = await fill(start, room)
  // A program runs a path slowly until it has run it some thousand times.
  await crowd.ask('flood', 64, 1500)
  return crowd
}

async function cost({ crowd, rate }, seconds) {
  await crowd.ask('beat')
  // The server has ten thousand pongs to read, and comes out of a rest: neither is part of this.
  await crowd.ask('pace', rate, 1500)
  const { cpu, deliveries } = await crowd.cpuOf(() => crowd.ask('pace', rate, 2000 * seconds))
  return (cpu * 1000) / deliveries
}
