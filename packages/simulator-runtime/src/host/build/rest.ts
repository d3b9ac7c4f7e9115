/** While calls come, the pause after a slice is so many times as long as the slice was: an eighth of the time is the slices'. */
export const restFactor = 7

/** The pause after a part of what is done beside calls, so many times as long; with 0 only until whatever else is due was done. */
export function rest(tookMs: number, factor: number): Promise<void> {
  const ms = tookMs * factor
  return new Promise(resolve => (ms < 1 ? setImmediate(resolve) : setTimeout(resolve, ms)))
}
