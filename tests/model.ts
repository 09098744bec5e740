import fc from 'fast-check'
import { suite } from 'uvu'
import { type Act, type Ground, Model, PEOPLE } from './support/model.ts'
import { SEED } from './support/seed.ts'

// More than one page of a catch-up, and little enough to be outrun by a burst.
const LONG = { history: 150 }
// So little that almost whatever is missed is behind a gap.
const SHORT = { history: 3, acts: 2 }
// So large that a page ends after two of them, within a gap too.
const LARGE = { history: 6, acts: 20, entryBytes: 50_000 }

/** What a room can stand on, and how often each is tried. */
const GROUNDS: readonly (Omit<Ground, 'seed'> & { readonly name: string; readonly runs: number })[] = [
  { name: 'a store that answers at once', runs: 150, halves: 1, bus: 'sure', ...LONG },
  { name: 'a store that is slow and answers out of order', runs: 40, halves: 1, failing: 0, bus: 'sure', ...LONG },
  { name: 'a store that fails, with hints that are lost', runs: 40, halves: 1, failing: 0.1, bus: 'chaos', ...LONG },
  { name: 'two processes on one store', runs: 40, halves: 2, bus: 'sure', ...LONG },
  {
    name: 'two processes on one that fails, with hints that are lost',
    runs: 40,
    halves: 2,
    failing: 0.1,
    bus: 'chaos',
    ...LONG,
  },
  { name: 'two processes on one that is slow, with no hints between them', runs: 40, halves: 2, failing: 0, ...LONG },
  { name: 'a store that keeps next to nothing', runs: 60, halves: 1, bus: 'sure', ...SHORT },
  { name: 'a store that keeps little, of which two entries are a page', runs: 60, halves: 1, bus: 'sure', ...LARGE },
  { name: 'the same where it is slow', runs: 40, halves: 2, failing: 0, bus: 'chaos', ...LARGE },
  {
    name: 'two processes on one that fails and keeps next to nothing',
    runs: 40,
    halves: 2,
    failing: 0.1,
    bus: 'chaos',
    ...SHORT,
  },
]

const test = suite('model')

for (const { name, runs, ...ground } of GROUNDS)
  test(`all is seen once and in order, or told as gone, whatever people do: ${name}`, async () => {
    const property = fc.asyncProperty(fc.array(acts(ground), { maxLength: 60, size: 'max' }), fc.nat(), (all, seed) =>
      play(all, { ...ground, seed }),
    )
    try {
      await fc.assert(property, { seed: SEED, numRuns: runs, includeErrorInReport: true })
    } catch (error) {
      throw new Error(`with SEED=${SEED}: ${(error as Error).message}`, { cause: error })
    }
  })

async function play(all: readonly Act[], ground: Ground): Promise<void> {
  const model = await Model.open(ground)
  for (const one of all) await model.play(one)
  await model.settle()
}

function acts({ halves }: Pick<Ground, 'halves'>): fc.Arbitrary<Act> {
  const who = fc.nat(PEOPLE - 1)
  const which = fc.nat(20)
  const ofOne = <T extends Act['act']>(...names: T[]) => fc.record({ act: fc.constantFrom(...names), who })
  const ofSome = <T extends Act['act']>(...names: T[]) => fc.record({ act: fc.constantFrom(...names), which })
  const plain = <T extends Act['act']>(...names: T[]) => fc.record({ act: fc.constantFrom(...names) })
  const milliseconds = fc.constantFrom(50, 1000, 11_000)
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ act: fc.constant('post' as const), who, key: fc.nat(8) }) },
    {
      weight: 2,
      arbitrary: fc.record({ act: fc.constant('burst' as const), count: fc.integer({ min: 1, max: 400 }) }),
    },
    { weight: 5, arbitrary: ofOne('connect') },
    { weight: 2, arbitrary: ofOne('leave', 'remove', 'ban', 'mute', 'unmute') },
    { weight: 8, arbitrary: ofSome('break', 'resume', 'stall', 'unstall') },
    { weight: 4, arbitrary: ofSome('edit', 'delete') },
    { weight: 4, arbitrary: plain('turn') },
    { weight: 2, arbitrary: plain('clear', 'notice', 'notice') },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('pass' as const), milliseconds }) },
    // A restart of one process forgets nothing that another keeps.
    ...(halves === 1 ? [{ weight: 1, arbitrary: plain('restart') }] : []),
  ) as fc.Arbitrary<Act>
}

test.run()
