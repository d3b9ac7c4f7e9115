import { defineClass, defineUpgrade } from '@instar/simulator-runtime'
import { checked, colorSet, ColorSet, FutureColorSet, intSet, PastIntSet, transform, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

export default {
  planted: 'a new object of the new class begins with an element, one of the old class without',
  found: { kind: 'specification', naming: /initial states/ },
  wrong: checked(
    defineUpgrade({
      from: intSet,
      to: defineClass(colorSet, ColorSet, { initialize: state => state.put('1', 'blue') }),
      future: { model: 'shadowed', implementation: FutureColorSet },
      past: { model: 'shadowed', implementation: PastIntSet },
      transform
    })
  ),
  corrected: rightSets
} satisfies Mistake
