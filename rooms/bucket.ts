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
export function refill(bucket: Bucket, rate: Rate, now: number): number {
  const gained = (Math.max(0, now - bucket.at) / 1000) * rate.perSecond
  bucket.tokens = Math.min(rate.burst, bucket.tokens + gained)
  bucket.at = now
  return bucket.tokens >= 1 ? 0 : (1 - bucket.tokens) / rate.perSecond
}

/** Buckets by name, forgotten once they are full again. */
export class Buckets {
  #rate: Rate
  #now: () => number
  #buckets = new Map<string, Bucket>()
  #sweepAt = 1000

  constructor(rate: Rate, now: () => number) {
    this.#rate = rate
    this.#now = now
  }

  /** Takes a token of this name: 0, or the seconds until there is one. */
  take(name: string): number {
    return take(this.#bucket(name), this.#rate, this.#now())
  }

  /** Gives a token back that was taken for nothing. */
  giveBack(name: string): void {
    this.#bucket(name).tokens += 1
  }

  /** Seconds until a token of this name can be taken; takes none. */
  wait(name: string): number {
    return refill(this.#bucket(name), this.#rate, this.#now())
  }

  #bucket(name: string): Bucket {
    let bucket = this.#buckets.get(name)
    if (!bucket) {
      if (this.#buckets.size >= this.#sweepAt) this.#sweep()
      bucket = fill(this.#rate, this.#now())
      this.#buckets.set(name, bucket)
    }
    return bucket
  }

  #sweep(): void {
    for (const [name, bucket] of this.#buckets) {
      refill(bucket, this.#rate, this.#now())
      if (bucket.tokens >= this.#rate.burst) this.#buckets.delete(name)
    }
    this.#sweepAt = Math.max(1000, this.#buckets.size * 2)
  }
}
