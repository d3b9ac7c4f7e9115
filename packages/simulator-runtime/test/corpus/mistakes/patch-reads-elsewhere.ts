import { defineClass, defineUpgrade, type StateView } from '@instar/simulator-runtime'
import { colorSet, ColorSet, shadowedSets } from '../bases/sets.js'
import type { Checked, Mistake } from '../mistake.js'

class Tidier extends ColorSet {
  protected override get items(): StateView {
    return this.ctx.state.sublevel('items')
  }
}

function patched(withTransform: boolean): Checked {
  const { versions, specifications } = shadowedSets()
  const ends = { from: colorSet, to: defineClass(colorSet, Tidier) }
  const patch = defineUpgrade(
    withTransform
      ? {
          ...ends,
          transform: async ({ oldState, newState }) => {
            for await (const [x, color] of oldState.iterator()) await newState.sublevel('items').put(x, color)
          }
        }
      : ends
  )
  return { versions: [...versions, patch], specifications }
}

export default {
  planted: 'a patch looks for its state at another place, and nobody brings it there',
  found: { kind: 'identity', naming: /upgrade to 3[^]*contains\(\d+\) = false/ },
  wrong: patched(false),
  corrected: patched(true)
} satisfies Mistake
