/** While calls come, the pause after a slice is so many times as long as the slice was: an eighth of the time is the slices'. */
export const restFactor = 7

/** The pause after a part of what is done beside calls. */
export function rest(tookMs: number, isCalled: boolean, factor = restFactor): Promise<void> {
  const ms = isCalled ? tookMs * factor : 0
  return new Promise(resolve => (ms < 1 ? setImmediate(resolve) : setTimeout(resolve, ms)))
}
