// Cuts thousands of connections at once while others talk: `npm run test:storm -- --members 5000`.
import { fork } from 'node:child_process'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Person } from '../support/person.ts'
import { ServerProcess } from '../support/process.ts'
import { Talk } from './talk.ts'

const { values } = parseArgs({
  options: { members: { type: 'string', default: '5000' }, rate: { type: 'string', default: '5' } },
})
const size = Number(values.members)
const server = await ServerProcess.start()
const host = await Person.create(server.url, 'first')
const crowd = fork(fileURLToPath(new URL('crowd.ts', import.meta.url)), [server.url, host.code, String(size)])
process.on('exit', () => crowd.kill())
await answer('ready')
const talk = await Talk.begin(host, 10, Number(values.rate))
await pause(5000)
console.log(`${size} members listen; delivery in quiet times`, talk.take())

const start = Date.now()
let back = 0
const allBack = new Promise<void>((resolve) => {
  crowd.on('message', (told: { back?: number }) => {
    if (told.back !== undefined && ++back === size) resolve()
  })
})
crowd.send('cut')
await Promise.race([allBack, pause(60_000)])
console.log(
  `${back} of ${size} were back and caught up after ${Date.now() - start} ms; delivery to the others`,
  talk.take(),
)
await pause(3000)
talk.end()
await pause(1000)
crowd.send('report')
const { wrong, seqs } = await answer<{ wrong: number; seqs: number[] }>('seqs')
const behind = seqs.filter((seq) => seq !== talk.said).length
console.log(`${talk.said} messages; ${wrong} out of order, missing or twice; ${behind} members behind`)
crowd.send('end')
await server.stop('SIGTERM')
process.exit(back === size && wrong + behind === 0 ? 0 : 1)

function answer<T>(word: string): Promise<T> {
  return new Promise((resolve) => {
    const take = (told: T & object) => {
      if (!(word in told)) return
      crowd.off('message', take)
      resolve(told)
    }
    crowd.on('message', take)
  })
}
