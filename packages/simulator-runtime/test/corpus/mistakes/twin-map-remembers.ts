import type { Colour } from '../bases/sets.js'
import { rightTwinSets, twinSets } from '../bases/twin-sets.js'
import type { Mistake } from '../mistake.js'

const colours: readonly Colour[] = ['blue', 'red', 'green']
let mapped = 0

export default {
  planted: 'the mapping of a twin counts its calls in the module, and writes otherwise when an entry is mapped again',
  found: { kind: ['sequence', 'identity', 'transform'], naming: /v2\.getColor\(\d+\) = "(red|green)"|mapping/ },
  wrong: twinSets({
    map: ({ key }, { newState }) => newState.put(key, colours[mapped++ % 3] ?? 'blue')
  }),
  corrected: rightTwinSets
} satisfies Mistake
