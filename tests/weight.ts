import type { Browser } from 'playwright-core'
import * as assert from 'uvu/assert'
import { browserSuite, visit } from './support/browser.ts'
import { Person } from './support/person.ts'
import type { TestServer } from './support/server.ts'

const KB = 1024

const { all, test } = browserSuite('weight')

test('the first visit takes at most 22 KB with scripts and 8 KB without', async ({ server, browser }) => {
  const live = await transferred(browser, server, true)
  assert.ok(live <= 22 * KB, `${live}`)
  const plain = await transferred(browser, server, false)
  assert.ok(plain <= 8 * KB, `${plain}`)
})

test('a browser that takes gzip only gets that, and hardly more', async ({ server, browser }) => {
  const bytes = await transferred(browser, server, true, 'gzip')
  assert.ok(bytes <= 24 * KB, `${bytes}`)
})

test('what a page loads is kept for ever', async ({ server }) => {
  const page = await (await fetch(`${server.url}/`)).text()
  for (const [, path] of page.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)) {
    const { headers } = await fetch(server.url + path)
    assert.match(headers.get('cache-control') ?? '', /immutable/)
    assert.match(path, /-[\w-]{10}\.(css|js|svg)$/)
  }
})

all.run()

/** Bytes over the wire, headers included, for the first sight of a room. */
async function transferred(
  browser: Browser,
  server: TestServer,
  hasScripts: boolean,
  encoding?: string,
): Promise<number> {
  const ann = await Person.create(server.url, 'ann', 'A room')
  const extraHTTPHeaders = {
    Authorization: `Bearer ${ann.token}`,
    ...(encoding && { 'Accept-Encoding': encoding }),
  }
  const page = await visit(browser, { javaScriptEnabled: hasScripts, extraHTTPHeaders })
  const network = await page.context().newCDPSession(page)
  const bytes = new Map<string, number>()
  const add = (id: string, more: number) => bytes.set(id, (bytes.get(id) ?? 0) + more)
  network.on('Network.responseReceived', ({ requestId, response }) => add(requestId, response.encodedDataLength))
  network.on('Network.dataReceived', ({ requestId, encodedDataLength, dataLength }) =>
    add(requestId, encodedDataLength || dataLength),
  )
  network.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => bytes.set(requestId, encodedDataLength))
  await network.send('Network.enable')
  await page.goto(ann.room, { waitUntil: 'commit' })
  if (hasScripts) await page.waitForLoadState('networkidle')
  else
    await page.frameLocator('iframe').first().frameLocator('iframe').locator('.messages').waitFor({ state: 'attached' })
  return [...bytes.values()].reduce((sum, one) => sum + one, 0)
}
