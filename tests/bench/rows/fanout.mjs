// One room of 1,000: how much goes through it, what a delivery costs, and how long a message takes to the last member.
import { fill } from '../crowd.mjs'
import { parlour, parlourOnDeno, peers, settle } from '../server.mjs'
import { attempt, every, median, ratio, round, row } from '../table.mjs'

const SIZE = 1000
const WORK = `${SIZE.toLocaleString('en')} members, `
const SERVERS = { Parlour: parlour, ...peers, 'Parlour, Deno': parlourOnDeno }

export async function fanout({ runs, seconds, size = SIZE, servers = SERVERS }) {
  const race = new Race()
  for (const [name, start] of Object.entries(servers)) await race.enter(name, start, size)
  await settle(2000 * seconds)
  // A program runs a path slowly until it has run it some thousand times: the first round does not count.
  await race.each((crowd) => crowd.ask('flood', 16, 1000 * seconds))
  for (let run = 0; run < runs; run += 1) await race.each((crowd, figures) => measure(crowd, figures, seconds))
  await race.end()
  if (race.lost.Parlour) throw new Error(race.lost.Parlour)
  return [throughput(race), wider(race), cost(race), latency(race)]
}

/** The servers beside each other. One that fails is out and leaves the reason behind; the others go on. */
class Race {
  lost = {}
  #crowds = new Map()
  #figures = {}

  async enter(name, start, size) {
    const { value: crowd, why } = await attempt(() => {
      if (!start) throw new Error('it is not on this machine')
      return fill(start, { size })
    })
    if (why) this.lost[name] = why
    else this.#crowds.set(name, crowd)
    this.#figures[name] = { 16: [], 64: [], cost: [], p50: [], p99: [] }
  }

  async each(work) {
    for (const [name, crowd] of this.#crowds) {
      const { why } = await attempt(() => work(crowd, this.#figures[name]))
      if (!why) continue
      this.lost[name] = why
      this.#crowds.delete(name)
      await crowd.end()
    }
  }

  async end() {
    for (const crowd of this.#crowds.values()) await crowd.end()
  }

  /** A figure of one of them; undefined where it is out. */
  of(name, figure) {
    return this.lost[name] || !this.#figures[name] ? undefined : median(this.#figures[name][figure])
  }

  /** It and its figure, or why there is none. */
  beside(name, figure, unit = '') {
    const value = this.of(name, figure)
    return value ? `${name} ${round(value)}${unit}` : `${name} is missing: ${this.lost[name]}`
  }
}

async function measure(crowd, figures, seconds) {
  await crowd.ask('beat')
  for (const underway of [16, 64]) figures[underway].push((await crowd.ask('flood', underway, 700 * seconds)).rate)
  const quiet = await crowd.cpuOf(() => crowd.ask('pace', 20, 1500 * seconds))
  figures.cost.push((quiet.cpu * 1000) / quiet.deliveries)
  figures.p50.push(quiet.p50)
  figures.p99.push(quiet.p99)
}

function throughput(race) {
  const own = race.of('Parlour', 16)
  const least = { Bun: 1.2, ws: 12, 'Socket.IO': 18, 'Flask-SocketIO': 25 }
  const met = Object.entries(least).map(([name, times]) => race.of(name, 16) && own >= times * race.of(name, 16))
  return row(
    `${WORK}16 messages under way: deliveries a second`,
    Object.entries(least)
      .map(([name, times]) => `${times} × ${name}`)
      .join(', '),
    [
      round(own),
      ...Object.entries(least).map(([name, times]) =>
        ratio(own, race.of(name, 16), race.beside(name, 16), (is) => is >= times),
      ),
      deno(race, 16),
    ],
    every(...met),
  )
}

function wider(race) {
  const [own, bun] = [race.of('Parlour', 64), race.of('Bun', 64)]
  const measured = [
    round(own),
    ratio(own, bun, race.beside('Bun', 64)),
    ratio(own, race.of('ws', 64), race.beside('ws', 64)),
    deno(race, 64),
  ]
  return row('the same with 64 under way', '1.2 × Bun', measured, bun && own >= 1.2 * bun)
}

function cost(race) {
  const [own, bun, ws] = ['Parlour', 'Bun', 'ws'].map((name) => race.of(name, 'cost'))
  const measured = [
    `${round(own)} µs`,
    ratio(own, bun, race.beside('Bun', 'cost'), (is) => is <= 1.5),
    ratio(own, ws, race.beside('ws', 'cost'), (is) => is < 0.75),
    deno(race, 'cost', ' µs'),
  ]
  return row(
    `${WORK}20 messages a second: CPU a delivery`,
    'at most 1.5 × Bun, under 0.75 × ws',
    measured,
    every(bun && own <= 1.5 * bun, ws && own < 0.75 * ws),
  )
}

function latency(race) {
  const measured = ['p50', 'p99'].map((figure) => {
    const [own, bun] = [race.of('Parlour', figure), race.of('Bun', figure)]
    const beside = ratio(own, bun, race.beside('Bun', figure), (is) => is <= 1.2)
    return `${figure} ${round(own)} ms, ${beside}, ${deno(race, figure, ' ms')}`
  })
  const met = ['p50', 'p99'].map(
    (figure) => race.of('Bun', figure) && race.of('Parlour', figure) <= 1.2 * race.of('Bun', figure),
  )
  return row('the same: from post to last member', 'at most 1.2 × Bun', measured, every(...met))
}

function deno(race, figure, unit) {
  return race.beside('Parlour, Deno', figure, unit).replace('Parlour, Deno', 'on Deno')
}
