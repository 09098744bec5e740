import { Buckets, type Rate, UNLIMITED } from '../../rooms/bucket.ts'
import type { Clock } from '../../rooms/clock.ts'
import type { Posted, Said } from '../../rooms/rooms.ts'
import { type Member, type Result, refuse } from '../../rooms/types.ts'
import type { Fields } from './body.ts'
import { isAboutPassword, type SiteResult } from './refusals.ts'
import type { Limits, Site } from './site.ts'

/** Twenty rooms an hour, sixty joins, ten wrong codes, sixty wrong links and passwords a minute, or no limit at all. */
export function makeLimits(clock: Clock, areRatesLimited: boolean): Limits {
  const buckets = (rate: Rate) => new Buckets(areRatesLimited ? rate : UNLIMITED, clock.elapsed)
  return {
    newRooms: buckets({ burst: 20, perSecond: 20 / 3600 }),
    joins: buckets({ burst: 60, perSecond: 1 }),
    wrongCodes: buckets({ burst: 10, perSecond: 10 / 60 }),
    wrongLinks: buckets({ burst: 60, perSecond: 1 }),
    passwords: buckets({ burst: 60, perSecond: 1 }),
    posts: buckets({ burst: 100, perSecond: 20 }),
    frames: areRatesLimited ? { burst: 100, perSecond: 20 } : UNLIMITED,
  }
}

/**
 * Lets somebody into a room, unless too many came from their address. Who is not let in does not count. Wrong passwords
 * count by themselves, and only at the door where they were tried: others of the address still come into other rooms.
 * @param enter how they come in; by default as a guest
 */
export async function join(
  { limits, rooms }: Site,
  address: string,
  code: string,
  { name = '', password }: Fields,
  enter = () => rooms.join(code, name, password),
): Promise<SiteResult<{ member: Member }>> {
  const wait = limits.joins.take(address)
  if (wait > 0) return refuse('too-many-joins', { retryAfter: Math.ceil(wait) })
  let isIn = false
  try {
    const joined = await countPasswords(limits, `${address} ${code}`, enter)
    isIn = joined.ok
    return joined
  } finally {
    if (!isIn) limits.joins.giveBack(address)
  }
}

/** Lets somebody try, unless too many passwords were wrong at this door. The right one is not told from a wrong one then. */
async function countPasswords<T>(
  { passwords }: Limits,
  door: string,
  enter: () => Promise<SiteResult<T>>,
): Promise<SiteResult<T>> {
  const wait = passwords.take(door)
  if (wait > 0) return refuse('too-many-passwords', { retryAfter: Math.ceil(wait) })
  let isWrong = false
  try {
    const entered = await enter()
    isWrong = !entered.ok && isAboutPassword(entered)
    return entered
  } finally {
    if (!isWrong) passwords.giveBack(door)
  }
}

/** Says something, unless too much came from the sender's address. What is not said does not count. */
export async function post(
  { limits, rooms }: Site,
  address: string,
  code: string,
  member: Member,
  said: Said,
): Promise<Result<Posted>> {
  const wait = limits.posts.take(address)
  if (wait > 0) return refuse('too-fast', { retryAfter: Math.ceil(wait) })
  const posted = await rooms.post(code, member, said)
  if (!posted.ok) limits.posts.giveBack(address)
  return posted
}
