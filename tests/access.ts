import { execFile } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { findings } from './support/axe.ts'
import { browserSuite, visit } from './support/browser.ts'
import { Person } from './support/person.ts'
import { hasTool, needing } from './support/tools.ts'

const { all, test } = browserSuite<{ ann: Person }>('for everyone', { frameOrigins: ['https://example.org'] })
const run = promisify(execFile)
// The package `vnu-jar` is not among this project's own, because it downloads a Java of its own when it is installed.
const vnu = process.env.VNU_JAR ?? './vnu.jar'

const htmlTest = hasTool('java') ? needing(vnu, all, 'the vnu.jar that VNU_JAR is to name') : needing('java', all)

all.before(async (context) => {
  context.ann = await Person.create(context.server.url, 'ann', 'Tea & “biscuits” <b>')
  const bob = await Person.join(context.server.url, context.ann.code, 'bob')
  for (let index = 0; index < 60; index += 1) await bob.say(`line ${index} https://example.org/?a=1&b=2`)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`every page is without a finding of axe, ${colorScheme}`, async ({ server, browser, ann }) => {
    const page = await visit(browser, { colorScheme, extraHTTPHeaders: { Authorization: `Bearer ${ann.token}` } })
    const stranger = await visit(browser, { colorScheme })
    await stranger.goto(`${server.url}/`)
    await stranger.fill('#join-code', 'ACD-EFG-HJK')
    await stranger.fill('#join-name', 'bob')
    assert.equal(await findings(stranger), [])
    await stranger.click('text="Join"')
    await stranger.waitForSelector('.reason')
    assert.equal(await findings(stranger), [])
    await stranger.goto(ann.room)
    assert.equal(await findings(stranger), [])
    await stranger.goto(`${server.url}/nothing`)
    assert.equal(await findings(stranger), [])
    await page.goto(ann.room)
    await page.waitForSelector('#status:has-text("Connected")')
    await ann.say('one more')
    await page.waitForSelector('.text:text-is("one more")')
    await page.click('summary')
    await page.evaluate(inEveryColour)
    assert.equal(await findings(page), [])
    await page.goto(`${ann.room}/write`)
    assert.equal(await findings(page), [])
  })
}

test('the view without scripts is without a finding of axe', async ({ browser, ann }) => {
  const page = await visit(browser, { extraHTTPHeaders: { Authorization: `Bearer ${ann.token}` } })
  await page.goto(`${ann.room}/live`, { waitUntil: 'commit' })
  await page.waitForSelector('.message')
  assert.equal(await findings(page), [])
})

test('the room is used by keyboard alone', async ({ browser, ann }) => {
  const page = await visit(browser, { extraHTTPHeaders: { Authorization: `Bearer ${ann.token}` } })
  await page.goto(ann.room)
  await page.waitForSelector('#status:has-text("Connected")')
  assert.is(await focused(page), 'textarea#text')
  await page.keyboard.type('by keyboard')
  await page.keyboard.press('Enter')
  await page.waitForSelector('.text:text-is("by keyboard")')
  assert.is(await focused(page), 'textarea#text')
  const reached = new Set<string>()
  for (let index = 0; index < 80; index += 1) {
    await page.keyboard.press('Shift+Tab')
    reached.add(await focused(page))
    if (await page.evaluate(() => document.activeElement?.id === 'link')) break
  }
  for (const place of ['div#scroll', 'summary', 'button', 'a#link'])
    assert.ok(reached.has(place), `${place} is reached`)
})

htmlTest('every page is valid HTML', async ({ server, ann }) => {
  const folder = await mkdtemp(join(tmpdir(), 'parlour-'))
  const ask = (url: string, init?: RequestInit) => fetch(url, init).then((response) => response.text())
  const own = { headers: { Accept: 'text/html', Authorization: `Bearer ${ann.token}` } }
  const pages = {
    home: await ask(`${server.url}/`),
    refused: await ask(`${server.url}/join`, { method: 'POST', body: new URLSearchParams({ code: 'x', name: '"<' }) }),
    door: await ask(ann.room),
    missing: await ask(`${server.url}/nothing`),
    room: await ask(ann.room, own),
    older: await ask(`${ann.room}?before=${(await ann.say('x')).cursor}`, own),
    write: await ask(`${ann.room}/write`, own),
    draft: await ask(`${ann.room}/messages`, { method: 'POST', body: new URLSearchParams({ text: ' ' }), ...own }),
    frame: await ask(`${ann.room}/frame/1.a-00000000`, own),
    wait: await ask(`${ann.room}/frame/1.a-00000000?wait`, own),
    live: await grown(`${ann.room}/live`, own),
    'home framed': await ask(`${server.url}/?framed`),
    'door framed': await ask(`${ann.room}?framed`),
    'room framed': await ask(`${ann.room}?framed`, own),
    'room framed to read': await ask(`${ann.room}?framed&readonly`, own),
    'older framed': await ask(`${ann.room}?framed&before=${(await ann.say('x')).cursor}`, own),
    'write framed': await ask(`${ann.room}/write?framed`, own),
    'live framed': await grown(`${ann.room}/live?frame&framed`, own),
    'frame framed': await ask(`${ann.room}/frame/1.a-00000000?framed`, own),
    'missing framed': await ask(`${server.url}/nothing?framed`),
    forgotten: await ask(`${ann.room}?framed&joined=x`),
  }
  const files = Object.entries(pages).map(([name, text]) => ({
    path: join(folder, `${name.replaceAll(' ', '-')}.html`),
    text,
  }))
  for (const { path, text } of files) await writeFile(path, text)
  const paths = files.map(({ path }) => path)
  const { stderr } = await run('java', ['-jar', vnu, '--stdout', '--errors-only', ...paths]).then(
    () => ({ stderr: '' }),
    (error) => ({ stderr: error.stdout }),
  )
  assert.is(stderr, '')
})

all.run()

/** Gives the lines of a page all the colours that names can have, on own paper and on that of others. */
function inEveryColour(): void {
  for (const [index, name] of [...document.querySelectorAll('.message .name')].slice(-24).entries()) {
    name.className = `name h${index % 12}`
    if (index < 12) (name.parentElement as HTMLElement).style.setProperty('--paper', 'var(--own)')
  }
}

function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { localName, id } = document.activeElement as Element
    return id ? `${localName}#${id}` : localName
  })
}

/** A growing page up to its first messages, closed as a browser closes it. */
async function grown(url: string, init: RequestInit): Promise<string> {
  const reader = (await fetch(url, init)).body?.getReader()
  let text = ''
  while (!text.includes('</li>')) text += new TextDecoder().decode((await reader?.read())?.value)
  await reader?.cancel()
  return `${text.slice(0, text.lastIndexOf('</li>'))}</li></ul></div></main></body></html>`
}
