import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Member } from '../rooms/types.ts'
import { wordsOf } from '../routes/guard/refusals.ts'
import { lines, message } from '../templates/message.ts'
import { reason } from '../templates/reason.ts'

const test = suite('notices')

test('a name in a notice is set apart from its words, in whatever direction it runs', () => {
  assert.is(
    notice(['ann left · eve', 'علي'], ['<b>bob']),
    '<li class="notice"><b><bdi>ann left · eve</bdi></b> and <b><bdi>علي</bdi></b> joined · <b><bdi>&lt;b&gt;bob</bdi></b> left</li>\n',
  )
})

test('up to four are named, and of more the first three', () => {
  assert.is(plain(notice(['a'], [])), 'a joined')
  assert.is(plain(notice([], ['a', 'b'])), 'a and b left')
  assert.is(plain(notice(['a', 'b', 'c', 'd'], [])), 'a, b, c and d joined')
  assert.is(plain(notice(['a', 'b', 'c', 'd', 'e'], ['f'])), 'a, b, c and 2 others joined · f left')
})

test('a name that is suggested does not turn the sentence that it stands in', () => {
  const words = wordsOf({ ok: false, refusal: 'name-taken', suggestion: '<علي” 2' })
  assert.match(reason(words).toString(), /“<bdi>&lt;علي” 2<\/bdi>”\?<\/p>$/)
})

test('the keyboard reaches a text that may be taller than its screen, and passes one of a few lines', () => {
  for (const text of ['\n'.repeat(3999), 'x'.repeat(4000), 'a\n'.repeat(20)])
    assert.match(said(text), /<p class="text" dir="auto" tabindex="0">/)
  for (const text of ['hello', 'one\ntwo\nthree', 'x'.repeat(200)])
    assert.match(said(text), /<p class="text" dir="auto">/)
})

function said(text: string): string {
  return message({ kind: 'message', seq: 1, tag: 'x', key: '', member: 'm', name: 'ann', text, at: 0 })
}

function notice(joined: string[], left: string[]): string {
  return lines({
    events: [{ kind: 'notice', joined: joined.map(member), left: left.map(member) }],
    previous: undefined,
  })
}

function member(name: string): Member {
  return { id: name, name, role: 'member' }
}

function plain(html: string): string {
  return html.replace(/<[^>]*>|\n/g, '')
}

test.run()
