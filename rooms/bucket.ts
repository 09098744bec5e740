/** How much at once, and how much a second afterwards. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

/** A token bucket: what is left, and when it was last looked at. */
export interface Bucket {
  tokens: number
  at: number
}

/** A rate that is none. */
export const UNLIMITED: Rate = { burst: Number.POSITIVE_INFINITY, perSecond: 1 }

// Somebody with a whole network has more addresses than fit into memory: beyond this many the bucket that was unused
// for the longest is forgotten.
const BUCKETS = 100_000

/** A full bucket. */
export function fill(rate: Rate, now: number): Bucket {
  return { tokens: rate.burst, at: now }
}

/**
 * Takes one token.
 * @returns 0, or the seconds until there is one
 */
export function take(bucket: Bucket, rate: Rate, now: number): number {
  const wait = refill(bucket, rate, now)
  if (wait === 0) bucket.tokens -= 1
  return wait
}

/** Seconds until a token can be taken, 0 when one is there; takes none. */
function refill(bucket: Bucket, rate: Rate, now: number): number {
  const gained = ((now - bucket.at) / 1000) * rate.perSecond
  bucket.tokens = Math.min(rate.burst, bucket.tokens + gained)
  bucket.at = now
  return bucket.tokens >= 1 ? 0 : (1 - bucket.tokens) / rate.perSecond
}

/** Buckets by name, the longest unused first; forgotten once they are full again. */
export class Buckets {
  #rate: Rate
  #now: () => number
  #buckets = new Map<string, Bucket>()

  /** @param now milliseconds that never run backwards */
  constructor(rate: Rate, now: () => number) {
    this.#rate = rate
    this.#now = now
  }

  /** How many are not known to be full. */
  get size(): number {
    return this.#buckets.size
  }

  /** Takes a token of this name: 0, or the seconds until there is one. */
  take(name: string): number {
    if (this.#rate === UNLIMITED) return 0
    const bucket = this.#buckets.get(name) ?? fill(this.#rate, this.#now())
    this.#buckets.delete(name)
    this.#buckets.set(name, bucket)
    const wait = take(bucket, this.#rate, this.#now())
    this.#forget()
    return wait
  }

  /** Gives a token back that was taken for nothing. */
  giveBack(name: string): void {
    const bucket = this.#buckets.get(name)
    if (bucket) bucket.tokens += 1
  }

  /** Seconds until a token of this name can be taken; takes none. */
  wait(name: string): number {
    const bucket = this.#buckets.get(name)
    return bucket ? refill(bucket, this.#rate, this.#now()) : 0
  }

  /** Two go for one that came, so that those who are full again become fewer without a look at all of them. */
  #forget(): void {
    for (let count = 0; count < 2; count += 1) {
      const [oldest] = this.#buckets
      if (!oldest || !(this.#buckets.size > BUCKETS || this.#isFull(oldest[1]))) return
      this.#buckets.delete(oldest[0])
    }
  }

  #isFull(bucket: Bucket): boolean {
    refill(bucket, this.#rate, this.#now())
    return bucket.tokens >= this.#rate.burst
  }
}
