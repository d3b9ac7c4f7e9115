import { percentile } from '../measurement/statistics.js'

/** What callers have seen. */
interface Seen {
  /** Milliseconds from when a call was due to its answer: a call that had to wait for its turn has waited, too. */
  readonly p50: number
  readonly p99: number
  readonly worst: number
  readonly errors: number
  /** Answers a second. */
  readonly rate: number
}

/** A moment, and how many calls had been answered. */
export interface Mark {
  readonly atMs: number
  readonly answered: number
  readonly errors: number
}

export interface PacedCaller {
  mark(): Mark
  /** What was seen between two moments; `to` absent: until now. */
  seen(from: Mark, to?: Mark): Seen
  stop(): Promise<void>
}

const everyMs = 2
/** Callers of one that is not paced: each makes the next call when it has an answer. */
const inFlight = 64
/** A pause must not be mistaken for a slower pace. */
const waitingMax = 200_000

/** Calls at a steady pace, whatever the answers take; at pace `Infinity` as fast as 64 callers get answers. */
export function startCaller(pace: number, call: (i: number) => Promise<unknown>): PacedCaller {
  const latencies: number[] = []
  let errors = 0
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

  const mark = (): Mark => ({ atMs: performance.now(), answered: latencies.length, errors })

  return {
    mark,
    seen(from, to = mark()) {
      const sorted = Float64Array.from(latencies.slice(from.answered, to.answered)).sort()
      const none = sorted.length === 0
      return {
        p50: none ? NaN : percentile(sorted, 0.5),
        p99: none ? NaN : percentile(sorted, 0.99),
        worst: sorted.at(-1) ?? NaN,
        errors: to.errors - from.errors,
        rate: (sorted.length * 1000) / (to.atMs - from.atMs)
      }
    },
    async stop() {
      stopped = true
      clearInterval(timer)
      await Promise.all(ended)
    }
  }
}
