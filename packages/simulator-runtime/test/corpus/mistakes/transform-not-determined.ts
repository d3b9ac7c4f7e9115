import { checked, shadowedUpgrade, transform, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'the transform paints by chance what its author thought nobody would miss',
  found: { kind: ['transform', 'identity'], naming: /upgrade to 2|transform/ },
  wrong: checked(
    shadowedUpgrade({
      transform: async states => {
        await transform(states)
        // Meant for old entries without a colour; there are such.
        for await (const x of states.oldState.keys()) {
          if ((await states.futureState.has(x)) || Math.random() < 0.5) continue
          await states.newState.put(x, 'green')
        }
      }
    })
  ),
  corrected: rightSets
} satisfies Mistake
