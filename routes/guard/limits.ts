import { Buckets, type Rate } from '../../rooms/bucket.ts'
import type { Clock } from '../../rooms/clock.ts'

/** What one address may do. */
export interface Limits {
  readonly newRooms: Buckets
  readonly wrongCodes: Buckets
  /** Frames of one connection, of whatever kind. */
  readonly frames: Rate
}

const UNLIMITED = { burst: Number.POSITIVE_INFINITY, perSecond: 1 }

/** Twenty rooms an hour and ten wrong codes a minute, or no limit at all. */
export function makeLimits(clock: Clock, areRatesLimited: boolean): Limits {
  const newRooms = { burst: 20, perSecond: 20 / 3600 }
  const wrongCodes = { burst: 10, perSecond: 10 / 60 }
  return {
    newRooms: new Buckets(areRatesLimited ? newRooms : UNLIMITED, clock.now),
    wrongCodes: new Buckets(areRatesLimited ? wrongCodes : UNLIMITED, clock.now),
    frames: areRatesLimited ? { burst: 100, perSecond: 20 } : UNLIMITED,
  }
}
