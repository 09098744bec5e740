import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { play } from './faults/play.ts'
import { CHROMIUM } from './support/browser.ts'
import { SEED } from './support/seed.ts'
import { hasTool } from './support/tools.ts'

const test = suite('faults')

test('whatever breaks while people talk, everyone sees all of it once and in order, or is told what is gone', async () => {
  console.log(`seed ${SEED}`)
  const report = await play({
    // The seed decides what breaks and when: with the same one the same breaks again.
    seed: SEED,
    members: 40,
    pages: hasTool(CHROMIUM) ? 2 : 0,
    tabs: 0,
    foxes: 0,
    history: 200,
    seconds: 20,
    rate: 25,
    restarts: [
      { second: 4, signal: 'SIGKILL' },
      { second: 12, signal: 'SIGTERM' },
    ],
  })
  const { missing, twice, disordered, untrue, vanished, unseen, falselyConnected, problems } = report
  assert.equal(
    { missing, twice, disordered, untrue, vanished, unseen, falselyConnected, problems },
    NOTHING,
    `with SEED=${SEED}`,
  )
  assert.ok(report.gaps > 0, 'a server that forgets leaves gaps')
  assert.ok(report.messages >= 400)
})

const NOTHING = {
  missing: 0,
  twice: 0,
  disordered: 0,
  untrue: 0,
  vanished: 0,
  unseen: 0,
  falselyConnected: 0,
  problems: [],
}

test.run()
