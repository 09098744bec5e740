import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Buckets } from '../rooms/bucket.ts'
import { TestClock } from './support/clock.ts'
import { makeHouse } from './support/site.ts'

const HOUR = 60 * 60 * 1000
const RATE = { burst: 2, perSecond: 0.1 }

const test = suite('bucket')

test('who has used up what they may is not forgotten, however many others come', async () => {
  const { buckets } = shelf()
  for (let count = 0; count < 2; count += 1) assert.is(buckets.take('eve'), 0)
  for (let count = 0; count < 5000; count += 1) buckets.take(`other ${count}`)
  assert.is(buckets.take('eve'), 10)
})

for (const hours of [-1, 1]) {
  test(`a clock on the wall that is set by ${hours} hours takes nothing away, and gives nothing`, async () => {
    const { site, clock } = makeHouse({ areRatesLimited: true })
    const { wrongCodes } = site.limits
    for (let count = 0; count < 10; count += 1) assert.is(wrongCodes.take('eve'), 0)
    clock.set(hours * HOUR)
    assert.is(wrongCodes.take('eve'), 6)
    await clock.pass(6000)
    assert.is(wrongCodes.take('eve'), 0)
  })
}

test.run()

function shelf() {
  const clock = new TestClock()
  return { clock, buckets: new Buckets(RATE, clock.elapsed) }
}
