import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Buckets } from '../rooms/bucket.ts'
import { TestClock } from './support/clock.ts'

const RATE = { burst: 2, perSecond: 0.1 }

const test = suite('bucket')

test('who has used up what they may is not forgotten, however many others come', async () => {
  const { buckets } = shelf()
  for (let count = 0; count < 2; count += 1) assert.is(buckets.take('eve'), 0)
  for (let count = 0; count < 5000; count += 1) buckets.take(`other ${count}`)
  assert.is(buckets.take('eve'), 10)
})

test('a clock that is set back takes nothing away, and gives nothing', async () => {
  const { buckets, clock } = shelf()
  assert.is(buckets.take('ann'), 0)
  await clock.pass(-60_000)
  assert.is(buckets.take('ann'), 0)
  assert.is(buckets.take('ann'), 10)
})

test.run()

function shelf() {
  const clock = new TestClock()
  return { clock, buckets: new Buckets(RATE, clock.now) }
}
