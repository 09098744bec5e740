import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isKey, readText, readTitle } from '../rooms/text.ts'
import { isWithin } from './support/ratio.ts'
import { unnormalised } from './support/unnormalised.ts'

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

test('a title of a whole body of marks is not composed', () => {
  for (const title of [
    '\u0301'.repeat(16_000) + '\u0316'.repeat(16_000),
    `${'\u0301'.repeat(160)}${'\u0316'.repeat(160)}`,
    'x\u0301\u0316'.repeat(10_000),
  ])
    assert.equal(
      unnormalised(4096, () => readTitle(title).ok),
      false,
    )
})

test('a title holds no more than four marks on a letter, and only what draws', () => {
  assert.ok(readTitle(`x${'\u0335'.repeat(4)}`).ok)
  for (const title of [
    `x${'\u0335'.repeat(5)}`,
    '\u2800',
    '\u3164',
    'a\u200bb',
    'a\ufffc',
    '\u200d',
    'a\u061cb',
    'a\u200fb',
  ])
    assert.equal(readTitle(title), { ok: false, refusal: 'title-not-allowed' }, JSON.stringify(title))
})

test('a text of four times the length takes about four times as long to read', () => {
  for (const part of ['\n', '\r', ' \t', '\u200b', '\u0301\u0316', '\u00ad\n', '\ud83d']) {
    const [short, long] = [part.repeat(8000 / part.length), part.repeat(32_000 / part.length)]
    assert.ok(
      isWithin(
        12,
        () => readText(`${short}x`),
        () => readText(`${long}x`),
      ),
      JSON.stringify(part),
    )
  }
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
