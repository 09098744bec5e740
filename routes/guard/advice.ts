import type { Clock } from '../../rooms/clock.ts'
import { plainAddress } from './address.ts'
import type { Outside } from './outside.ts'
import type { Reporter } from './report.ts'
import { seldom } from './seldom.ts'

// Longer than the name of any host, so that only what was made up is cut.
const SHOWN_CHARACTERS = 300

/**
 * Tells the person who runs this what was refused because of how it is set up, and what to set. Each kind is told once a
 * minute at most, because strangers can bring all of them about.
 */
export class Advice {
  #tell: ReturnType<typeof seldom>

  constructor(clock: Clock, report: Reporter) {
    this.#tell = seldom(clock, report)
  }

  /** A page, or a handshake, came from an origin that may not post or open sockets. */
  originRefused(origin: string, outside: Outside): void {
    this.#tell('origin-refused', () => ({
      event: 'origin-refused',
      origin: shown(origin),
      expected: outside.origin ?? 'unknown',
      advice: adviceOn(origin, outside),
    }))
  }

  /** A handshake came without what makes it one. */
  upgradeLost(): void {
    const advice = 'Let the proxy speak HTTP/1.1 to the chat, and pass on the headers Upgrade and Connection.'
    this.#tell('upgrade-lost', () => ({ event: 'upgrade-lost', advice }))
  }

  /** Somebody asked for what lies below the base path as if there were none. */
  baseLost(base: string): void {
    const advice = `The chat is below ${base}. Let the proxy keep that at the start of what it passes on, or set no BASE_PATH.`
    this.#tell('base-path-lost', () => ({ event: 'base-path-lost', advice }))
  }
}

function adviceOn(origin: string, { stranger, origin: expected }: Outside): string {
  if (origin === 'null')
    return 'A page that has no origin may not post: let no proxy set Referrer-Policy to no-referrer, and sandbox no frame.'
  if (stranger !== undefined)
    return `Forwarding headers came from ${stranger}, which is not trusted. If that is your proxy, set TRUSTED_PROXIES=${settingFor(stranger)}.`
  const own = shown(origin)
  if (afterScheme(origin) === afterScheme(expected ?? ''))
    return `If the chat is at ${own}, let the proxy set X-Forwarded-Proto, and set TRUSTED_PROXIES to its address.`
  return `If the chat is at ${own}, let the proxy pass Host on. If that is another site that may use the chat, set ORIGINS=${own}.`
}

function settingFor(peer: string): string {
  const address = plainAddress(peer)
  return address === '::1' || address.startsWith('127.') ? 'loopback' : address
}

function afterScheme(origin: string): string {
  return origin.replace(/^[^:]*/, '')
}

/** What a stranger wrote, with all escaped that means something to whoever reads a log. */
function shown(written: string): string {
  return written
    .slice(0, SHOWN_CHARACTERS)
    .replace(/[^\w.:/[\]-]/g, (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`)
}
