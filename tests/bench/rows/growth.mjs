// That what was said leaves nothing behind: resident memory over 100,000 messages.
import { fill } from '../crowd.mjs'
import { Race } from '../race.mjs'
import { BEFORE, settle, versions } from '../server.mjs'
import { row, round } from '../table.mjs'

const MESSAGES = 100_000
const STEP = 10_000
const FIRST = 20_000
const MOST_MB = 16

/** @param messages how many are said in all; a look at it can do with fewer */
export async function growth({ before, isQuick, messages = isQuick ? MESSAGES / 2 : MESSAGES }) {
  const race = new Race()
  await race.enter(versions(before), (start) => fill(start, { size: 10 }))
  const say = async (crowd, count) => {
    await crowd.ask('post', count, 16)
    await settle(300)
  }
  // Until then it fills what it keeps.
  await race.each((crowd) => say(crowd, FIRST))
  await race.round(size)
  await race.rounds((messages - FIRST) / STEP, async (crowd) => {
    await say(crowd, STEP)
    return size(crowd)
  })
  await race.end()
  const { first, grown, left } = course(race, 'Parlour')
  const then = course(race, BEFORE)
  return [
    row(
      `${messages.toLocaleString('en')} messages through a room at full speed`,
      `resident memory grows by at most ${MOST_MB} MB after the first ${FIRST.toLocaleString('en')}`,
      `${round(first)} MB, then up to ${mb(grown)}, at the end ${mb(left)}`,
      grown <= MOST_MB,
      [
        ...race.before('all of it', 'resident', { unit: ' MB' }),
        ...(then ? [{ words: `it grew by up to ${mb(then.grown)}`, isWorse: grown > then.grown + MOST_MB }] : []),
      ],
    ),
  ]
}

async function size({ server }) {
  return { resident: server.resident / 1024 }
}

/** Where it began, and by how much it was above that at most and at the end; undefined of one that is out. */
function course(race, name) {
  const [first, ...sizes] = race.all(name, 'resident')
  return first && { first, grown: Math.max(...sizes) - first, left: sizes.at(-1) - first }
}

function mb(difference) {
  return `${difference < 0 ? '−' : '+'}${round(Math.abs(difference))} MB`
}
