/** Lets one event per key and span through. Bounded: with too many keys all are forgotten, and some come through again. */
export function createThrottle<K>(init: { spanMs: number; now: () => number; keysMax?: number }): (key: K) => boolean {
  const { spanMs, now, keysMax = 1024 } = init
  const last = new Map<K, number>()
  return key => {
    const time = now()
    const before = last.get(key)
    if (before !== undefined && time - before < spanMs) return false
    if (last.size >= keysMax) last.clear()
    last.set(key, time)
    return true
  }
}
