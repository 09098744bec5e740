import { runAgainOn } from './support/ground.ts'

await runAgainOn(
  { name: 'over a store that is slow and answers out of order' },
  {
    rooms: {},
    fixed: {},
    visitors: {},
    socket: {
      'what is said in one packet with the place to begin from comes back':
        'a store that works out of order may keep it before it is asked where the log ends',
    },
    events: {},
    live: {},
    growing: {},
  },
)
