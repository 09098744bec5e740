// How soon it is ready, and what it weighs when nobody is there.
import { honoOn24, parlourOn24, settle } from '../server.mjs'
import { every, median, missing, ratio, round, row } from '../table.mjs'

const WORK = 'ready line after start, Node 24; resident memory idle'
const WANTED = 'at most 1.5 × Hono hello-world; at most 60 MB'

export async function start({ runs }) {
  if (!parlourOn24) return [missing(WORK, WANTED, 'Node 24')]
  const times = { own: [], bare: [] }
  for (let run = 0; run <= runs; run += 1) {
    times.own[run] = await timeOf(parlourOn24)
    times.bare[run] = await timeOf(honoOn24)
  }
  const server = await parlourOn24()
  await settle(3000)
  const size = server.resident / 1024
  await server.stop()
  // The first run of each read its files from the disk.
  const [own, bare] = [median(times.own.slice(1)), median(times.bare.slice(1))]
  const measured = [`${round(own)} ms, ${ratio(own, bare, `Hono ${round(bare)} ms`)}`, `${round(size)} MB`]
  return [row(WORK, WANTED, measured, every(own <= 1.5 * bare, size <= 60))]
}

async function timeOf(start) {
  const server = await start()
  await server.stop()
  return server.readyAfter
}
