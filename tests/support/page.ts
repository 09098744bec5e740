import type { Browser, Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { TcpProxy } from '../faults/proxy.ts'
import { visit } from './browser.ts'
import { Person } from './person.ts'
import type { TestServer } from './server.ts'

export interface Entered {
  readonly page: Page & { problems: string[] }
  readonly member: Person
}

/** A room with a program in it, zoe, and the page of ann. */
export async function enter(browser: Browser, server: TestServer, options = {}): Promise<Entered> {
  const member = await Person.create(server.url, 'zoe', 'A room')
  const page = await visit(browser, options)
  await join(page, member.room, 'ann')
  return { page, member }
}

/** The same through a proxy, with a clock in the page that can be set. */
export async function enterThrough(proxy: { url: string }, browser: Browser, server: TestServer): Promise<Entered> {
  const member = await Person.create(server.url, 'zoe')
  const page = await visit(browser)
  await page.clock.install()
  await join(page, member.room.replace(server.url, proxy.url), 'ann')
  return { page, member }
}

/** The same by a line that can be broken. */
export async function enterByProxy(browser: Browser, server: TestServer): Promise<Entered & { proxy: TcpProxy }> {
  const proxy = await TcpProxy.open(() => server.port)
  const entered = await enterThrough(proxy, browser, server)
  await entered.page.waitForSelector('#status:has-text("Connected")')
  return { ...entered, proxy }
}

/** Opens a room and joins it. */
export async function join(page: Page, room: string, name: string): Promise<void> {
  await page.goto(room)
  await page.fill('#join-name', name)
  await page.click('button')
  await page.waitForSelector('#text')
  // The field is there before the script that takes its keys.
  await page.waitForLoadState('domcontentloaded')
}

/** Types a text and sends it by the keyboard. */
export async function say(page: Page, text: string): Promise<void> {
  await page.fill('#text', text)
  await page.press('#text', 'Enter')
}

/** Stops the page's clock, and makes it wait exactly as long as it means to, or with so much chance. */
export async function exactly(page: Page, chance = 0): Promise<void> {
  // What is fetched only when it is needed would come some real time after its turn on that clock.
  await page.evaluate(() => import(`${document.getElementById('chat')?.dataset.later}?0`))
  await page.clock.pauseAt(Date.now() + 5000)
  await page.evaluate(`Math.random = () => ${chance}`)
}

/** Does something, and waits until the page has read the answers to so many posts that follow it. */
export async function answer(page: Page, action: () => Promise<unknown>, posts = 1): Promise<void> {
  // What judges answers is fetched for the first one, and no clock of a test waits for that.
  await page.evaluate("import(document.getElementById('chat').dataset.later + '?0').then(() => {})")
  const read = await page.evaluateHandle(
    (posts) => ({
      yet: new Promise<void>((resolve) => {
        const { text } = Response.prototype
        Response.prototype.text = async function () {
          const words = await text.call(this)
          if (!this.url.endsWith('/messages') || --posts > 0) return words
          Response.prototype.text = text
          // A message to itself comes after all that follows at once from what was read.
          const { port1, port2 } = new MessageChannel()
          port1.addEventListener('message', () => resolve(), { once: true })
          port1.start()
          port2.postMessage('')
          return words
        }
      }),
    }),
    posts,
  )
  await action()
  await read.evaluate(({ yet }) => yet)
}

/** Lets half a second pass in a page, and what it asked for come: real time stands almost still beside its clock. */
export async function pass(page: Page): Promise<void> {
  await page.clock.runFor(500)
  for (let turn = 0; turn < 3; turn += 1) await page.context().request.get(new URL('/health', page.url()).href)
}

/** Lets time pass until something is so, but no more than two minutes of the page. */
export async function passUntil(page: Page, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 240 && !(await isSo()); turn += 1) await pass(page)
  assert.ok(await isSo(), `not within two minutes: ${isSo}`)
}

/** Hides a tab as its browser does when another one is in front. */
export function hide(page: Page, isHidden: boolean): Promise<void> {
  return page.evaluate((isHidden) => {
    Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, isHidden)
}

/** Brings a page something as its socket would, once it has one. */
export async function bring(page: Page, data: string): Promise<void> {
  await page.waitForFunction(() => {
    const chat = document.querySelector('#chat') as unknown as {
      _htmx: { ws?: { connection?: { socket?: WebSocket } } }
    }
    return chat._htmx.ws?.connection?.socket?.readyState === WebSocket.OPEN
  })
  await page.evaluate((data) => {
    const chat = document.querySelector('#chat') as Element & { _htmx: { ws: { connection: object } } }
    const detail = { connection: chat._htmx.ws.connection, message: { data } }
    chat.dispatchEvent(new CustomEvent('htmx-ws-before-message-incoming', { bubbles: true, cancelable: true, detail }))
  }, data)
}

/** The texts in the log. */
export const texts = (page: Page) => page.locator('.pages .message .text').allTextContents()
/** For `waitForFunction`: whether so many messages are shown. */
export const count = (messages: number) => document.querySelectorAll('.pages .message').length >= messages
