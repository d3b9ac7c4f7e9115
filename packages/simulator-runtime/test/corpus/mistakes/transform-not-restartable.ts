import { checked, shadowedUpgrade, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

/** What earlier attempts have done; their state is gone, this is not. */
const done = new Set<string>()

export default {
  planted: 'the transform goes on where it stopped, but what it wrote before it was killed is gone',
  found: { kind: 'transform', naming: /restart|again|killed|attempt/i },
  wrong: checked(
    shadowedUpgrade({
      transform: async ({ oldState, futureState, newState, pastState }) => {
        let size = 0
        for await (const x of oldState.keys()) {
          size++
          if (done.has(x)) continue
          done.add(x)
          await newState.put(x, (await futureState.get(x)) ?? 'blue')
        }
        await pastState.put('size', size)
        done.clear()
      }
    })
  ),
  corrected: rightSets
} satisfies Mistake
