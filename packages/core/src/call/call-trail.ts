const trailCharactersMax = 120
const mark = ' → '
const left = '…'

/**
 * Adds a step to the trail of a call that goes on from peer to peer, for people: `A.sum at …kWq3xYzA → B.sum`. Bounded: what came long
 * before is left out. At most 180 bytes.
 */
export function extendTrail(trail: string, step: string): string {
  const steps = [...trail.split(mark).filter(each => each !== '' && each !== left), printable(step)]
  let kept = steps.length
  const text = (): string =>
    [...(kept < steps.length || trail.startsWith(left) ? [left] : []), ...steps.slice(-kept)].join(mark)
  while (kept > 1 && text().length > trailCharactersMax) kept--
  return text()
}

const stepCharactersMax = 60

/** Of names in other scripts each character may be three bytes. */
function printable(step: string): string {
  const ascii = step.replace(/[^\x20-\x7e…]/g, '?')
  return ascii.length > stepCharactersMax ? `${ascii.slice(0, stepCharactersMax - 1)}${left}` : ascii
}
