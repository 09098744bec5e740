import { randomBytes } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { parseArgs } from 'node:util'
import { fixedCodes, isFixable } from '../rooms/code.ts'
import type { FixedRoom } from '../rooms/fixed.ts'
import type { Store } from '../rooms/stores/store.ts'
import { readTitle } from '../rooms/text.ts'
import type { AskVisitor } from './guard/asking.ts'
import { readSites } from './guard/frame.ts'
import { noProxy } from './guard/proxies.ts'
import { isPublicSuffix } from './suffix.ts'

/** The settings of a chat, read. */
export interface ChatSettings {
  /** An address, as `openStore` takes it. */
  readonly store: string
  /** The path below which it is served; undefined where only requests tell. */
  readonly base: string | undefined
  readonly secrets: string[]
  /** Any of them verifies visitors for whom another site vouches; none where none does. */
  readonly visitorSecrets: readonly string[]
  readonly history: number
  /** Milliseconds that an empty room is kept. */
  readonly ttl: number
  /** Rooms that always exist. */
  readonly fixed: readonly FixedRoom[]
  readonly origins: string[]
  readonly trustedProxies: string[]
  /** Sites that may show rooms in a frame, as a policy names them. */
  readonly frameOrigins: string[]
  readonly areRatesLimited: boolean
}

/** Those of a server. */
export interface Settings extends ChatSettings {
  readonly port: number
  readonly host: string
  readonly base: string
  /** Whether the secret was made just now, so that sessions end with the process. */
  readonly isSecretMade: boolean
  /** Where metrics are served, apart from the chat; undefined where they are not. */
  readonly metrics: HostPort | undefined
}

/** Where to listen. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** What a chat can be told; all of it may be left out. */
export interface ChatOptions {
  /** Where rooms are kept: `memory:`, which is the default, or a store that is open already. */
  readonly store?: string | Store
  /**
   * Signs sessions: 16 characters or more; of several, with a comma between them, the first signs and all verify. Without one
   * a restart ends all sessions. Two chats of one process want two secrets, or a `basePath` each.
   */
  readonly secret?: string
  /** Messages kept in a room: 500. */
  readonly history?: number
  /** How long a room is kept after it was last used: `24h`. */
  readonly roomTtl?: string
  /**
   * Rooms that always exist and never end: `lobby=The lobby,help`, or a list of such; a code of a–z, 0–9 and `-`, and a
   * title, which may be left out. With exactly one the first page leads to its door.
   */
  readonly rooms?: string | readonly string[]
  /** Origins, beside the request's own, that may open sockets and post. */
  readonly origins?: string | readonly string[]
  /**
   * Proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed: addresses, blocks as `10.0.0.0/8`, or `loopback`.
   * Nobody's without it.
   */
  readonly trustedProxies?: string | readonly string[]
  /**
   * Verifies visitors for whom another site vouches, by links with `?visitor=` and a JWT: 16 characters or more; of several,
   * with a comma between them, any verifies. The first also makes the ids of visitors: with another one they are others.
   */
  readonly visitorSecret?: string
  /**
   * Says who asks, by the host's own session: `(request) => ({ id, name })`, or nothing where nobody is signed in. Whoever
   * comes to a room's page is joined as that visitor at once, and a session follows who is signed in. Reads headers only:
   * the body is the chat's. Where it throws, gives something else or takes more than three seconds, the ordinary door is
   * shown, and that is reported.
   */
  readonly visitor?: AskVisitor
  /** Sites that may show rooms in a frame: `https://example.org`, `https://*.example.net`. None by default. */
  readonly frameOrigins?: string | readonly string[]
  /** `false` only for load tests on one's own machine. */
  readonly rateLimits?: boolean
  /**
   * Where the chat is mounted, as `/chat`. Without it the chat learns that from what is asked for, and until then takes
   * only the handshakes whose session it has signed itself.
   */
  readonly basePath?: string
}

/** A setting that cannot be; its message is for the person who set it. */
export class SettingsError extends Error {}

const NAMES = [
  'PORT',
  'HOST',
  'BASE_PATH',
  'SECRET',
  'STORE',
  'HISTORY',
  'ROOM_TTL',
  'ROOMS',
  'ORIGINS',
  'FRAME_ORIGINS',
  'VISITOR_SECRET',
  'TRUSTED_PROXIES',
  'METRICS',
  'RATE_LIMITS',
] as const
type Name = (typeof NAMES)[number]
// What listens is a server, and a chat in somebody's own program is none.
const OF_SERVERS: readonly Name[] = ['PORT', 'HOST', 'METRICS']

// Rooms that always exist: each takes memory for as long as the chat runs.
const FIXED_ROOMS = 100

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

// Who can guess the secret can be anybody: a short one falls to trying.
const SECRET_CHARACTERS = 16

export const HELP = `Parlour: a real-time chat in one process.

Settings, as environment variables or as flags of the same name (PORT=80 or --port 80; the flag wins),
and what they are without:

  PORT, HOST       where to listen; PORT=0 picks a free port (8000, 127.0.0.1)
  BASE_PATH        serve below this path, as /chat (none)
  SECRET           signs sessions, 16 characters or more (made at start, and gone with the process);
                   several, comma-separated: the first signs, all verify
  STORE            where rooms are kept (memory:)
  HISTORY          messages kept in a room (500)
  ROOM_TTL         a room is forgotten this long after it was last used (24h)
  ROOMS            rooms that always exist and never end: lobby=The lobby,help (none)
  ORIGINS          further origins that may open sockets and post, comma-separated (the request's own)
  FRAME_ORIGINS    sites that may show rooms in a frame: https://example.org,https://*.example.net (none)
  VISITOR_SECRET   verifies visitors that another site vouches for, 16 characters or more (none)
  TRUSTED_PROXIES  addresses, CIDR blocks or the word loopback: the proxies whose X-Forwarded-For,
                   -Proto and -Host are believed (none)
  METRICS          where /metrics is served, apart from the chat, as 127.0.0.1:9090 (off)
  RATE_LIMITS      on or off; off only for load tests on one's own machine (on)

  -h, --help       print this
  -v, --version    print the version`

/**
 * Reads the settings. Throws a SettingsError that names the first one that cannot be.
 * @param flags the command line's arguments
 * @param environment where flags do not say otherwise
 */
export function readSettings(flags: string[], environment: Record<string, string | undefined>): Settings {
  const given = readFlags(flags)
  const value: Value = (name, fallback) => given[flagOf(name)] ?? environment[name] ?? fallback
  const port = readNumber('PORT', value('PORT', '8000'), 0, 65_535)
  return {
    port,
    host: readHost(value('HOST', '127.0.0.1')),
    base: readBase(value('BASE_PATH', '')),
    isSecretMade: value('SECRET', '') === '',
    metrics: readMetrics(value('METRICS', 'off'), port),
    ...readRest(value),
  }
}

/** Reads the options of a chat as settings. Throws a SettingsError that names the first one that cannot be. */
export function readOptions(options: ChatOptions): ChatSettings {
  const given = new Map<Name, string | undefined>()
  const { visitor, ...settings } = options
  if (visitor !== undefined && typeof visitor !== 'function')
    throw new SettingsError('The option “visitor” is to be a function that says who asks.')
  for (const [option, value] of Object.entries(settings)) {
    const name = settingOf(option)
    // A store that is open already needs no reading.
    if (name !== 'STORE' || !isStore(value)) given.set(name, asSetting(name, value))
  }
  const value: Value = (name, fallback) => given.get(name) ?? fallback
  const base = given.get('BASE_PATH')
  return { base: base === undefined ? undefined : readBase(base), ...readRest(value) }
}

/** What a setting was set to, as text. */
type Value = (name: Name, fallback: string) => string

function readRest(value: Value): Omit<ChatSettings, 'base'> {
  return {
    store: readStore(value('STORE', 'memory:')),
    secrets: readSecrets('SECRET', value('SECRET', '')) ?? [randomBytes(32).toString('base64url')],
    visitorSecrets: readSecrets('VISITOR_SECRET', value('VISITOR_SECRET', '')) ?? [],
    history: readNumber('HISTORY', value('HISTORY', '500'), 1, 1_000_000),
    ttl: readDuration('ROOM_TTL', value('ROOM_TTL', '24h')),
    fixed: readFixed(value('ROOMS', '')),
    origins: readOrigins(value('ORIGINS', '')),
    trustedProxies: readProxies(value('TRUSTED_PROXIES', '')),
    frameOrigins: readFrameOrigins(value('FRAME_ORIGINS', '')),
    areRatesLimited: readSwitch('RATE_LIMITS', value('RATE_LIMITS', 'on')),
  }
}

/** The name of the setting that an option is. */
function settingOf(option: string): Name {
  const name = NAMES.find((one) => one === option.replace(/[A-Z]/g, '_$&').toUpperCase())
  if (name && !OF_SERVERS.includes(name) && !option.includes('_')) return name
  throw new SettingsError(`A chat has no option “${option}”.`)
}

function isStore(option: unknown): boolean {
  return typeof option === 'object' && option !== null && 'append' in option
}

/** An option as it would stand in a setting; undefined where it is left out. */
function asSetting(name: Name, option: unknown): string | undefined {
  if (typeof option === 'boolean') return option ? 'on' : 'off'
  if (name === 'ROOMS' && Array.isArray(option)) return option.map(asOneRoom).join(',')
  if (Array.isArray(option)) return option.join(',')
  return option === undefined ? undefined : String(option)
}

function readFlags(flags: string[]): Record<string, string | undefined> {
  const options = Object.fromEntries(NAMES.map((name) => [flagOf(name), { type: 'string' as const }]))
  try {
    return parseArgs({ args: flags, options, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new SettingsError(`${(error as Error).message.split(/\.\s/)[0]}. --help lists the settings.`)
  }
}

function flagOf(name: Name): string {
  return name.toLowerCase().replaceAll('_', '-')
}

function readNumber(name: Name, value: string, least: number, most: number): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= least && number <= most) return number
  throw new SettingsError(`${name} is to be a number from ${least} to ${most}, not “${value}”.`)
}

function readHost(value: string): string {
  if (value !== '' && !/[\s/]/.test(value)) return value
  throw new SettingsError(`HOST is to be an address or a host name, not “${value}”.`)
}

/** Reads `HOST:PORT`; an address of IPv6 stands in brackets (RFC 3986, 3.2.2). The chat's own port is refused. */
function readMetrics(value: string, chatPort: number): HostPort | undefined {
  if (value === 'off' || value === '') return undefined
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\s\]]+)\]|([^\s/:@[\]]+)):(\d{1,5})$/.exec(value) ?? []
  const [host, port] = [bracketed ?? plain, Number(digits)]
  if (!host || port > 65_535 || (bracketed && !isIPv6(bracketed)))
    throw new SettingsError(`METRICS is to be an address and a port, like 127.0.0.1:9090, not “${value}”.`)
  if (port !== 0 && port === chatPort)
    throw new SettingsError(`METRICS is to have another port than the chat’s ${port}.`)
  return { host, port }
}

function readBase(value: string): string {
  const base = value.replace(/\/+$/, '')
  if (/^(\/[\w.~-]+)*$/.test(base) && !/\/\.\.?(\/|$)/.test(base)) return base
  throw new SettingsError(`BASE_PATH is to be a path like /chat, not “${value}”.`)
}

function readSecrets(name: Name, value: string): string[] | undefined {
  const secrets = value.split(',').map((secret) => secret.trim())
  if (value === '') return undefined
  if (secrets.every((secret) => secret.length >= SECRET_CHARACTERS)) return secrets
  throw new SettingsError(
    `${name} is to be ${SECRET_CHARACTERS} characters or more, or several such with a comma between them.`,
  )
}

function readStore(value: string): string {
  if (value === 'memory:') return value
  throw new SettingsError(`STORE is to be memory: in this version, not “${value}”.`)
}

function readDuration(name: Name, value: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(value)
  if (match && Number(match[1]) > 0) return Number(match[1]) * UNITS[match[2]]
  throw new SettingsError(`${name} is to be a time like 30m or 24h, not “${value}”.`)
}

/** One room of a list: a comma in it would make two. */
function asOneRoom(option: unknown): string {
  const room = String(option)
  if (!room.includes(',')) return room
  throw new SettingsError(`A title in ROOMS cannot hold a comma, as “${room}” does.`)
}

function readFixed(value: string): FixedRoom[] {
  if (value.trim() === '') return []
  const rooms = value.split(',').map(readFixedRoom)
  if (rooms.length > FIXED_ROOMS)
    throw new SettingsError(`ROOMS is to hold ${FIXED_ROOMS} rooms at most, not ${rooms.length}.`)
  if (fixedCodes(rooms.map(({ code }) => code)).size === rooms.length) return rooms
  const twice = rooms.find(
    ({ code }, at) => fixedCodes(rooms.slice(0, at + 1).map((one) => one.code)).size <= at && code,
  )
  throw new SettingsError(`ROOMS holds “${twice?.code}” twice: codes that differ only in dashes are one.`)
}

function readFixedRoom(text: string): FixedRoom {
  const [, typed, title = ''] = /^([^=]*)(?:=(.*))?$/s.exec(text) ?? []
  const code = typed?.trim().toLowerCase() ?? ''
  if (!isFixable(code))
    throw new SettingsError(
      `ROOMS is to hold codes of up to 32 of a–z, 0–9 and -, unlike the codes of other rooms, each with a title if you like: lobby=The lobby,help; not “${text.trim()}”.`,
    )
  const read = readTitle(title)
  if (read.ok) return { code, title: read.title }
  throw new SettingsError(`The title of “${code}” in ROOMS is too long, or has signs in it that cannot be shown well.`)
}

function readList(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
}

function readOrigins(value: string): string[] {
  const origins = readList(value)
  const wrong = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin)
  if (wrong === undefined) return origins
  throw new SettingsError(`ORIGINS is to hold origins like https://example.org, not “${wrong}”.`)
}

function readProxies(value: string): string[] {
  const items = readList(value)
  const wrong = noProxy(items)
  if (wrong === undefined) return items
  throw new SettingsError(`TRUSTED_PROXIES is to hold addresses, blocks like 10.0.0.0/8, or loopback, not “${wrong}”.`)
}

function readFrameOrigins(value: string): string[] {
  const read = readSites(value, isPublicSuffix)
  if (Array.isArray(read)) return read
  const like = 'FRAME_ORIGINS is to hold sites like https://example.org or https://*.example.net'
  throw new SettingsError(`${like}, not “${read.item}”: ${read.advice}.`)
}

function readSwitch(name: Name, value: string): boolean {
  if (value === 'on' || value === 'off') return value === 'on'
  throw new SettingsError(`${name} is to be on or off, not “${value}”.`)
}
