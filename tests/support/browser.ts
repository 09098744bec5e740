import { type AddressInfo, createServer } from 'node:net'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { suite } from 'uvu'
import { serve, type TestServer } from './server.ts'
import { needing } from './tools.ts'

export const CHROMIUM = '/usr/bin/chromium'

// All but the last line is what Playwright turns off itself: Chromium reads only the last list that it is given. The rest are
// the popups of its address bar, which take more work for each new window than the page in it.
const FEATURES_OFF = [
  'AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable',
  'LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect',
  'OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch',
  'WebUIOmniboxPopup,WebUIOmniboxFullPopup,WebUIOmniboxAimPopup',
]

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--disable-features=${FEATURES_OFF}`,
]

/** Starts the machine's own Chromium, without a window, with further flags. */
export function launch(...flags: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...flags], timeout: 120_000 })
}

/** The same, and the address at which it takes orders from others than the tool that started it. */
export async function debuggable(): Promise<[browser: Browser, url: string]> {
  const port = await freePort()
  return [await launch(`--remote-debugging-port=${port}`), `http://127.0.0.1:${port}`]
}

function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    }),
  )
}

/** A browser of one person: its own cookies, and a record of what went wrong in it. */
export async function visit(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Page & { problems: string[] }> {
  const page = await (await browser.newContext(options)).newPage()
  page.setDefaultTimeout(60_000)
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) problems.push(message.text())
  })
  return Object.assign(page, { problems })
}

export interface Setting {
  server: TestServer
  browser: Browser
}

/** A suite with a server and a browser of its own, whose pages are closed after each test, and the tests that need it. */
export function browserSuite<T>(name: string, options: Parameters<typeof serve>[0] = {}) {
  const all = suite<Setting & T>(name)
  all.before(async (context) => {
    context.server = await serve(options)
    context.browser = await launch()
  })
  // A page that nobody looks at any more still works, and takes from the next.
  all.after.each(async ({ browser }) => {
    for (const context of browser.contexts()) await context.close()
  })
  all.after(async ({ server, browser }) => {
    await browser?.close()
    await server.stop()
  })
  return { all, test: needing(CHROMIUM, all) }
}
