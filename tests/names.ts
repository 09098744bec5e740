import { readFile } from 'node:fs/promises'
import process from 'node:process'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { UNICODE } from '../rooms/confusables.ts'
import { looks, readName, suggestName } from '../rooms/name.ts'
import { readConfusables } from '../rooms/skeleton.ts'
import { unnormalised } from './support/unnormalised.ts'

const test = suite('names')
const table = [...readConfusables()]

test('a name is trimmed, and blanks within it are single', () => {
  assert.equal(readName('  ann  \t of\u00a0 kent \n'), { ok: true, name: 'ann of kent' })
})

test('letters of every script, digits and emoji make a name', () => {
  const names = [
    'ann',
    'Zoë',
    'Łukasz',
    'Nguyễn Văn',
    'מרים',
    'محمد',
    'สมชาย',
    'しのぶ',
    '👩🏽‍🚀',
    '🇩🇪',
    'R2-D2',
    "O'Hara",
    '<b>',
    'क्षितिज',
    '1️⃣',
  ]
  for (const name of names) assert.equal(readName(name), { ok: true, name: name.normalize('NFC') }, name)
})

test('a name of blanks, or of nothing that shows, is refused', () => {
  for (const name of ['', ' ', '\t\n', '\u00a0', '\u200b', '\u2800', '\u3164', '\u00ad\u200d', '\ufe0f']) {
    assert.equal(refusal(name), 'name-blank', JSON.stringify(name))
  }
})

test('control characters are refused', () => {
  for (const sign of ['\0', '\x07', '\x1b', '\x7f', '\x9f']) assert.equal(refusal(`a${sign}b`), 'name-not-allowed')
})

test('characters that turn the direction of what follows are refused', () => {
  for (const sign of '\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069') {
    assert.equal(refusal(`a${sign}b`), 'name-not-allowed', sign.codePointAt(0)?.toString(16))
    assert.equal(refusal(`ann${sign}`), 'name-not-allowed', 'at the end too')
  }
})

test('what draws nothing, or nothing that is known, is no part of a name', () => {
  const signs =
    '\ufffc\ufffd\u2800\u3164\uffa0\u115f\u200b\u2060\u00ad\u034f\u180e\ufff9\u{1d159}\u{16fe4}\u{e0041}\ue000\u0378'
  for (const sign of signs) {
    assert.equal(refusal(`ann${sign}`), 'name-not-allowed', sign.codePointAt(0)?.toString(16))
    assert.ok(['name-not-allowed', 'name-reserved'].includes(refusal(`host${sign}`) ?? ''))
    assert.equal(refusal(`a${sign}b`), 'name-not-allowed', 'and within it')
  }
})

test('what joins letters or picks their form is taken where a script or an emoji needs it, and nowhere else', () => {
  const names = [
    ...[
      'می\u200cخواهم',
      'ශ්\u200dරී',
      'അവന്\u200d',
      'ক্\u200cষ',
      '葛\u{e0100}城',
      'ᠠ\u180bᠨ',
      '👩\u200d❤\ufe0f\u200d👨',
      '❤\ufe0f',
    ],
    ...['#\ufe0f\u20e3', '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}', '🧑🏾\u200d🤝\u200d🧑🏻'],
  ]
  for (const name of names) assert.equal(readName(name), { ok: true, name }, name)
  for (const name of [
    'a\u200db',
    'a\u200cb',
    'a\ufe0fb',
    'x\u{e0100}',
    'م\u200c\u200cم',
    '👩\u200d',
    'ann\u{e0067}\u{e007f}',
  ])
    assert.equal(refusal(name), 'name-not-allowed', JSON.stringify(name))
})

test('a name of a whole body of marks is not composed, nor one that is too long', () => {
  for (const name of [
    '\u0301'.repeat(16_000) + '\u0316'.repeat(16_000),
    'x\u0301\u0316'.repeat(10_000),
    '\u0344'.repeat(32_000),
  ])
    assert.equal(
      unnormalised(4096, () => readName(name).ok),
      false,
    )
})

test('four combining marks on a letter are taken, five are refused', () => {
  assert.ok(readName(`x${'\u0335'.repeat(4)}y${'\u0335'.repeat(4)}`).ok)
  assert.equal(refusal(`x${'\u0335'.repeat(5)}`), 'name-not-allowed')
  assert.equal(refusal('x\u0335\u0321\u0334\u0358\u0353'), 'name-not-allowed')
})

test('marks do not hide behind what cannot be seen', () => {
  for (const invisible of ['\u200d', '\u200c', '\u034f', '\u200b']) {
    const stacked = `x${'\u0335'.repeat(3)}${invisible}${'\u0335'.repeat(3)}`
    assert.equal(refusal(stacked), 'name-not-allowed', invisible.codePointAt(0)?.toString(16))
  }
})

test('32 letters as a reader counts them are taken, 33 are refused', () => {
  for (const letter of ['x', 'é', '한', '😀']) {
    assert.ok(readName(letter.repeat(32)).ok, letter)
    assert.equal(readName(letter.repeat(33)), { ok: false, refusal: 'name-too-long', limit: 32 })
  }
  assert.ok(readName('e\u0301'.repeat(32)).ok, 'a letter and its mark are one')
})

test('more than 128 bytes are refused, however few letters they are', () => {
  const family = '👨‍👩‍👧‍👦'
  assert.ok(readName(family.repeat(5)).ok)
  assert.equal(refusal(family.repeat(6)), 'name-too-long')
  assert.equal(refusal('x'.repeat(1_000_000)), 'name-too-long')
})

test('half of a character is not kept', () => {
  const read = readName('ann\ud83d')
  assert.ok(read.ok && read.name.isWellFormed())
})

test('names that look alike share a look', () => {
  const alike = ['ann', 'Ann', 'ANN', 'аnn', 'a\u200bnn', 'an n', 'ａｎｎ', 'ann\u00ad', '𝐚𝐧𝐧', 'Аnn']
  for (const name of alike) assert.ok(shareLook('ann', name), name)
  for (const [one, other] of [
    ['Bill', 'BiIl'],
    ['bob', 'b0b'],
    ['paypal', 'pаypаl'],
    ['Ω', 'Ω'],
    ['é', 'e\u0301'],
  ]) {
    assert.ok(shareLook(one, other), `${one} ${other}`)
  }
})

test('what resembles a letter of one script and stands for one of another has both looks', () => {
  for (const [one, other] of [
    ['cat', '\u03f2at'],
    ['CAT', '\u03f9AT'],
    ['cat', '\u03f9at'],
    ['circn', '\u03f2ir\u03f2\u24dd'],
    ['boss', 'bo\u017f\u017f'],
    ['boff', 'bo\u017f\u017f'],
    ['admin', 'admi\u0307n'],
    ['ijs', 'i\u0307j\u0307s'],
    ['irma', 'i\u0307rrna'],
    ['ann', '\u{1ccd6}nn'],
    ['ann', 'ann\ufffc'],
  ])
    assert.ok(shareLook(one, other), `${one} ${other}`)
})

test('a stroke that only makes a word longer does not tell two names apart', () => {
  assert.ok(shareLook('محمد', 'محـــمد'))
  assert.ok(shareLook('ann', 'annـ'))
  assert.not.ok(shareLook('محمد', 'محمود'))
})

test('a name in two directions has the look of all that would be drawn like it', () => {
  for (const [one, other] of [
    ['a א 1', 'a 1 א'],
    ['ann (א', 'ann )א'],
    ['b אב ann', 'b ann אב'],
  ])
    assert.ok(shareLook(one, other), `${one} ${other}`)
  for (const [one, other] of [
    ['אב 2', 'אב 3'],
    ['עלי', 'יעל'],
    ['علي', 'عليا'],
  ])
    assert.not.ok(shareLook(one, other), `${one} ${other}`)
})

test('every pair in the table of confusables shares a look', () => {
  for (const [sign, prototype] of table) {
    // Only composed letters differ from what they are taken apart into before the table is asked.
    if (sign.normalize('NFD') === sign) assert.ok(shareLook(sign, prototype), sign.codePointAt(0)?.toString(16))
  }
})

test('the table of confusables is the one that Node carries', async () => {
  assert.ok(table.length > 6500)
  const script = new URL('../static/confusables.mjs', import.meta.url).href
  const { confusablesIn } = (await import(script)) as { confusablesIn(program: Buffer): typeof table | undefined }
  const isNode = !('Deno' in globalThis) && process.versions.unicode === UNICODE
  const carried = isNode ? confusablesIn(await readFile(process.execPath)) : undefined
  if (carried) assert.equal(table, carried)
  else console.log(`\n  skipped: this is no Node with Unicode ${UNICODE}`)
})

test('names that can be told apart share none', () => {
  for (const [one, other] of [
    ['ann', 'anna'],
    ['ann', 'bob'],
    ['ann', 'ann 2'],
    ['Zoë', 'Zoé'],
    ['é', 'e'],
    ['李', '孪'],
  ]) {
    assert.not.ok(shareLook(one, other), `${one} ${other}`)
  }
})

test('names of the house are reserved, and so is what looks like them', () => {
  for (const name of [
    'system',
    'admin',
    'host',
    'System',
    'ADMIN',
    'h o s t',
    'аdmin',
    'ѕystem',
    'hоst',
    'adm\u200bin',
    'ａｄｍｉｎ',
    '5ystem'.replace('5', 'ѕ'),
  ]) {
    assert.equal(refusal(name), 'name-reserved', name)
  }
  for (const name of ['hostess', 'administrator', 'systems', 'ghost']) assert.ok(readName(name).ok, name)
})

test('what is suggested instead of a name could be taken itself', () => {
  assert.is(suggestName('ann', 2), 'ann 2')
  assert.is(suggestName('x'.repeat(32), 12), `${'x'.repeat(29)} 12`)
  const family = '👨‍👩‍👧‍👦'
  assert.is(suggestName(`xy${family.repeat(5)}`, 2), `xy${family.repeat(4)} 2`, 'nothing is cut in half')
  assert.is(suggestName(`x${'\u200d'.repeat(42)}`, 2), '2')
})

test('whatever is typed, a name that is taken is tidy, and so is what is suggested for it', () => {
  const typed = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.string({ unit: fc.constantFrom('a', ' ', '\u0301', '\u200d', '😀', '🇩', 'I', 'ß', 'ﷺ'), maxLength: 40 }),
  )
  fc.assert(
    fc.property(typed, fc.integer({ min: 2, max: 30_000 }), (typed, number) => {
      const read = readName(typed)
      if (!read.ok) return
      assert.equal(readName(read.name), read)
      const suggestion = suggestName(read.name, number)
      const again = readName(suggestion)
      assert.equal(again, { ok: true, name: suggestion })
      assert.ok(suggestion.endsWith(String(number)))
    }),
    { numRuns: 300 },
  )
})

function refusal(typed: string): string | undefined {
  const read = readName(typed)
  return read.ok ? undefined : read.refusal
}

function shareLook(one: string, other: string): boolean {
  return looks(one).some((look) => looks(other).includes(look))
}

test.run()
