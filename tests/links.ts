import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { linkify } from '../templates/links.ts'

const test = suite('links')

test('http and https addresses become links that give nothing away', () => {
  assert.is(
    show('see https://example.org/a?b=1&c=2#d now'),
    'see <a href="https://example.org/a?b=1&amp;c=2#d" target="_blank" rel="noopener noreferrer nofollow ugc">https://example.org/a?b=1&amp;c=2#d</a> now',
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
      /^<a href="[^"<>]*" target="_blank" rel="noopener noreferrer nofollow ugc">[^<]*<\/a>[^<>"]*$/,
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

test('a text made to be slow is not', () => {
  const texts = [
    `http://a/${'('.repeat(1995)}${')'.repeat(1995)}`,
    `http://a/${'.'.repeat(3990)}b`,
    'http://'.repeat(570),
    `http://a/${'.)'.repeat(1995)}`,
  ]
  const start = performance.now()
  for (const text of texts) show(text)
  assert.ok(performance.now() - start < 500, `${performance.now() - start} ms`)
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
