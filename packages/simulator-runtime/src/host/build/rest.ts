/** While calls come, the pause after a slice is so many times as long as the slice was: an eighth of the time is the slices'. */
const restFactor = 7

/** The pause after a part of what is done beside calls. */
export function rest(tookMs: number, isCalled: boolean): Promise<void> {
  const ms = isCalled ? tookMs * restFactor : 0
  return new Promise(resolve => (ms < 1 ? setImmediate(resolve) : setTimeout(resolve, ms)))
}
