// What a delivery costs in a room of 10,000 and in 1,000 rooms of 10, beside a room of 1,000.
import { Crowd } from '../crowd.mjs'
import { gather, speechOf } from '../people.mjs'
import { parlour, settle } from '../server.mjs'
import { every, median, round, row } from '../table.mjs'

const WORK = 'one room of 10,000 members, 2 messages a second; 1,000 rooms of 10, 200 a second in all'
const SHAPES = {
  middle: { room: { size: 1000 }, rate: 20 },
  large: { room: { size: 10_000 }, rate: 2 },
  many: { room: { rooms: 1000, size: 10, posters: 1 }, rate: 200 },
}

export async function crowds({ runs, seconds }) {
  const open = []
  for (const [name, shape] of Object.entries(SHAPES))
    open.push({ name, ...shape, costs: [], crowd: await fill(shape.room) })
  await settle(3000)
  for (let run = 0; run < runs; run += 1) for (const shape of open) shape.costs.push(await cost(shape, seconds))
  for (const { crowd } of open) {
    await crowd.leave()
    await crowd.server.stop()
  }
  const [middle, large, many] = open.map(({ costs }) => median(costs))
  const measured = [
    `1,000 members ${round(middle)} µs`,
    `10,000 ${round(large / middle)} ×`,
    `1,000 rooms ${round(many / middle)} ×`,
  ]
  return [
    row(
      WORK,
      'CPU a delivery within 1.3 × of the 1,000-member room',
      measured,
      every(large <= 1.3 * middle, many <= 1.3 * middle),
    ),
  ]
}

async function fill(room) {
  const server = await parlour()
  const members = await gather(server, room)
  const crowd = new Crowd(server, members, speechOf(server))
  await crowd.open(members.length)
  // A program runs a path slowly until it has run it some thousand times.
  await crowd.ask('flood', 64, 1500)
  return crowd
}

async function cost({ crowd, rate }, seconds) {
  await crowd.ask('beat')
  // The server has ten thousand pongs to read, which are not part of this.
  await settle(500)
  const { cpu, deliveries } = await crowd.cpuOf(() => crowd.ask('pace', rate, 2000 * seconds))
  return (cpu * 1000) / deliveries
}
