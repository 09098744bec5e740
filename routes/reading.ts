// What single settings are set to, read. Each throws a SettingsError where that cannot be.
import { isIPv6 } from 'node:net'
import { fixedCodes, isFixable } from '../rooms/code.ts'
import type { FixedRoom } from '../rooms/fixed.ts'
import { readTitle } from '../rooms/text.ts'
import { readSites } from './guard/frame.ts'
import { noProxy } from './guard/proxies.ts'
import { isPublicSuffix } from './suffix.ts'

/** A setting that cannot be; its message is for the person who set it. */
export class SettingsError extends Error {}

/** Where to listen. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

// Rooms that always exist: each takes memory for as long as the chat runs.
const FIXED_ROOMS = 100

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

// Who can guess the secret can be anybody: a short one falls to trying.
const SECRET_CHARACTERS = 16

/** Reads a whole number within bounds, both included. */
export function readNumber(name: string, value: string, least: number, most: number): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && number >= least && number <= most) return number
  throw new SettingsError(`${name} is to be a number from ${least} to ${most}, not “${value}”.`)
}

/** Reads an address, or a name, to listen at. */
export function readHost(value: string): string {
  if (value !== '' && !/[\s/]/.test(value)) return value
  throw new SettingsError(`HOST is to be an address or a host name, not “${value}”.`)
}

/** Reads `HOST:PORT`; an address of IPv6 stands in brackets (RFC 3986, 3.2.2). The chat's own port is refused. */
export function readMetrics(value: string, chatPort: number): HostPort | undefined {
  if (value === 'off' || value === '') return undefined
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\s\]]+)\]|([^\s/:@[\]]+)):(\d{1,5})$/.exec(value) ?? []
  const [host, port] = [bracketed ?? plain, Number(digits)]
  if (!host || port > 65_535 || (bracketed && !isIPv6(bracketed)))
    throw new SettingsError(`METRICS is to be an address and a port, like 127.0.0.1:9090, not “${value}”.`)
  if (port !== 0 && port === chatPort)
    throw new SettingsError(`METRICS is to have another port than the chat’s ${port}.`)
  return { host, port }
}

/** Reads the path below which a chat is served; empty where it has a host to itself. */
export function readBase(value: string): string {
  const base = value.replace(/\/+$/, '')
  if (/^(\/[\w.~-]+)*$/.test(base) && !/\/\.\.?(\/|$)/.test(base)) return base
  throw new SettingsError(`BASE_PATH is to be a path like /chat, not “${value}”.`)
}

/** Reads secrets with a comma between them; undefined where there is none. */
export function readSecrets(name: string, value: string): string[] | undefined {
  if (value === '') return undefined
  const secrets = value.split(',').map((secret) => secret.trim())
  if (secrets.every((secret) => secret.length >= SECRET_CHARACTERS)) return secrets
  throw new SettingsError(
    `${name} is to be ${SECRET_CHARACTERS} characters or more, or several such with a comma between them.`,
  )
}

/** Reads where rooms are kept. */
export function readStore(value: string): string {
  if (value === 'memory:') return value
  throw new SettingsError(`STORE is to be memory: in this version, not “${value}”.`)
}

/** Reads a time with its unit, as milliseconds. */
export function readDuration(name: string, value: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(value)
  if (match && Number(match[1]) > 0) return Number(match[1]) * UNITS_MS[match[2]]
  throw new SettingsError(`${name} is to be a time like 30m or 24h, not “${value}”.`)
}

/** Reads the rooms that always exist. */
export function readFixed(value: string): FixedRoom[] {
  if (value.trim() === '') return []
  const rooms = value.split(',').map(readFixedRoom)
  if (rooms.length > FIXED_ROOMS)
    throw new SettingsError(`ROOMS is to hold ${FIXED_ROOMS} rooms at most, not ${rooms.length}.`)
  const codes = rooms.map(({ code }) => code)
  const twice = codes.find((_, index) => fixedCodes(codes.slice(0, index + 1)).size <= index)
  if (twice === undefined) return rooms
  throw new SettingsError(`ROOMS holds “${twice}” twice: codes that differ only in dashes are one.`)
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

/** Reads origins, as browsers write them (RFC 6454, 6.2). */
export function readOrigins(value: string): string[] {
  const origins = readList(value)
  const wrong = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin)
  if (wrong === undefined) return origins
  throw new SettingsError(`ORIGINS is to hold origins like https://example.org, not “${wrong}”.`)
}

/** Reads proxies that are trusted. */
export function readProxies(value: string): string[] {
  const items = readList(value)
  const wrong = noProxy(items)
  if (wrong === undefined) return items
  throw new SettingsError(`TRUSTED_PROXIES is to hold addresses, blocks like 10.0.0.0/8, or loopback, not “${wrong}”.`)
}

/** Reads sites that may show rooms in a frame. */
export function readFrameOrigins(value: string): string[] {
  const read = readSites(readList(value), isPublicSuffix)
  if (Array.isArray(read)) return read
  const like = 'FRAME_ORIGINS is to hold sites like https://example.org or https://*.example.net'
  throw new SettingsError(`${like}, not “${read.item}”: ${read.advice}.`)
}

/** Reads `on` or `off`. */
export function readSwitch(name: string, value: string): boolean {
  if (value === 'on' || value === 'off') return value === 'on'
  throw new SettingsError(`${name} is to be on or off, not “${value}”.`)
}
