import { FutureFoldedNames, names, rightNames } from '../bases/names.js'
import type { Mistake } from '../mistake.js'

class NeedsALetter extends FutureFoldedNames {
  override $add(call: Parameters<FutureFoldedNames['$add']>[0]) {
    if (call.args[0].charCodeAt(0) > 0) return super.$add(call)
    throw new TypeError('a name begins with a letter')
  }
}

export default {
  planted: 'a shadow throws on a value that the other version takes: the empty name',
  found: { kind: 'simulation', naming: /\$add[^]*begins with a letter/ },
  wrong: names({ future: NeedsALetter }),
  corrected: rightNames
} satisfies Mistake
