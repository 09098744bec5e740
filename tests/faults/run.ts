// Breaks what can break while people talk, for a minute: `npm run test:faults -- --seed 7`.
import process from 'node:process'
import { inspect, parseArgs } from 'node:util'
import { FIREFOX } from '../support/firefox.ts'
import { hasTool } from '../support/tools.ts'
import { play } from './play.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    members: { type: 'string', default: '195' },
    pages: { type: 'string', default: '4' },
    tabs: { type: 'string', default: '8' },
    foxes: { type: 'string', default: '1' },
    history: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '50' },
  },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6))
const seconds = Number(values.seconds)
console.log(`seed ${seed}${hasTool(FIREFOX) ? '' : ', without Firefox, which is not on this machine'}`)
const report = await play({
  seed,
  members: Number(values.members),
  pages: Number(values.pages),
  tabs: Number(values.tabs),
  foxes: hasTool(FIREFOX) ? Number(values.foxes) : 0,
  history: Number(values.history),
  seconds,
  rate: Number(values.rate),
  restarts: [0.15, 0.25, 0.65, 0.8].map((share, index) => ({
    second: Math.round(seconds * share),
    signal: index % 2 === 0 ? 'SIGKILL' : 'SIGTERM',
  })),
  say: console.log,
})
console.log(inspect(report, { maxArrayLength: null }))
const { missing, twice, disordered, untrue, vanished, unseen, falselyConnected, problems } = report
const wrong = missing + twice + disordered + untrue + vanished + unseen + falselyConnected + problems.length
process.exit(wrong === 0 ? 0 : 1)
