import { runAgainOn } from './support/ground.ts'

await runAgainOn(
  { name: 'over hints that are lost, doubled and late', hints: { lost: 0.3, doubled: 0.3 } },
  {
    socket: {
      'what is said in one packet with the place to begin from comes back':
        'a store that works out of order may keep it before it is asked where the log ends',
      'whoever leaves is gone from every connection at once, and their session is worth nothing':
        'its clock stands still, and what a lost hint was about is found by the next look',
    },
    events: {
      'a reader that goes away is not here for ever':
        'it lets a minute pass, and rooms that nobody holds are kept for a second here',
    },
    live: {},
    growing: {},
  },
)
