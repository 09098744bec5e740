import type { Hono } from 'hono'
import { MemoryStore } from '../../rooms/stores/memory.ts'
import { makeApp } from '../../routes/app.ts'
import { makeSite } from '../../routes/chat.ts'
import { type ServerOptions, standAlone } from '../../routes/server.ts'
import type { Env } from '../../routes/guard/site.ts'
import { Sockets } from '../../routes/wire/socket.ts'
import { TestClock } from './clock.ts'
import { busOn, storeOn } from './ground.ts'

export const HOST = 'parlour.test'

export interface SiteOptions extends Partial<ServerOptions> {
  readonly history?: number
  readonly isDraining?: () => boolean
  readonly clock?: TestClock
  /** The address from which everything is asked. */
  readonly peer?: string
}

export interface Fields {
  readonly [name: string]: string
}

/** A site that is asked without a network, whose clock stands still until the test lets it go on. */
export function makeHouse({
  history = 500,
  isDraining = () => false,
  clock = new TestClock(),
  peer,
  ...options
}: SiteOptions = {}) {
  const whole: ServerOptions = {
    port: 0,
    host: '127.0.0.1',
    base: '',
    secrets: ['a secret of the tests'],
    ttl: 24 * 60 * 60 * 1000,
    origins: [],
    trustedProxies: [],
    frameOrigins: [],
    areRatesLimited: false,
    clock,
    ...options,
    store: storeOn(options.store ?? new MemoryStore({ history, bytes: 1024 * 1024, rooms: 10_000, clock })),
    bus: busOn(options.bus),
  }
  const site = makeSite(whole, isDraining)
  return {
    clock,
    site,
    house: new House(standAlone(makeApp(site, new Sockets(clock)), site, whole.base), whole.base, peer),
  }
}

/** The whole site, as a person or a program meets it. */
export class House {
  readonly app: Hono<Env>
  readonly base: string
  #from: object | undefined

  constructor(app: Hono<Env>, base: string, peer?: string) {
    this.app = app
    this.base = base
    this.#from = peer === undefined ? undefined : { remoteAddr: { hostname: peer } }
  }

  /** Asks for a path below the base path. */
  async ask(path: string, init: RequestInit & { duplex?: 'half' } = {}): Promise<Response> {
    const asked = { ...init, headers: { Host: HOST, ...init.headers } }
    return this.app.request(`http://${HOST}${this.base}${path}`, asked, this.#from)
  }

  /** Asks as a program does. */
  json(path: string, init: RequestInit = {}): Promise<Response> {
    return this.ask(path, { ...init, headers: { Accept: 'application/json', ...init.headers } })
  }

  /** Sends a form as a browser does. */
  post(path: string, fields: Fields = {}, headers: Record<string, string> = {}): Promise<Response> {
    return this.ask(path, { method: 'POST', body: new URLSearchParams(fields), headers })
  }

  /** Makes a room with a form. */
  async open(name = 'ann', title = ''): Promise<Guest> {
    return this.#welcome(await this.json('/rooms', { method: 'POST', body: new URLSearchParams({ name, title }) }))
  }

  /** Joins a room by its code. */
  async join(code: string, name: string): Promise<Guest> {
    return this.#welcome(await this.json('/join', { method: 'POST', body: new URLSearchParams({ code, name }) }))
  }

  async #welcome(response: Response): Promise<Guest> {
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
    const { room, member, token } = (await response.json()) as Record<string, never>
    return new Guest(this, (room as { code: string }).code, (member as { id: string }).id, token)
  }
}

/** A member of a room. */
export class Guest {
  readonly house: House
  readonly code: string
  readonly id: string
  readonly token: string

  constructor(house: House, code: string, id: string, token: string) {
    this.house = house
    this.code = code
    this.id = id
    this.token = token
  }

  get room(): string {
    return `/rooms/${this.code}`
  }

  /** Asks for a path below the room's, as a browser does. */
  ask(path = '', init: RequestInit = {}): Promise<Response> {
    return this.house.ask(this.room + path, { ...init, headers: { Cookie: `parlour=${this.token}`, ...init.headers } })
  }

  /** The same as a program does. */
  json(path = '', init: RequestInit = {}): Promise<Response> {
    const headers = { Authorization: `Bearer ${this.token}`, ...init.headers }
    return this.house.json(this.room + path, { ...init, headers })
  }

  /** Sends a form below the room's path, as a browser does. */
  post(path: string, fields: Fields = {}, headers: Record<string, string> = {}): Promise<Response> {
    return this.ask(path, { method: 'POST', body: new URLSearchParams(fields), headers })
  }

  /** Says something; throws where that is refused. */
  async say(text: string, key = ''): Promise<{ seq: number; cursor: string }> {
    const response = await this.json('/messages', { method: 'POST', body: new URLSearchParams({ text, key }) })
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
    return (await response.json()) as { seq: number; cursor: string }
  }

  /** The texts that are kept, as this member gets them. */
  async texts(): Promise<string[]> {
    const { messages } = (await (await this.json('/messages?limit=200')).json()) as { messages: { text: string }[] }
    return messages.map(({ text }) => text)
  }
}

/** What a text is in HTML, whether between tags or in an attribute. */
export function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replace(/[&<>"']/g, (sign) => entities[sign])
}

/** The code of an error in JSON; throws where there is no sentence with it. */
export async function errorIn(response: Response): Promise<string> {
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  if (!/^[A-Z].*[.?!”]$/.test(error.message)) throw new Error(`no sentence: ${error.message}`)
  return error.code
}
