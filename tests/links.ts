import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linkify } from '../templates/links.ts'
import { isWithin } from './support/ratio.ts'

const test = suite('links')

test('http and https addresses become links that give nothing away', () => {
  assert.is(
    show('see https://example.org/a?b=1&c=2#d now'),
    'see <a href="https://example.org/a?b=1&amp;c=2#d" target="_blank" rel="noopener noreferrer nofollow ugc"><bdi dir="ltr">https://example.org/a?b=1&amp;c=2#d</bdi></a> now',
  )
  assert.equal(links('HTTP://EXAMPLE.org and http://[::1]:80/ and https://bücher.de/ä'), [
    'HTTP://EXAMPLE.org',
    'http://[::1]:80/',
    'https://bücher.de/ä',
  ])
})

test('nothing else becomes a link', () => {
  const texts = [
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://example.org',
    'example.org',
    'http:',
    'http://',
    'https://',
    'vbscript:x',
    'javascript://example.org/%0aalert(1)',
    'file:///etc/passwd',
    'xhttp://a.b',
    'http://%zz',
    '//example.org',
  ]
  for (const text of texts) assert.equal(links(text), [], text)
})

test('an address cannot leave its attribute', () => {
  for (const text of [
    'http://a.b/"onmouseover="x',
    "http://a.b/'x",
    'http://a.b/<script>x</script>',
    'http://a.b/`x`',
    'http://a.b/&quot;x',
    'http://a.b/>x',
  ]) {
    const html = show(text)
    assert.match(
      html,
      /^<a href="[^"<>]*" target="_blank" rel="noopener noreferrer nofollow ugc"><bdi dir="ltr">[^<]*<\/bdi><\/a>[^<>"]*$/,
      text,
    )
  }
})

test('what ends a sentence is no part of an address, a bracket that it opened is', () => {
  const texts: [string, string][] = [
    ['go to http://a.b/c.', 'http://a.b/c'],
    ['(http://a.b/c)', 'http://a.b/c'],
    ['http://a.b/c_(d)', 'http://a.b/c_(d)'],
    ['(see http://a.b/c_(d))', 'http://a.b/c_(d)'],
    ['http://a.b/c?!', 'http://a.b/c'],
    ['**http://a.b/c**', 'http://a.b/c'],
    ['“http://a.b/c”', 'http://a.b/c'],
    ['http://a.b/c/', 'http://a.b/c/'],
  ]
  for (const [text, link] of texts) assert.equal(links(text), [link], text)
})

test('everything that is no link is escaped, and lines stay lines', () => {
  assert.is(show('<b>&"\'\nhttp://a.b\n'), `&lt;b&gt;&amp;&quot;&#39;\n<br>${show('http://a.b')}\n<br>`)
})

test('the text of a message is what was typed, whatever it holds', () => {
  for (const text of [
    'a http://a.b/c, http://d.e) f',
    'http://http://a.b',
    'https://a.b/'.repeat(50),
    ')http://a.b(',
    'http://a.b\u2028c',
  ]) {
    assert.is(plain(show(text)), text)
  }
})

test('an address ends at what turns the direction or is not seen, and stands in a direction of its own', () => {
  for (const sign of '\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\u00ad') {
    assert.equal(links(`http://a.b/c${sign}gpj.exe`), ['http://a.b/c'], sign.codePointAt(0)?.toString(16))
    assert.equal(links(`http://a.b${sign}.c`), ['http://a.b'], sign.codePointAt(0)?.toString(16))
  }
  assert.match(show('\u202ehttp://a.b/c'), /^\u202e<a [^>]*><bdi dir="ltr">http:\/\/a\.b\/c<\/bdi><\/a>$/)
  assert.equal(links('https://fa.example/می\u200cخواهم'), ['https://fa.example/می\u200cخواهم'], 'joiners are spelling')
})

test('what makes a host seem another is no link', () => {
  for (const text of [
    'https://a.b@c.d/',
    'https://a.b:x@c.d/',
    'https://a.b\u2215c.d/',
    'https://a\u200db.c/',
    'http://a.b\\c',
  ])
    assert.equal(links(text), [], text)
  for (const sign of 'ⳇ〳ノ丿ʔॽꓸ') assert.equal(links(`https://a.com${sign}.b.c/`), [], `${sign} is a letter`)
  assert.equal(links('https://山ノ上.jp/'), ['https://山ノ上.jp/'], 'among others of its kind it seems nothing else')
  assert.equal(links(`http://${'ü'.repeat(254)}/`), [], 'and no host is as long as this')
})

test('what was a link is one for the thousandth time too', () => {
  const text = 'http://ü.de/ '.repeat(300)
  for (let turn = 0; turn < 60; turn += 1) assert.is(links(text).length, 300)
})

test('a text of four times the length takes about four times as long, whatever it is made of', () => {
  const makers: ((length: number) => string)[] = [
    (length) => `http://a/${'('.repeat(length / 2)}${')'.repeat(length / 2)}`,
    (length) => `http://a/${'.'.repeat(length)}b`,
    (length) => `http://a/${'.'.repeat(length)}`,
    (length) => `http://a/${'.)'.repeat(length / 2)}`,
    (length) => 'http://'.repeat(length / 7),
    (length) => 'http://a/( '.repeat(length / 11),
    (length) => `http://${Array.from({ length }, (_, index) => String.fromCharCode(0x4e00 + index)).join('')}`,
    (length) => `http://${'\u0301\u0316'.repeat(length / 2)}`,
    (length) => `://${'\n'.repeat(length)}`,
    (length) => `://${'http:/ '.repeat(length / 7)}`,
  ]
  for (const make of makers) {
    const [short, long] = [make(4000), make(16_000)]
    // Twelve: what takes the square takes sixteen times as long.
    assert.ok(
      isWithin(
        12,
        () => show(short),
        () => show(long),
      ),
      JSON.stringify(short.slice(0, 20)),
    )
  }
})

function show(text: string): string {
  return linkify(text).join('')
}

function links(text: string): string[] {
  return [...show(text).matchAll(/<a href="([^"]*)"/g)].map(([, url]) => plain(url))
}

function plain(html: string): string {
  const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }
  return html.replace(/<[^>]*>/g, '').replace(/&[^;]+;/g, (entity) => entities[entity] ?? entity)
}

test.run()
