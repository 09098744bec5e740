// Measures what readers that do not read cost the others: `npm run test:slow`.
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Line } from '../support/line.ts'
import { Person } from '../support/person.ts'
import { ServerProcess } from '../support/process.ts'
import { summary, Talk } from './talk.ts'

const { values } = parseArgs({
  options: {
    slow: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '15' },
  },
})
const size = Number(values.slow)
const server = await ServerProcess.start()
const host = await Person.create(server.url, 'first')
const people: Person[] = []
for (let index = 0; index < size; index += 1) people.push(await Person.join(server.url, host.code, `slow ${index}`))
// The machine itself keeps some 10 MB for a reader; 250 messages of 4 KB a second fill that, and the server's part.
const talk = await Talk.begin(host, 10, 250, 'x'.repeat(3900))
await pause(3000)
talk.take()
const [without, others]: [number[], number[]] = [[], []]
let cut = 0
// In turns, so that whatever else the machine does befalls both alike.
for (let round = 0; round < Number(values.rounds); round += 1) {
  await pause(Number(values.seconds) * 1000)
  take('without', without)
  const lines = await Promise.all(people.map(stopReading))
  talk.take()
  await pause(Number(values.seconds) * 1000)
  take('with', others)
  for (const line of lines) line.socket.resume()
  const codes = await Promise.all(lines.map((line) => Promise.race([line.closed, pause(2000, 0)])))
  cut += codes.filter((code) => code === 1006).length
  for (const line of lines) line.socket.terminate()
  await pause(1000)
  talk.take()
}
const [before, after] = [summary(without).p99, summary(others).p99]
console.log(
  `p99 of the others ${before} ms without and ${after} ms with ${size} that do not read: ${Math.round((after / before - 1) * 100)} %`,
)
console.log(`${cut} of ${size * Number(values.rounds)} were cut off`)
process.exit(0)

async function stopReading(person: Person): Promise<Line> {
  const line = await person.listen()
  await line.frame('id="since"')
  line.socket.pause()
  return line
}

function take(words: string, all: number[]): void {
  all.push(...talk.delays)
  console.log(words, talk.take())
}
