import { runAgainOn } from './support/ground.ts'

await runAgainOn(
  { name: 'over a store that is slow and answers out of order' },
  {
    rooms: {},
    socket: {},
    events: {},
    live: {},
    growing: {},
  },
)
