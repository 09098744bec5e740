// Calibration: what the load can take, from a C program that only writes.
import { Crowd } from '../crowd.mjs'
import { Server } from '../server.mjs'
import { median, round, row } from '../table.mjs'
import { compile } from '../tools.mjs'

const MEMBERS = 1000

export async function load({ heats, runs, seconds }) {
  const server = await Server.start('blast', [compile('blast'), String(MEMBERS)])
  const crowd = new Crowd(
    server,
    Array.from({ length: MEMBERS }, () => ({ room: 0, posts: false, path: '/' })),
    { hello: '', post: '%t' },
  )
  await crowd.open(MEMBERS)
  const rates = []
  for (let run = 0; run < heats * runs; run += 1) rates.push((await crowd.ask('count', 500 * seconds)).rate)
  await crowd.end()
  const rate = median(rates)
  return [
    row(
      'the load itself, fed by a C program that only writes',
      'over 2,000,000 deliveries a second',
      round(rate),
      rate > 2e6,
    ),
  ]
}
