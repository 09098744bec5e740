// What the way past a socket's stream brings (`routes/wire/direct.ts`): Parlour with and without it, on each Node.
import { fill } from '../crowd.mjs'
import { change, verdict } from '../compare.mjs'
import { Race } from '../race.mjs'
import { parlour, settle, versions } from '../server.mjs'
import { median, round, row } from '../table.mjs'
import { here } from '../tools.mjs'

const SIZE = 1000
const WITHOUT = 'Parlour, laneless'
// From Node 26 on the stream itself is as short, and the lane stands aside.
const LAST_MAJOR = 25

export async function lanes({ nodes, ...size }) {
  const rows = []
  for (const node of nodes) rows.push(await lane(node, size))
  return rows
}

async function lane({ name, path, major }, { heats, runs, seconds, before }) {
  const race = new Race()
  const starts = {
    ...versions(before, { node: path }),
    [WITHOUT]: () => parlour({ name: WITHOUT, node: path, flags: ['--import', `${here}laneless.mjs`] }),
  }
  const open = (start) => fill(start, { size: SIZE })
  await race.heats(heats, starts, open, async () => {
    await settle(2000 * seconds)
    await race.each((crowd) => crowd.ask('flood', 16, 1500 * seconds))
    await race.rounds(runs, (crowd) => measure(crowd, seconds))
  })
  if (race.lost[WITHOUT]) throw new Error(race.lost[WITHOUT])
  return told(race, name, major)
}

async function measure(crowd, seconds) {
  await crowd.ask('beat')
  const { rate } = await crowd.ask('flood', 16, 700 * seconds)
  const { cost } = await crowd.pace(20, 1500 * seconds)
  return { rate, cost }
}

function told(race, name, major) {
  const isOpen = major <= LAST_MAJOR
  const cost = against(race, 'cost', isOpen)
  const rate = against(race, 'rate', isOpen, true)
  return row(
    `fast lane on Node ${name}, 1,000 members, 20 messages a second: CPU a delivery`,
    isOpen ? 'worse without it' : 'no worse with it, because it stands aside',
    [
      `${cost.own} µs with it, ${cost.other} without${cost.words}`,
      `16 under way ${rate.own}, ${rate.other}${rate.words}`,
    ],
    isOpen || cost.isWorse === undefined ? cost.isWorse : !cost.isWorse,
    [
      ...race.before('a delivery', 'cost', { unit: ' µs' }),
      ...race.before('16 under way', 'rate', { isMoreBetter: true }),
    ],
  )
}

/** Where the lane is open, being without it is what may be worse; where it stands aside, that is having it. */
function against(race, figure, isOpen, isMoreBetter) {
  const [own, other] = [race.all('Parlour', figure), race.all(WITHOUT, figure)]
  const changed = isOpen ? change(other, own, isMoreBetter) : change(own, other, isMoreBetter)
  const words = `: ${isOpen ? 'without' : 'with'} it ${verdict(changed)}`
  return { own: round(median(own)), other: round(median(other)), words, isWorse: changed.isWorse }
}
