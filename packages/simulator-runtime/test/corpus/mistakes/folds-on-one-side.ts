import { fold, names, PastNames, v1, rightNames } from '../bases/names.js'
import type { Mistake } from '../mistake.js'

class DoesNotFold extends PastNames {
  override async $remove({ args: [name] }: Parameters<PastNames['$remove']>[0]) {
    const spelled = (await this.names()).filter(each => each === fold(name))
    for (const each of spelled) await this.ctx.state.del(`.${each}`)
    return spelled.map(each => v1.remove(each))
  }
}

export default {
  planted: 'the names of one side are compared as they are spelled, those of the other folded',
  found: { kind: 'shadow', naming: /v2\.remove/ },
  wrong: names({ past: DoesNotFold }),
  corrected: rightNames
} satisfies Mistake
