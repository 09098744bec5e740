// A server for which all that lasts is over eight times as soon, while the clock on the wall is the machine's own.
import { type Clock, systemClock } from '../../rooms/clock.ts'
import { serve } from './server.ts'

const TIMES = 8

const clock: Clock = {
  now: systemClock.now,
  elapsed: () => systemClock.elapsed() * TIMES,
  after: (milliseconds, run) => systemClock.after(milliseconds / TIMES, run),
}

const { url } = await serve({ clock })
console.log(`Parlour is listening on ${url}/`)
