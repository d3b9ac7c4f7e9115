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
    return { cancel: () => joined.delete(overrun) }
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
