import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { Store } from '../rooms/stores/store.ts'
import { readSites } from './guard/frame.ts'
import { isPublicSuffix } from './suffix.ts'

/** The settings of a chat, read. */
export interface ChatSettings {
  /** An address, as `openStore` takes it. */
  readonly store: string
  /** The path below which it is served; undefined where only requests tell. */
  readonly base: string | undefined
  readonly secrets: string[]
  readonly history: number
  /** Milliseconds that an empty room is kept. */
  readonly ttl: number
  readonly origins: string[]
  /** Sites that may show rooms in a frame, as a policy names them. */
  readonly frameOrigins: string[]
  readonly areRatesLimited: boolean
}

/** Those of a server. */
export interface Settings extends ChatSettings {
  readonly port: number
  readonly host: string
  readonly base: string
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
  /** Origins, beside the request's own, that may open sockets and post. */
  readonly origins?: string | readonly string[]
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

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

// Who can guess the secret can be anybody: a short one falls to trying.
const SECRET_CHARACTERS = 16

export const HELP = `Parlour: a real-time chat in one process.

Settings, as environment variables or as flags of the same name (PORT=80 or --port 80; the flag wins):
  PORT, HOST     where to listen (8000, 127.0.0.1); PORT=0 picks a free port
  BASE_PATH      serve below this path, as /chat (none)
  SECRET         signs sessions (made at start), 16 characters or more; several, comma-separated: the first signs, all verify
  STORE          where rooms are kept (memory:)
  HISTORY        messages kept in a room (500)
  ROOM_TTL       a room is forgotten this long after it was last used (24h)
  ROOMS          rooms that always exist and never end: lobby=The lobby,help (none)
  ORIGINS        further origins that may open sockets and post, comma-separated (the request's own)
  FRAME_ORIGINS  sites that may show rooms in a frame: https://example.org,https://*.example.net (none)
  VISITOR_SECRET verifies visitors that another site vouches for, 16 characters or more (none)
  TRUSTED_PROXIES  addresses, CIDR blocks or loopback, whose X-Forwarded-For, -Proto and -Host are believed (none)
  METRICS        where /metrics is served, apart from the chat, as 127.0.0.1:9090 (off)
  RATE_LIMITS    on or off; off only for load tests on one's own machine (on)

  -h, --help     print this
  -v, --version  print the version`

/**
 * Reads the settings. Throws a SettingsError that names the first one that cannot be.
 * @param flags the command line's arguments
 * @param environment where flags do not say otherwise
 */
export function readSettings(flags: string[], environment: Record<string, string | undefined>): Settings {
  const given = readFlags(flags)
  const value: Value = (name, fallback) => given[flagOf(name)] ?? environment[name] ?? fallback
  return {
    port: readNumber('PORT', value('PORT', '8000'), 0, 65_535),
    host: readHost(value('HOST', '127.0.0.1')),
    base: readBase(value('BASE_PATH', '')),
    ...readRest(value),
  }
}

/** Reads the options of a chat as settings. Throws a SettingsError that names the first one that cannot be. */
export function readOptions(options: ChatOptions): ChatSettings {
  const given = new Map<Name, string | undefined>()
  for (const [option, value] of Object.entries(options)) {
    const name = settingOf(option)
    // A store that is open already needs no reading.
    if (name !== 'STORE' || !isStore(value)) given.set(name, asSetting(value))
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
    secrets: readSecrets(value('SECRET', '')),
    history: readNumber('HISTORY', value('HISTORY', '500'), 1, 1_000_000),
    ttl: readDuration('ROOM_TTL', value('ROOM_TTL', '24h')),
    origins: readOrigins(value('ORIGINS', '')),
    frameOrigins: readFrameOrigins(value('FRAME_ORIGINS', '')),
    areRatesLimited: readSwitch('RATE_LIMITS', value('RATE_LIMITS', 'on')),
  }
}

/** The name of the setting that an option is. */
function settingOf(option: string): Name {
  const name = NAMES.find((one) => one === option.replace(/[A-Z]/g, '_$&').toUpperCase())
  if (name && name !== 'PORT' && name !== 'HOST' && !option.includes('_')) return name
  throw new SettingsError(`A chat has no option “${option}”.`)
}

function isStore(option: unknown): boolean {
  return typeof option === 'object' && option !== null && 'append' in option
}

/** An option as it would stand in a setting; undefined where it is left out. */
function asSetting(option: unknown): string | undefined {
  if (typeof option === 'boolean') return option ? 'on' : 'off'
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

function readBase(value: string): string {
  const base = value.replace(/\/+$/, '')
  if (/^(\/[\w.~-]+)*$/.test(base) && !/\/\.\.?(\/|$)/.test(base)) return base
  throw new SettingsError(`BASE_PATH is to be a path like /chat, not “${value}”.`)
}

function readSecrets(value: string): string[] {
  const secrets = value.split(',').map((secret) => secret.trim())
  if (value === '') return [randomBytes(32).toString('base64url')]
  if (secrets.every((secret) => secret.length >= SECRET_CHARACTERS)) return secrets
  throw new SettingsError(
    `SECRET is to be ${SECRET_CHARACTERS} characters or more, or several such with a comma between them.`,
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

function readOrigins(value: string): string[] {
  const origins = value
    .split(',')
    .map((origin) => origin.trim())
    .filter(Boolean)
  const wrong = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin)
  if (wrong === undefined) return origins
  throw new SettingsError(`ORIGINS is to hold origins like https://example.org, not “${wrong}”.`)
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
