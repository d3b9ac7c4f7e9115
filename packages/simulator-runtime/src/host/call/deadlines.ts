const granularityMs = 10

export interface Deadline {
  cancel(): void
}

/**
 * Many deadlines on one timer: a timer per call would cost more than the rest of a short call. A deadline comes up to 10 ms late, never
 * early. It is kept against a monotonic clock: the wall clock may jump.
 */
export class Deadlines {
  readonly #buckets = new Map<number, Set<() => void>>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #armedFor = Infinity

  constructor(readonly monotonicMs: () => number) {}

  /** Buckets that something waits in. */
  get size(): number {
    return this.#buckets.size
  }

  add(remainingMs: number, overrun: () => void): Deadline {
    const bucket = Math.ceil((this.monotonicMs() + remainingMs) / granularityMs)
    let members = this.#buckets.get(bucket)
    if (members === undefined) {
      members = new Set()
      this.#buckets.set(bucket, members)
      if (bucket < this.#armedFor) this.#arm(bucket)
    }
    members.add(overrun)
    const joined = members
    return {
      cancel: () => {
        // Most calls are answered long before their deadline: what they leave would be walked through every time the timer fires.
        if (joined.delete(overrun) && joined.size === 0 && this.#buckets.get(bucket) === joined) {
          this.#buckets.delete(bucket)
        }
      }
    }
  }

  /**
   * Settles as the answer does, or rejects when the time is over. What the answer comes to after that is nobody's any more.
   *
   * @param late makes the error, at that moment
   */
  limit<T>(answer: Promise<T>, remainingMs: number, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const deadline = this.add(remainingMs, () => reject(late()))
      answer.then(
        value => {
          deadline.cancel()
          resolve(value)
        },
        (error: unknown) => {
          deadline.cancel()
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever it threw is passed on
          reject(error)
        }
      )
    })
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#buckets.clear()
  }

  #arm(bucket: number): void {
    clearTimeout(this.#timer)
    this.#armedFor = bucket
    const waitMs = bucket * granularityMs - this.monotonicMs()
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.max(waitMs, 1), 0x7fff_ffff))
    this.#timer.unref()
  }

  #fire(): void {
    const reached = Math.floor(this.monotonicMs() / granularityMs)
    this.#armedFor = Infinity
    for (const [bucket, members] of this.#buckets) {
      if (bucket > reached) continue
      this.#buckets.delete(bucket)
      for (const overrun of members) overrun()
    }
    let next = Infinity
    for (const bucket of this.#buckets.keys()) if (bucket < next) next = bucket
    if (next < Infinity) this.#arm(next)
  }
}
