// One room of 1,000: how much goes through it, what a delivery costs, and how long a message takes to the last member.
import { Crowd } from '../crowd.mjs'
import { gather, speechOf } from '../people.mjs'
import { parlour, parlourOnDeno, peers, settle } from '../server.mjs'
import { every, median, ratio, round, row } from '../table.mjs'

const SIZE = 1000
const WORK = `${SIZE.toLocaleString('en')} members, `
const servers = { Parlour: parlour, ...peers, 'Parlour, Deno': parlourOnDeno }

export async function fanout({ runs, seconds }) {
  const crowds = await open()
  const figures = Object.fromEntries(
    crowds.map(({ server }) => [server.name, { 16: [], 64: [], cost: [], p50: [], p99: [] }]),
  )
  // A program runs a path slowly until it has run it some thousand times: the first round does not count.
  for (const crowd of crowds) await crowd.ask('flood', 16, 1000)
  for (let run = 0; run < runs; run += 1)
    for (const crowd of crowds) await measure(crowd, figures[crowd.server.name], seconds)
  for (const crowd of crowds) {
    await crowd.leave()
    await crowd.server.stop()
  }
  const of = (name, figure) => figures[name] && median(figures[name][figure])
  return [throughput(of), wider(of), cost(of), latency(of)]
}

async function open() {
  const crowds = []
  for (const [name, start] of Object.entries(servers)) {
    if (!start) continue
    const server = await start()
    server.name = name
    const crowd = new Crowd(server, await gather(server, { size: SIZE }), speechOf(server))
    await crowd.open(SIZE)
    crowds.push(crowd)
  }
  await settle(2000)
  return crowds
}

async function measure(crowd, figures, seconds) {
  await crowd.ask('beat')
  for (const underway of [16, 64]) figures[underway].push((await crowd.ask('flood', underway, 700 * seconds)).rate)
  const quiet = await crowd.cpuOf(() => crowd.ask('pace', 20, 1500 * seconds))
  figures.cost.push((quiet.cpu * 1000) / quiet.deliveries)
  figures.p50.push(quiet.p50)
  figures.p99.push(quiet.p99)
}

function throughput(of) {
  const own = of('Parlour', 16)
  const least = { Bun: 1.2, ws: 12, 'Socket.IO': 18, 'Flask-SocketIO': 25 }
  const met = Object.entries(least).map(([name, times]) => of(name, 16) && own >= times * of(name, 16))
  return row(
    `${WORK}16 messages under way: deliveries a second`,
    Object.entries(least)
      .map(([name, times]) => `${times} × ${name}`)
      .join(', '),
    [
      round(own),
      ...Object.entries(least).map(([name, times]) =>
        ratio(own, of(name, 16), beside(of, name, 16), (is) => is >= times),
      ),
      deno(of, 16),
    ],
    every(...met),
  )
}

function wider(of) {
  const [own, bun] = [of('Parlour', 64), of('Bun', 64)]
  const measured = [
    round(own),
    ratio(own, bun, beside(of, 'Bun', 64)),
    ratio(own, of('ws', 64), beside(of, 'ws', 64)),
    deno(of, 64),
  ]
  return row('the same with 64 under way', '1.2 × Bun', measured, bun && own >= 1.2 * bun)
}

function cost(of) {
  const [own, bun, ws] = [of('Parlour', 'cost'), of('Bun', 'cost'), of('ws', 'cost')]
  const measured = [
    `${round(own)} µs`,
    ratio(own, bun, beside(of, 'Bun', 'cost'), (is) => is <= 1.5),
    ratio(own, ws, beside(of, 'ws', 'cost'), (is) => is < 0.75),
    deno(of, 'cost', ' µs'),
  ]
  return row(
    `${WORK}20 messages a second: CPU a delivery`,
    'at most 1.5 × Bun, under 0.75 × ws',
    measured,
    every(bun && own <= 1.5 * bun, own < 0.75 * ws),
  )
}

function latency(of) {
  const measured = ['p50', 'p99'].map((figure) => {
    const [own, bun] = [of('Parlour', figure), of('Bun', figure)]
    return `${figure} ${round(own)} ms, ${ratio(own, bun, beside(of, 'Bun', figure), (is) => is <= 1.2)}, ${deno(of, figure, ' ms') ?? ''}`
  })
  const met = ['p50', 'p99'].map((figure) => of('Bun', figure) && of('Parlour', figure) <= 1.2 * of('Bun', figure))
  return row('the same: from post to last member', 'at most 1.2 × Bun', measured, every(...met))
}

function beside(of, name, figure) {
  return of(name, figure) ? `${name} ${round(of(name, figure))}` : name
}

function deno(of, figure, unit = '') {
  const value = of('Parlour, Deno', figure)
  return value ? `on Deno ${round(value)}${unit}` : 'Deno is missing'
}
