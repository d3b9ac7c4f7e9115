import { FutureColorSet, shadowedSets, v2, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

class Repaints extends FutureColorSet {
  override async $insert({ args: [x] }: Parameters<FutureColorSet['$insert']>[0]) {
    await this.ctx.state.del(String(x))
    return [v2.insertColor(x, 'blue')]
  }
}

export default {
  planted: 'the shadow of insert does not look whether the element was there, and makes it blue',
  found: { kind: 'shadow', naming: /v1\.insert/ },
  wrong: shadowedSets({ future: Repaints }),
  corrected: rightSets
} satisfies Mistake
