import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fixedCodes, isFixable, makeCode, readCode } from '../rooms/code.ts'

const test = suite('codes')
const codes = Array.from({ length: 5000 }, makeCode)

test('a code cannot be guessed: at least 40 bits, each place any letter', () => {
  const letters = new Set(codes.join('').replaceAll('-', ''))
  const places = codes[0].replaceAll('-', '').length
  assert.ok(places * Math.log2(letters.size) >= 40)
  for (let place = 0; place < places; place += 1) {
    assert.is(new Set(codes.map((code) => code.replaceAll('-', '')[place])).size, letters.size, `place ${place}`)
  }
  assert.is(new Set(codes).size, codes.length)
})

test('a code has no letters that look alike', () => {
  const letters = new Set(codes.join(''))
  for (const pair of ['0O', '0Q', '1I', '1L', 'IL', '2Z', '5S', '8B', 'UV']) {
    assert.ok(![...pair].every((letter) => letters.has(letter)), pair)
  }
  for (const code of codes) assert.match(code, /^[A-Z0-9]{3}-[A-Z0-9]{3}-[A-Z0-9]{3}$/)
})

test('case, dashes and blanks do not matter when a code is typed', () => {
  const typed = [
    'ACD-EFG-HJK',
    'acdefghjk',
    ' acd efg hjk ',
    'AcD–eFg—hJk',
    'a c d e f g h j k',
    'ACD\u00a0EFG\u2011HJK',
    'acd_efg_hjk',
    'acd--efg\thjk\r\n',
  ]
  for (const code of typed) assert.is(readCode(code), 'ACD-EFG-HJK', JSON.stringify(code))
  for (const code of codes.slice(0, 100)) assert.is(readCode(code.toLowerCase().replaceAll('-', ' ')), code)
})

test('what no room can have is no code', () => {
  const typed = [
    '',
    ' ',
    'ACD',
    'ACD-EFG-HJ',
    'ACD-EFG-HJKM',
    'ACD-EFG-HJ0',
    'ACD.EFG.HJK',
    'ACD-EFG-HJ\0',
    '😀'.repeat(9),
    '../../etc/passwd',
    ' '.repeat(100_000),
  ]
  for (const code of typed) assert.is(readCode(code), undefined, JSON.stringify(code.slice(0, 40)))
})

test('a code that was chosen is read as it was typed, and whatever resembles one is a code that no room has', () => {
  const fixed = fixedCodes(['lobby', 'help-desk', '24-7'])
  for (const typed of ['lobby', 'LOBBY', ' Lob by\n', 'lob-by']) assert.is(readCode(typed, fixed), 'lobby', typed)
  for (const typed of ['help-desk', 'Help Desk', 'helpdesk', 'HELP\u2011DESK', 'help_desk'])
    assert.is(readCode(typed, fixed), 'help-desk', typed)
  assert.is(readCode('247', fixed), '24-7')
  assert.is(readCode('acd efg hjk', fixed), 'ACD-EFG-HJK')
  assert.is(readCode('Kitchen', fixed), 'kitchen')
  for (const typed of ['', '-', 'löbby', '../lobby', 'lobby\0', 'x'.repeat(33), ' '.repeat(100_000)])
    assert.is(readCode(typed, fixed), undefined, typed)
  assert.is(readCode('lobby'), undefined, 'where none was chosen')
})

test('a code can be chosen that is short and plain, and that no made one can be', () => {
  for (const code of ['a', 'lobby', 'help-desk', '24-7', 'x'.repeat(32)]) assert.ok(isFixable(code), code)
  const wrong = [
    '',
    '-',
    '--',
    'Lobby',
    'a b',
    'lo_by',
    'löbby',
    '..',
    'a/b',
    'x'.repeat(33),
    'acdefghjk',
    'acd-efg-hjk',
  ]
  for (const code of wrong) assert.not.ok(isFixable(code), code)
})

test.run()
