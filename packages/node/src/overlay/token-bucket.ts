/** So many in a second on average, and so many at once. Time is passed in; it may stand still, and where it goes back nothing is lent. */
export class TokenBucket {
  private tokens: number
  private filledAtMs: number

  constructor(
    private readonly perSecond: number,
    private readonly atOnce: number,
    nowMs: number
  ) {
    this.tokens = atOnce
    this.filledAtMs = nowMs
  }

  /** Takes them if they are there. */
  take(count: number, nowMs: number): boolean {
    this.fill(nowMs)
    if (this.tokens < count) return false
    this.tokens -= count
    return true
  }

  /** Takes them in any case; answers how long to wait until nothing is owed. */
  spend(count: number, nowMs: number): number {
    this.fill(nowMs)
    this.tokens -= count
    return this.tokens >= 0 ? 0 : Math.ceil((-this.tokens / this.perSecond) * 1000)
  }

  isFull(nowMs: number): boolean {
    this.fill(nowMs)
    return this.tokens >= this.atOnce
  }

  private fill(nowMs: number): void {
    const earned = (Math.max(0, nowMs - this.filledAtMs) / 1000) * this.perSecond
    this.tokens = Math.min(this.atOnce, this.tokens + earned)
    this.filledAtMs = nowMs
  }
}

/** One bucket per key. One that is full again is forgotten: it says what a new one says. Bounded; beyond that the one made first is forgotten. */
export class TokenBuckets {
  private readonly buckets = new Map<string, TokenBucket>()

  constructor(
    private readonly init: {
      readonly perSecond: number
      readonly atOnce: number
      readonly now: () => number
      readonly keysMax?: number
    }
  ) {}

  take(key: string, count = 1): boolean {
    return this.of(key).take(count, this.init.now())
  }

  spend(key: string, count: number): number {
    return this.of(key).spend(count, this.init.now())
  }

  private of(key: string): TokenBucket {
    const known = this.buckets.get(key)
    if (known !== undefined) return known
    const { perSecond, atOnce, now, keysMax = 1000 } = this.init
    if (this.buckets.size >= keysMax) this.forgetSome(now())
    const bucket = new TokenBucket(perSecond, atOnce, now())
    this.buckets.set(key, bucket)
    return bucket
  }

  private forgetSome(nowMs: number): void {
    for (const [key, bucket] of this.buckets) if (bucket.isFull(nowMs)) this.buckets.delete(key)
    const first = this.buckets.keys().next().value
    if (this.buckets.size >= (this.init.keysMax ?? 1000) && first !== undefined) this.buckets.delete(first)
  }
}
