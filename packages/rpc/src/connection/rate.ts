/** Answers whether one more may come now: so many a second on average, and so many at once. */
export function createRate(init: {
  readonly perSecond: number
  readonly atOnce: number
  /** Milliseconds that only grow. */
  readonly now: () => number
}): () => boolean {
  const { perSecond, atOnce, now } = init
  let tokens = atOnce
  let countedAt = now()
  return () => {
    const time = now()
    tokens = Math.min(atOnce, tokens + ((time - countedAt) / 1000) * perSecond)
    countedAt = time
    if (tokens < 1) return false
    tokens--
    return true
  }
}
