// How soon it is ready, and what it weighs when nobody is there.
import { Race } from '../race.mjs'
import { honoOn24, settle, versions } from '../server.mjs'
import { every, missing, ratio, round, row } from '../table.mjs'
import { node24 } from '../tools.mjs'

const MOST_OF_HONO = 1.5
const MOST_MB = 60
const WORK = 'ready line after start, Node 24; resident memory idle'
const WANTED = `at most ${MOST_OF_HONO} × Hono hello-world; at most ${MOST_MB} MB`
const IDLE_ROUNDS = 3

export async function start({ heats, runs, before }) {
  if (!node24) return [missing(WORK, WANTED, 'Node 24')]
  const race = new Race()
  await race.enter({ ...versions(before, { node: node24 }), Hono: honoOn24 }, (start) => ({
    start,
    end: async () => {},
  }))
  // The first of each reads its files from the disk.
  await race.each(timeOf)
  await race.rounds(heats * runs, async (entrant) => ({ ready: await timeOf(entrant) }))
  await race.rounds(IDLE_ROUNDS, async (entrant, name) => (name === 'Hono' ? {} : { idle: await sizeOf(entrant) }))
  await race.end()
  const [ready, idle, bare] = [race.of('Parlour', 'ready'), race.of('Parlour', 'idle'), race.of('Hono', 'ready')]
  const measured = [
    `${round(ready)} ms, ${ratio(ready, bare, race.beside('Hono', 'ready', ' ms'))}`,
    `${round(idle)} MB`,
  ]
  return [
    row(WORK, WANTED, measured, every(bare && ready <= MOST_OF_HONO * bare, idle <= MOST_MB), [
      ...race.before('ready', 'ready', { unit: ' ms' }),
      ...race.before('idle', 'idle', { unit: ' MB' }),
    ]),
  ]
}

async function timeOf({ start }) {
  const server = await start()
  await server.stop()
  return server.readyAfter
}

async function sizeOf({ start }) {
  const server = await start()
  await settle(3000)
  const size = server.resident / 1024
  await server.stop()
  return size
}
