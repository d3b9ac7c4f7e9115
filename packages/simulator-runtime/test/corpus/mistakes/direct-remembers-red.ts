import { defineUpgrade, Disallowed, type SimulationContext } from '@instar/simulator-runtime'
import { checked, colored, FutureColorSet, intSet, PastIntSet, transform, type Colour } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

/** In the direct model only blue can be kept. */
class OnlyBlue extends FutureColorSet {
  override insertColor(x: number, color: Colour): Promise<void> {
    if (color !== 'blue') throw new Disallowed(reason)
    return super.insertColor(x, color)
  }
}

const reason = 'calls of version 1 would change the colour unnoticed'

const past = { model: 'shadowed', implementation: PastIntSet } as const

const sets = (future: new (ctx: SimulationContext<typeof intSet>) => FutureColorSet) =>
  checked(defineUpgrade({ from: intSet, to: colored, future, past, transform }), {
    disallow: { new: { insertColor: ([, color]) => (color === 'blue' ? undefined : reason) } }
  })

export default {
  planted: 'a direct simulation object remembers red, which calls of version 1 make wrong unseen',
  found: { kind: 'sequence', naming: /v2\.getColor\(\d+\) = "(red|green)"/ },
  wrong: sets(FutureColorSet),
  corrected: sets(OnlyBlue)
} satisfies Mistake
