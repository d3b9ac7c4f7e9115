import { rightTwinSets, twinSets } from '../bases/twin-sets.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'the mapping of a twin knows no number of two digits',
  found: { kind: 'transform', naming: /the mapping of "10" failed: a number of two digits/ },
  wrong: twinSets({
    map: async ({ key }, { newState }) => {
      if (key.length > 1) throw new RangeError('a number of two digits')
      await newState.put(key, 'blue')
    }
  }),
  corrected: rightTwinSets
} satisfies Mistake
