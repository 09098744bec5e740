import type { Store } from '../rooms/stores/store.ts'
import type { AskVisitor } from './guard/asking.ts'
import { readBase, SettingsError } from './reading.ts'
import { type ChatSettings, type Name, NAMES, readChat, type Value } from './settings.ts'

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
   * comes to a room's page is joined as that visitor at once, and a session follows who is signed in. It can read headers
   * only: the body is the chat's. Where it throws, gives something else or takes more than three seconds, the ordinary door is
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

// What listens is a server, and a chat in somebody's own program is none.
const OF_SERVERS: readonly Name[] = ['PORT', 'HOST', 'METRICS']

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
  return { base: base === undefined ? undefined : readBase(base), ...readChat(value) }
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

/** One room of a list: a comma in it would make two. */
function asOneRoom(option: unknown): string {
  const room = String(option)
  if (!room.includes(',')) return room
  throw new SettingsError(`A title in ROOMS cannot hold a comma, as “${room}” does.`)
}
