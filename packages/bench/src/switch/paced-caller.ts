import { percentile } from '../measurement/statistics.js'

/** What callers have seen between two moments. */
interface Seen {
  /** Milliseconds from when a call was due to its answer: a call that had to wait for its turn has waited, too. */
  readonly p50: number
  readonly p99: number
  readonly worst: number
  readonly errors: number
  /** Answers a second. */
  readonly rate: number
}

export interface PacedCaller {
  /** What was seen since the last time that it was asked. */
  seen(): Seen
  stop(): Promise<void>
}

const everyMs = 2
/** Callers of one that is not paced: each makes the next call when it has an answer. */
const inFlight = 64
/** A pause must not be mistaken for a slower pace. */
const waitingMax = 200_000

/** Calls at a steady pace, whatever the answers take; at pace `Infinity` as fast as 64 callers get answers. */
export function startCaller(pace: number, call: (i: number) => Promise<unknown>): PacedCaller {
  let latencies: number[] = []
  let errors = 0
  let sinceMs = performance.now()
  let made = 0
  let waiting = 0
  let stopped = false
  const ended: Array<Promise<void>> = []

  async function callOnce(dueMs: number): Promise<void> {
    waiting++
    try {
      await call(made++)
    } catch {
      errors++
    }
    waiting--
    latencies.push(performance.now() - dueMs)
  }

  async function oneAfterTheOther(): Promise<void> {
    while (!stopped) await callOnce(performance.now())
  }

  const startedMs = performance.now()
  let due = 0
  const timer = setInterval(() => {
    const now = performance.now()
    for (; startedMs + (due * 1000) / pace <= now && waiting < waitingMax; due++)
      ended.push(callOnce(startedMs + (due * 1000) / pace))
  }, everyMs)
  if (pace === Infinity) {
    clearInterval(timer)
    ended.push(...Array.from({ length: inFlight }, oneAfterTheOther))
  }

  return {
    seen() {
      const sorted = Float64Array.from(latencies).sort()
      const now = performance.now()
      const seconds = (now - sinceMs) / 1000
      const none = sorted.length === 0
      const seen = {
        p50: none ? NaN : percentile(sorted, 0.5),
        p99: none ? NaN : percentile(sorted, 0.99),
        worst: sorted.at(-1) ?? NaN,
        errors,
        rate: sorted.length / seconds
      }
      latencies = []
      errors = 0
      sinceMs = now
      return seen
    },
    async stop() {
      stopped = true
      clearInterval(timer)
      await Promise.all(ended)
    }
  }
}
