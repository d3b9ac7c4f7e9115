import { checked, shadowedUpgrade, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'the transform does not give the past simulation object what it needs',
  found: { kind: 'identity', naming: /upgrade to 2[^]*v1\.size\(\) = 0/ },
  wrong: checked(
    shadowedUpgrade({
      transform: async ({ oldState, futureState, newState }) => {
        for await (const x of oldState.keys()) await newState.put(x, (await futureState.get(x)) ?? 'blue')
      }
    })
  ),
  corrected: rightSets
} satisfies Mistake
