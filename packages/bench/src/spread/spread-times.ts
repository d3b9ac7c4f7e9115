import { phases, type Phase } from '@instar/core'

/** Metric → unit of one publication: from the moment at which the publisher's peer trusts it until the last of the others is so far. */
export const spreadUnits = { known: 'ms', 'bundle complete': 'ms', introduced: 'ms' } as const

export type SpreadSample = Record<keyof typeof spreadUnits, number>

/** A bundle is complete when the next thing is tried with it. */
const phaseOf: Readonly<Record<keyof SpreadSample, Phase>> = {
  known: 'known',
  'bundle complete': 'rehearsing',
  introduced: 'introduced'
}

/** @throws Error when a peer never came so far */
export function spreadTimes(
  publisher: ReadonlyMap<Phase, number>,
  others: ReadonlyArray<ReadonlyMap<Phase, number>>
): SpreadSample {
  const start = reached(publisher, 'known')
  const last = (metric: keyof SpreadSample): number =>
    Math.max(...others.map(began => reached(began, phaseOf[metric]) - start))
  return { known: last('known'), 'bundle complete': last('bundle complete'), introduced: last('introduced') }
}

/** A peer passes over phases in which it has nothing to do, so a later one counts as well: they are listed in their order. */
function reached(began: ReadonlyMap<Phase, number>, phase: Phase): number {
  const at = Math.min(
    ...[...began].filter(([each]) => phases.indexOf(each) >= phases.indexOf(phase)).map(([, at]) => at)
  )
  if (!Number.isFinite(at)) throw new Error(`a peer was never ${phase}; it was ${[...began.keys()].join(', ')}`)
  return at
}
