import { CallError } from '@instar/core'
import { runningName, type Running } from './host-ending.js'

/**
 * Keeps a method that brought its host down from doing so again at once: whoever calls it is refused for a while, longer each time, and
 * the object stays usable for everything else.
 */
export interface Quarantine {
  /** The refusal of a call that came too early, if it did. */
  refuse(call: { readonly revision: number; readonly method: string }): CallError | undefined
  add(method: Running, cause: string): void
  /** A new plan brings other code. */
  clear(): void
}

const firstMs = 30_000
const longestMs = 10 * 60_000
const methodsMax = 256

export function createQuarantine(now: () => number): Quarantine {
  const kept = new Map<string, { readonly cause: string; readonly pauseMs: number; readonly until: number }>()
  const keyOf = (call: { revision: number; method: string }): string => `${call.revision} ${call.method}`

  return {
    refuse(call) {
      // Nearly always: a look at the map would cost every call a string.
      if (kept.size === 0) return undefined
      const found = kept.get(keyOf(call))
      if (found === undefined || found.until <= now()) return undefined
      const message = `${call.method} is refused for ${Math.ceil((found.until - now()) / 1000)} s: ${found.cause}`
      return new CallError('OutOfContract', { message })
    },
    add(method, cause) {
      const key = keyOf(method)
      const before = kept.get(key)
      kept.delete(key)
      if (kept.size >= methodsMax) kept.delete(kept.keys().next().value as string)
      const pauseMs = before === undefined ? firstMs : Math.min(longestMs, before.pauseMs * 2)
      kept.set(key, {
        cause: `the last call of ${runningName(method)} ended its host (${cause})`,
        pauseMs,
        until: now() + pauseMs
      })
    },
    clear: () => kept.clear()
  }
}
