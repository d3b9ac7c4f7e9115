import { checked, shadowedUpgrade, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'the transform does not carry over what the future simulation object remembered',
  found: { kind: 'identity', naming: /upgrade to 2[^]*v2\.getColor\(\d+\) = "blue"/ },
  wrong: checked(
    shadowedUpgrade({
      transform: async ({ oldState, newState, pastState }) => {
        let size = 0
        for await (const x of oldState.keys()) {
          await newState.put(x, 'blue')
          size++
        }
        await pastState.put('size', size)
      }
    })
  ),
  corrected: rightSets
} satisfies Mistake
