import * as assert from 'uvu/assert'
import { CROWD } from '../rooms/presence.ts'
import { browserSuite, visit } from './support/browser.ts'
import { TestClock } from './support/clock.ts'
import { join } from './support/page.ts'
import { Person } from './support/person.ts'
import { serve } from './support/server.ts'

const { all, test } = browserSuite('people')

test('the page of a crowd drops those who left, and says how many it leaves out', async ({ browser }) => {
  const clock = new TestClock()
  const server = await serve({ clock })
  const zoe = await Person.create(server.url, 'zoe')
  const page = await visit(browser)
  await join(page, zoe.room, 'ann')
  await page.waitForSelector('#status:has-text("Connected")')
  const crowd: Person[] = []
  for (let number = 1; number <= CROWD + 9; number += 1)
    crowd.push(await Person.join(server.url, zoe.code, `guest ${number}`))
  /** Lets time pass until the page shows this: names, and how many others. */
  const shows = async (names: number, others: number, who: string) => {
    await clock.pass(1000)
    await page.waitForFunction(
      ([names, others, who]) => {
        const items = document.querySelectorAll('#members li[data-member]')
        const count = Number(document.querySelector('#count')?.textContent)
        const more = document.querySelector('#members .others')?.textContent ?? ''
        const isNamed = [...items].some(({ textContent }) => textContent === who)
        return (
          isNamed && items.length === names && more === (others ? `and ${others} more` : '') && count === names + others
        )
      },
      [names, others, who] as const,
    )
  }
  await shows(CROWD, 11, 'guest 1')
  const leave = (person: Person) => person.fetch('/leave', { method: 'POST' })
  await leave(crowd[CROWD + 8])
  await shows(CROWD, 10, 'guest 1')
  for (const person of crowd.slice(0, 5)) await leave(person)
  await clock.pass(10_000)
  await shows(CROWD, 5, `guest ${CROWD + 3}`)
  assert.is(await page.locator(`[data-member="${crowd[0].id}"]`).count(), 0)
  for (const person of crowd.slice(5, 12)) await leave(person)
  await shows(CROWD - 2, 0, 'ann')
  await page.close()
  const stopped = server.stop()
  await clock.pass(10_000)
  await stopped
})

all.run()
