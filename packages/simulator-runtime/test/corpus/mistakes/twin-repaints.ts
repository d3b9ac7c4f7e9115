import { v2 } from '../bases/sets.js'
import { FutureColors, rightTwinSets, twinSets } from '../bases/twin-sets.js'
import type { Mistake } from '../mistake.js'

class Repaints extends FutureColors {
  override async $insert({ args: [x] }: Parameters<FutureColors['$insert']>[0]) {
    await this.insertColor(x, 'blue')
    return [v2.insertColor(x, 'blue')]
  }
}

export default {
  planted: 'inserting what is there at version 1 recolours it in the twin',
  found: { kind: 'shadow', naming: /v1\.insert/ },
  wrong: twinSets({ future: Repaints }),
  corrected: rightTwinSets
} satisfies Mistake
