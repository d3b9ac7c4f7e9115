import { defineClass, defineUpgrade } from '@instar/simulator-runtime'
import { countingColorSet } from './contracts.js'
import { CountingColorSet } from './v3.js'

/** A patch: same contract, same state, new code; calls of both versions go to one object and nothing simulates. */
class PatchedColorSet extends CountingColorSet {
  override async countByColor() {
    const counts = await super.countByColor()
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
  }
}

export default defineUpgrade({ from: countingColorSet, to: defineClass(countingColorSet, PatchedColorSet) })
