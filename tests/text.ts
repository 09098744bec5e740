import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isKey, readText, readTitle } from '../rooms/text.ts'

const test = suite('text')

test('a text is kept as it was typed, with plain line breaks', () => {
  assert.equal(readText('  one\r\ntwo\rthree\n\n\tfour  '), { ok: true, text: '  one\ntwo\nthree\n\n\tfour  ' })
  for (const text of ['<b>', '0', '\x07 bell', 'e\u0301', '👨‍👩‍👧‍👦', 'שלום', '\u202eabc'])
    assert.equal(readText(text), { ok: true, text })
})

test('a text that cannot be shown whole is made so that it can', () => {
  assert.equal(readText('a\0b\ud83dc'), { ok: true, text: 'a\ufffdb\ufffdc' })
})

test('a text of nothing that shows is refused', () => {
  for (const text of ['', ' ', '\n\n', '\t', '\u00a0', '\u200b', '\u2800', '\u3164', '\ufeff', '\u00ad']) {
    assert.equal(readText(text), { ok: false, refusal: 'text-blank' }, JSON.stringify(text))
  }
})

test('4,000 characters are taken, 4,001 are refused', () => {
  for (const letter of ['x', 'é', '한', '😀']) {
    assert.ok(readText(letter.repeat(4000)).ok, letter)
    assert.equal(readText(letter.repeat(4001)), { ok: false, refusal: 'text-too-long', limit: 4000 })
  }
  assert.ok(readText('\r\n'.repeat(3999).concat('x')).ok, 'a line break counts once')
})

test('a title may be missing, is tidied, and holds 80 letters', () => {
  assert.equal(readTitle('   '), { ok: true, title: '' })
  assert.equal(readTitle(' Friday \n evening '), { ok: true, title: 'Friday evening' })
  for (const letter of ['x', 'e\u0301', '😀']) assert.ok(readTitle(letter.repeat(80)).ok, letter)
  assert.equal(readTitle('x'.repeat(81)), { ok: false, refusal: 'title-too-long', limit: 80 })
  assert.equal(readTitle(`x${'\u0335'.repeat(2000)}`), { ok: false, refusal: 'title-too-long', limit: 80 })
})

test('a title with control or bidi characters is refused', () => {
  for (const sign of '\0\x1b\x7f\u202a\u202e\u2066\u2069') {
    assert.equal(readTitle(`a${sign}b`), { ok: false, refusal: 'title-not-allowed' })
  }
})

test('a key of more than 128 characters is refused', () => {
  assert.ok(isKey('k'.repeat(128)))
  assert.not.ok(isKey('k'.repeat(129)))
})

test.run()
