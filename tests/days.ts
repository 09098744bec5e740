import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Message } from '../rooms/types.ts'
import { lines } from '../templates/message.ts'

const test = suite('days')

const DAY = 24 * 60 * 60 * 1000
const LEAP_YEAR = Date.UTC(2028, 0, 1)

test('every day of a year has its name above its first message, and only there', () => {
  const events = Array.from({ length: 366 }, (_, index) => [
    saidAt(LEAP_YEAR + index * DAY),
    saidAt(LEAP_YEAR + (index + 1) * DAY - 1),
  ]).flat()
  const shown = [...lines({ events }).matchAll(/<li class="day"><time datetime="([^"]*)">([^<]*)</g)]
  assert.equal(
    shown.map(([, date, name]) => [date, name]),
    Array.from({ length: 366 }, (_, index) => new Date(LEAP_YEAR + index * DAY)).map((date) => [
      date.toISOString().slice(0, 10),
      nameOf(date),
    ]),
  )
})

test('a batch that goes on with the day of the entry before it does not name it again', () => {
  const [previous, next] = [saidAt(LEAP_YEAR), saidAt(LEAP_YEAR + 1)]
  assert.not.ok(lines({ events: [next], previous }).includes('class="day"'))
})

/** As ICU writes it, without its commas, which differ from one version to the next. */
function nameOf(date: Date): string {
  const format = { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' } as const
  return new Intl.DateTimeFormat('en-GB', format).format(date).replaceAll(',', '')
}

function saidAt(at: number): Message {
  return { kind: 'message', seq: 1, tag: 'abcdef', key: 'k', member: '0123456789ab', name: 'ann', text: 'hello', at }
}

test.run()
