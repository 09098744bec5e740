import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { FixedRoom } from '../rooms/fixed.ts'
import {
  type HostPort,
  readBase,
  readDuration,
  readFixed,
  readFrameOrigins,
  readHost,
  readMetrics,
  readNumber,
  readOrigins,
  readProxies,
  readSecrets,
  readStore,
  readSwitch,
  SettingsError,
} from './reading.ts'

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

/** All that can be set, by its name in the environment. */
export const NAMES = [
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
export type Name = (typeof NAMES)[number]

/** What somebody is told who asks how to set it. */
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
    ...readChat(value),
  }
}

/** What a setting was set to, as text. */
export type Value = (name: Name, fallback: string) => string

/** Reads what is set of any chat, wherever it is served. */
export function readChat(value: Value): Omit<ChatSettings, 'base'> {
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
