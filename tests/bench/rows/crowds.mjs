// What a delivery costs in a room of 10,000, beside a room of 1,000; and in 1,000 rooms of 10.
import { fill } from '../crowd.mjs'
import { Race } from '../race.mjs'
import { peers, settle, versions } from '../server.mjs'
import { every, round, row } from '../table.mjs'

const MIDDLE = { room: { size: 1000 }, rate: 20 }
const LARGE = { room: { size: 10_000 }, rate: 2 }
const MANY = { room: { rooms: 1000, size: 10, posters: 1 }, rate: 200 }
const LEAST_MESSAGES = 2
const MOST_LARGE = 1.3
const MOST_OF_BUN = 1.5

export async function large({ before, ...size }) {
  const race = await costs({ middle: MIDDLE, large: LARGE }, before, size)
  const times = (name) => race.of(name, 'large') / race.of(name, 'middle')
  const own = times('Parlour')
  const measured = [
    `${round(race.of('Parlour', 'large'))} µs, ${round(own)} × 1,000 members (${round(race.of('Parlour', 'middle'))} µs)`,
    race.lost.Bun
      ? race.beside('Bun', 'large')
      : `${race.beside('Bun', 'large', ' µs')}, ${round(times('Bun'))} × its own`,
  ]
  return [
    row(
      'one room of 10,000 members, 2 messages a second: CPU a delivery',
      `within ${MOST_LARGE} × of the 1,000-member room`,
      measured,
      own <= MOST_LARGE,
      [...race.before('10,000', 'large', { unit: ' µs' }), ...race.before('1,000', 'middle', { unit: ' µs' })],
    ),
  ]
}

export async function many({ before, ...size }) {
  const race = await costs({ many: MANY }, before, size)
  const [own, bun] = [race.of('Parlour', 'many'), race.of('Bun', 'many')]
  return [
    row(
      '1,000 rooms of 10, 200 messages a second: CPU a delivery',
      `at most ${MOST_OF_BUN} × Bun`,
      [`${round(own)} µs`, race.against('Bun', 'many', ' µs', (times) => times <= MOST_OF_BUN)],
      every(bun && own <= MOST_OF_BUN * bun),
      race.before('a delivery', 'many', { unit: ' µs' }),
    ),
  ]
}

/** A race in microseconds of CPU a delivery: each round goes through all programs, and through all shapes of each. */
async function costs(shapes, before, { heats, runs, seconds }) {
  const race = new Race()
  const starts = { ...versions(before), Bun: peers.Bun }
  const open = (start) => Shapes.open(start, shapes)
  await race.heats(heats, starts, open, async () => {
    await settle(3000)
    await race.rounds(runs, (open) => open.costs(seconds))
  })
  return race
}

/** One program, which has a server for each shape of rooms. */
class Shapes {
  #open = []

  static async open(start, shapes) {
    const all = new Shapes()
    for (const [name, { room, rate }] of Object.entries(shapes)) {
      const crowd = await fill(start, room)
      all.#open.push({ name, rate, crowd })
      // A program runs a path slowly until it has run it some thousand times.
      await crowd.ask('flood', 64, 1500)
    }
    return all
  }

  async costs(seconds) {
    const costs = {}
    for (const { name, rate, crowd } of this.#open) {
      await crowd.ask('beat')
      // The server has ten thousand pongs to read, and comes out of a rest: neither is part of this.
      await crowd.ask('pace', rate, 600)
      costs[name] = (await crowd.pace(rate, Math.max(2000 * seconds, LEAST_MESSAGES * (1000 / rate)))).cost
    }
    return costs
  }

  async end() {
    for (const { crowd } of this.#open) await crowd.end()
  }
}
