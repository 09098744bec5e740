import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Journal } from './faults/journal.ts'
import { Notebook } from './faults/notebook.ts'
import { Record } from './faults/record.ts'

// What the fault runs rest on: a page that shows something wrong must not pass.
const HISTORY = 10

const test = suite('journal')

test('a page that shows all of it once and in order has nothing wrong, also where it lets go of old lines', () => {
  assert.equal(wrong(4, ['1 2', '1 2 3', 'older 3 4']), [])
  assert.equal(wrong(4, ['older 3 4', '1 2 3 4']), [])
})

test('a hole, a line twice and a line above an older one are told', () => {
  assert.equal(wrong(4, ['1 2 4']), ['missing'])
  assert.equal(wrong(4, ['3 4']), ['missing'])
  assert.equal(wrong(4, ['1 2 2 3 4']), ['twice'])
  assert.equal(wrong(4, ['1 2 3 4', '1 2 4 3 4']), ['missing', 'twice', 'disordered'])
})

test('a line that is shown does not go away at the end, and the newest is shown at last', () => {
  assert.equal(wrong(4, ['1 2 3 4', '1 2 3', '1 2 3 4']), ['missing'])
  assert.equal(wrong(4, ['1 2 3']), ['missing'])
})

test('a gap says the right number, at its place or at the top', () => {
  assert.equal(wrong(20, ['1 gap=16 18 19 20']), [])
  assert.equal(wrong(20, ['1 gap=15 18 19 20']), ['untrue'])
  assert.equal(wrong(20, ['1 gap 18 19 20']), ['untrue'])
  assert.equal(wrong(20, ['1 2 gap=3 3 4', 'gap=3 older 19 20']), ['untrue'])
  assert.equal(wrong(20, ['gap=18 19 20']), [])
  assert.equal(wrong(20, ['gap=17 19 20']), ['untrue'])
})

test('a gap stays for as long as its place or what follows it is on the page', () => {
  assert.equal(wrong(20, ['1 gap=17 19 20', 'gap=17 older 20']), [])
  assert.equal(wrong(20, ['1 gap=17 19 20', 'older 19 20']), ['vanished'])
  assert.equal(wrong(20, ['1 gap=17 19 20', 'older 20']), ['vanished'])
})

test('a page that leaps over what is no longer kept says so', () => {
  assert.equal(wrong(20, ['1', 'older 19 20']), ['missing'])
  assert.equal(wrong(20, ['1', 'gap=9 older 19 20']), [])
  assert.equal(
    wrong(
      20,
      ['11', 'older 19 20'].map((items) => `older ${items}`),
    ),
    [],
  )
})

test('an own message is in view from the moment it is sent: in the field, as waiting, or in the log', () => {
  const journal = begin(2)
  journal.note({ said: 'text 2' })
  look(journal, '1', { field: 'text 2' })
  look(journal, '1', { waiting: ['text 2'] })
  look(journal, '1 2')
  assert.is(journal.judge(HISTORY).unseen, 0)
  const other = begin(2)
  other.note({ said: 'text 2' })
  look(other, '1', { waiting: ['text 2'] })
  look(other, '1')
  look(other, '1 2')
  assert.is(other.judge(HISTORY).unseen, 1)
})

test('a page does not say that it is connected when nothing came for long', () => {
  const journal = begin(1)
  look(journal, '1', { status: 'Connected' })
  journal.hear(40_000)
  journal.hear(60_000)
  journal.hear(61_000)
  look(journal, '1', { status: 'Reconnecting…' })
  journal.hear(70_000)
  assert.is(journal.judge(HISTORY).falselyConnected, 1)
})

test('a page without scripts that begins anew tells what is gone since its place, seen or not, and no less', () => {
  const untrue = (gap: number | undefined, lives = 1) => {
    const record = recordOf(20)
    if (lives > 1) record.begin(100)
    const at = (seq: number) => ({ ...sighting(seq), cursor: `${seq}.tag${lives}`, at: (lives - 1) * 100 + seq })
    const notebook = new Notebook('page', record)
    notebook.note({ page: { saysEarlier: false } })
    if (lives > 1) notebook.note({ gap: undefined })
    notebook.note(at(1))
    notebook.note({ page: { saysEarlier: false } })
    notebook.note({ gap })
    for (let seq = 11; seq <= 20; seq += 1) notebook.note(at(seq))
    return notebook.judge(HISTORY).untrue
  }
  assert.equal([untrue(8), untrue(9), untrue(10), untrue(11), untrue(undefined)], [1, 0, 0, 1, 1])
  assert.equal([untrue(undefined, 2), untrue(8, 2)], [0, 1])
})

test.run()

/** What is wrong with a page that showed this, one after the other, while so many messages were said. */
function wrong(size: number, shown: string[]): string[] {
  const journal = begin(size)
  for (const items of shown) look(journal, items)
  const verdict = journal.judge(HISTORY)
  const kinds = ['missing', 'twice', 'disordered', 'untrue', 'vanished', 'unseen'] as const
  return kinds.filter((kind) => verdict[kind] > 0)
}

function begin(size: number): Journal {
  return new Journal('page', recordOf(size))
}

function recordOf(size: number): Record {
  const record = new Record()
  record.begin(0)
  for (let seq = 1; seq <= size; seq += 1) record.see(sighting(seq))
  return record
}

function look(
  journal: Journal,
  items: string,
  more: { field?: string; waiting?: string[]; status?: string } = {},
): void {
  const all = items.split(' ').map((item) => (/^\d/.test(item) ? `${item}.tag` : item.replace('=', ' ')))
  const fresh = all
    .filter((item) => /^\d/.test(item))
    .map((item) => sighting(Number.parseInt(item, 10)))
    .map(({ cursor, text, at }) => [cursor, text, at] as const)
  journal.note({ document: 1, items: all, fresh, waiting: [], field: '', status: '', isFar: false, ...more })
}

function sighting(seq: number) {
  return { seq, cursor: `${seq}.tag`, text: `text ${seq}`, at: seq }
}
