// Firefox, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/): as much of it as tests of one page need.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'

export const FIREFOX = 'firefox-esr'

const FLAGS = ['--headless', '--no-remote', '--remote-debugging-port', '0']
const PATIENCE_MS = 15_000
const LOOK_MS = 25
const ENTER = '\uE007'

interface Answer {
  readonly id?: number
  readonly type: string
  readonly result?: never
  readonly error?: string
  readonly message?: string
  readonly params?: { readonly source?: { readonly context: string }; readonly data?: { readonly value: string } }
}

/** A tab, or a frame, and the frames in it. */
interface Tree {
  readonly context: string
  readonly userContext: string
  readonly url: string
  readonly children: Tree[] | null
}

/** An element of a page. */
export interface Found {
  readonly sharedId: string
  readonly value: { readonly attributes: Readonly<Record<string, string>> }
}

// A test that ends in any other way must not leave its browsers behind.
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** The machine's own Firefox, without a window. */
export class Firefox {
  #child: ChildProcess
  #profile: string
  #socket: WebSocket
  #count = 0
  #waiting = new Map<number, (answer: Answer) => void>()
  #listeners = new Map<string, (words: string) => void>()

  private constructor(child: ChildProcess, profile: string, socket: WebSocket) {
    this.#child = child
    this.#profile = profile
    this.#socket = socket
    socket.on('message', (bytes) => this.#take(JSON.parse(String(bytes))))
  }

  /** @param preferences what differs from a new profile's */
  static async launch(preferences: Record<string, boolean | number> = {}): Promise<Firefox> {
    const profile = mkdtempSync(join(tmpdir(), 'parlour-firefox-'))
    const lines = Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${value});\n`)
    writeFileSync(join(profile, 'user.js'), lines.join(''))
    const child = spawn(FIREFOX, [...FLAGS, '--profile', profile, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    running.add(child)
    const socket = new WebSocket(`${await whereOf(child)}/session`, { perMessageDeflate: false })
    await once(socket, 'open')
    const firefox = new Firefox(child, profile, socket)
    // A page with something unsent asks before it is left: these tests leave all the same.
    const always = {
      acceptInsecureCerts: true,
      unhandledPromptBehavior: { default: 'accept', beforeUnload: 'accept' },
    }
    await firefox.ask('session.new', { capabilities: { alwaysMatch: always } })
    await firefox.ask('session.subscribe', { events: ['script.message'] })
    return firefox
  }

  /**
   * Opens a tab of somebody with cookies of their own.
   * @param scripts what is run in each document before its own scripts; `tell(words)` in them calls `listen`
   */
  async open(listen: (words: string) => void, scripts: readonly string[]): Promise<FirefoxTab> {
    const { userContext } = await this.ask<{ userContext: string }>('browser.createUserContext', {})
    const channel = { type: 'channel', value: { channel: 'tell' } }
    const preload = (functionDeclaration: string, given: unknown[]) =>
      this.ask('script.addPreloadScript', { functionDeclaration, arguments: given, userContexts: [userContext] })
    await preload('(tell) => { globalThis.tell = tell }', [channel])
    for (const script of scripts) await preload(`() => { ${script} }`, [])
    const { context } = await this.ask<{ context: string }>('browsingContext.create', { type: 'tab', userContext })
    this.#listeners.set(context, listen)
    return new FirefoxTab(this, context, userContext)
  }

  /** The tab, or the frame in one, that shows this address, once it is there. */
  async showing(address: RegExp): Promise<FirefoxTab> {
    for (;;) {
      const { contexts } = await this.ask<{ contexts: Tree[] }>('browsingContext.getTree', {})
      const found = flat(contexts).find(({ url }) => address.test(url))
      if (found) return new FirefoxTab(this, found.context, found.userContext)
      await pause(LOOK_MS)
    }
  }

  /** Sends a command and gives its result; throws where the browser says that it failed, or says nothing for long. */
  ask<Result = unknown>(method: string, params: object): Promise<Result> {
    const id = ++this.#count
    this.#socket.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => reject(new Error(`${method} was not answered`)), PATIENCE_MS)
      this.#waiting.set(id, ({ type, result, error, message }) => {
        clearTimeout(deadline)
        if (type === 'success') resolve(result as Result)
        else reject(new Error(`${method}: ${error}, ${message}`))
      })
    })
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#socket.terminate()
    this.#child.kill('SIGKILL')
    await ended
    running.delete(this.#child)
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }

  #take(answer: Answer): void {
    const { id, params } = answer
    if (id === undefined) return this.#listeners.get(params?.source?.context ?? '')?.(params?.data?.value ?? '')
    this.#waiting.get(id)?.(answer)
    this.#waiting.delete(id)
  }
}

/** One tab of it. */
export class FirefoxTab {
  #firefox: Firefox
  #context: string
  #userContext: string

  constructor(firefox: Firefox, context: string, userContext: string) {
    this.#firefox = firefox
    this.#context = context
    this.#userContext = userContext
  }

  async addCookie(url: string, name: string, value: string): Promise<void> {
    const { hostname: domain } = new URL(url)
    const cookie = { name, value: { type: 'string', value }, domain, path: '/', httpOnly: true, sameSite: 'lax' }
    const partition = { type: 'storageKey', userContext: this.#userContext }
    await this.#firefox.ask('storage.setCookie', { cookie, partition })
  }

  async goto(url: string): Promise<void> {
    await this.#firefox.ask('browsingContext.navigate', { context: this.#context, url, wait: 'complete' })
  }

  async reload(): Promise<void> {
    await this.#firefox.ask('browsingContext.reload', { context: this.#context, wait: 'complete' })
  }

  /** What an expression gives in the page, which is a text, a number, true or false. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const target = { context: this.#context }
    const { result, exceptionDetails } = await this.#firefox.ask<{
      result?: { value: Value }
      exceptionDetails?: { text: string }
    }>('script.evaluate', { expression, target, awaitPromise: true })
    if (!result) throw new Error(exceptionDetails?.text)
    return result.value
  }

  /** What this selector finds, once it is there. */
  async find(selector: string): Promise<Found> {
    for (let looks = PATIENCE_MS / LOOK_MS; looks > 0; looks -= 1) {
      const locator = { type: 'css', value: selector }
      // A page that is on its way to another one has nothing to look at.
      const { nodes } = await this.#firefox
        .ask<{ nodes: Found[] }>('browsingContext.locateNodes', { context: this.#context, locator })
        .catch(() => ({ nodes: [] }))
      if (nodes.length > 0) return nodes[0]
      await pause(LOOK_MS)
    }
    throw new Error(`nothing is found by ${selector}`)
  }

  /** Clicks on what this selector finds, once it is there, as a person does. */
  async click(selector: string): Promise<void> {
    const { sharedId } = await this.find(selector)
    const actions = [
      { type: 'pointerMove', x: 0, y: 0, origin: { type: 'element', element: { sharedId } } },
      { type: 'pointerDown', button: 0 },
      { type: 'pointerUp', button: 0 },
    ]
    const pointer = { type: 'pointer', id: 'mouse', actions }
    await this.#firefox.ask('input.performActions', { context: this.#context, actions: [pointer] })
  }

  /** Types by the keyboard into what has the focus, and presses Enter. */
  async enter(text: string): Promise<void> {
    await this.type(text + ENTER)
  }

  /** Types by the keyboard into what has the focus. */
  async type(text: string): Promise<void> {
    const actions = [...text].flatMap((value) => [
      { type: 'keyDown', value },
      { type: 'keyUp', value },
    ])
    const keyboard = { type: 'key', id: 'keyboard', actions }
    await this.#firefox.ask('input.performActions', { context: this.#context, actions: [keyboard] })
  }
}

function flat(trees: readonly Tree[]): Tree[] {
  return trees.flatMap((tree) => [tree, ...flat(tree.children ?? [])])
}

/** Where a browser that starts says that it takes orders. */
function whereOf(child: ChildProcess): Promise<string> {
  let said = ''
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`Firefox ended with ${code}: ${said}`)))
    child.stderr?.on('data', (text) => {
      said += text
      const url = /WebDriver BiDi listening on (ws:\S+)/.exec(said)?.[1]
      if (url) resolve(url)
    })
  })
}
