/** How fast a count grows, over about the last second. */
export interface Rate {
  perSecond(count: number): number
}

const windowMs = 1000

export function createRate(now: () => number): Rate {
  const samples: { readonly atMs: number; readonly count: number }[] = []
  return {
    perSecond(count) {
      const atMs = now()
      samples.push({ atMs, count })
      while (samples.length > 2 && atMs - (samples[1]?.atMs ?? atMs) >= windowMs) samples.shift()
      const [first] = samples
      if (first === undefined || atMs === first.atMs) return 0
      return ((count - first.count) * 1000) / (atMs - first.atMs)
    }
  }
}
