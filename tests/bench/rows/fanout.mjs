// One room of 1,000: how much goes through it, what a delivery costs, and how long a message takes to the last member.
import { fill } from '../crowd.mjs'
import { Race } from '../race.mjs'
import { parlourOnDeno, peers, settle, versions } from '../server.mjs'
import { every, round, row } from '../table.mjs'

const SIZE = 1000
const WORK = `${SIZE.toLocaleString('en')} members, `
const LEAST = { Bun: 1.5, ws: 12, 'Socket.IO': 18, 'Flask-SocketIO': 25 }
const LEAST_WIDER = { Bun: 1.2 }
const MOST = 1.15
const MOST_OF_WS = 0.75
const RISING = { isMoreBetter: true }

export async function fanout({ heats = 1, runs, seconds, before, size = SIZE, servers = everyone(before) }) {
  const race = new Race()
  const open = (start) => fill(start, { size })
  await race.heats(heats, servers, open, async () => {
    await settle(2000 * seconds)
    // A program runs a path slowly until it has run it some thousand times: the first round does not count.
    await race.each((crowd) => crowd.ask('flood', 16, 1500 * seconds))
    await race.rounds(runs, (crowd) => measure(crowd, seconds))
  })
  return [throughput(race), wider(race), cost(race), latency(race)]
}

function everyone(before) {
  return { ...versions(before), ...peers, 'Parlour, Deno': parlourOnDeno }
}

async function measure(crowd, seconds) {
  await crowd.ask('beat')
  const figures = {}
  for (const underway of [16, 64]) figures[underway] = (await crowd.ask('flood', underway, 700 * seconds)).rate
  return { ...figures, ...(await crowd.pace(20, 1500 * seconds)) }
}

function throughput(race) {
  const names = Object.keys(LEAST)
  return row(
    `${WORK}16 messages under way: deliveries a second`,
    names.map((name) => `${LEAST[name]} × ${name}`).join(', '),
    [
      round(race.of('Parlour', 16)),
      ...names.map((name) => race.against(name, 16, '', (times) => times >= LEAST[name])),
      deno(race, 16),
    ],
    every(...names.map((name) => reaches(race, name, 16, LEAST[name]))),
    race.before('16 under way', 16, RISING),
  )
}

function wider(race) {
  const measured = [round(race.of('Parlour', 64)), race.against('Bun', 64), race.against('ws', 64), deno(race, 64)]
  const isReached = reaches(race, 'Bun', 64, LEAST_WIDER.Bun)
  const before = race.before('64 under way', 64, RISING)
  return row('the same with 64 under way', `${LEAST_WIDER.Bun} × Bun`, measured, isReached, before)
}

function cost(race) {
  const measured = [
    `${round(race.of('Parlour', 'cost'))} µs`,
    race.against('Bun', 'cost', ' µs', (times) => times <= MOST),
    race.against('ws', 'cost', ' µs', (times) => times < MOST_OF_WS),
    deno(race, 'cost', ' µs'),
  ]
  return row(
    `${WORK}20 messages a second: CPU a delivery`,
    `at most ${MOST} × Bun, under ${MOST_OF_WS} × ws`,
    measured,
    every(stays(race, 'Bun', 'cost', MOST), stays(race, 'ws', 'cost', MOST_OF_WS)),
    race.before('a delivery', 'cost', { unit: ' µs' }),
  )
}

function latency(race) {
  const figures = ['p50', 'p99']
  const measured = figures.map((figure) => {
    const beside = race.against('Bun', figure, ' ms', (times) => times <= MOST)
    return `${figure} ${round(race.of('Parlour', figure))} ms, ${beside}, ${deno(race, figure, ' ms')}`
  })
  return row(
    'the same: from post to last member',
    `at most ${MOST} × Bun`,
    measured,
    every(...figures.map((figure) => stays(race, 'Bun', figure, MOST))),
    figures.flatMap((figure) => race.before(figure, figure, { unit: ' ms' })),
  )
}

function reaches(race, name, figure, times) {
  const other = race.of(name, figure)
  return other && race.of('Parlour', figure) >= times * other
}

function stays(race, name, figure, times) {
  const other = race.of(name, figure)
  return other && race.of('Parlour', figure) <= times * other
}

function deno(race, figure, unit) {
  return race.beside('Parlour, Deno', figure, unit).replace('Parlour, Deno', 'on Deno')
}
