import { runAgainOn } from './support/ground.ts'

await runAgainOn(
  { name: 'over hints that are lost, doubled and late', hints: { lost: 0.3, doubled: 0.3 } },
  {
    socket: {
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
