import { fold, FutureFoldedNames, names, rightNames } from '../bases/names.js'
import type { Mistake } from '../mistake.js'

class GivesAll extends FutureFoldedNames {
  override async names(): Promise<string[]> {
    return [...new Set((await this.ctx.delegate.names()).map(fold))].sort()
  }
}

export default {
  planted: 'an answer has no bound where the contract has one',
  found: { kind: 'type', naming: /v2\.names\(\)[^]*OutOfContract/ },
  wrong: names({ future: GivesAll }),
  corrected: rightNames
} satisfies Mistake
