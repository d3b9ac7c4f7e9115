import { rightTwinSets, twinSets } from '../bases/twin-sets.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'two old keys write one new key: each element puts a count that the others put as well',
  found: { kind: 'transform', naming: /the entries "\d+" and "\d+" write the same key of the new state/ },
  wrong: twinSets({
    map: async ({ key }, { newState }) => {
      await newState.put(key, 'blue')
      await newState.sublevel('counts').put('blue', 1)
    }
  }),
  corrected: rightTwinSets
} satisfies Mistake
