import { v2, type Colour } from '../bases/sets.js'
import { FutureColors, rightTwinSets, twinSets } from '../bases/twin-sets.js'
import type { Mistake } from '../mistake.js'

class PaintsByChance extends FutureColors {
  override async $insert({ args: [x] }: Parameters<FutureColors['$insert']>[0]) {
    if (await this.contains(x)) return []
    const color: Colour = Math.random() < 0.5 ? 'blue' : 'green'
    await this.insertColor(x, color)
    return [v2.insertColor(x, color)]
  }
}

export default {
  planted: 'a shadow throws dice of its own, so that what it does is not what the call amounts to',
  found: { kind: ['shadow', 'determinism'], naming: /insertColor\(\d+, "green"\)|besides the history/ },
  wrong: twinSets({ future: PaintsByChance }),
  corrected: rightTwinSets
} satisfies Mistake
