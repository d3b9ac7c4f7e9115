import { defineClass, defineUpgrade, Failed } from '@instar/simulator-runtime'
import { colorSet, ColorSet, shadowedSets } from '../bases/sets.js'
import type { Checked, Mistake } from '../mistake.js'

class Stricter extends ColorSet {
  override async delete(x: number): Promise<void> {
    if (!(await this.contains(x))) throw new Failed(`${x} is not in the set`)
    return super.delete(x)
  }
}

class Patched extends ColorSet {
  override async contains(x: number): Promise<boolean> {
    return (await this.ctx.state.get(String(x))) !== undefined
  }
}

function patched(by: typeof ColorSet): Checked {
  const { versions, specifications } = shadowedSets()
  const patch = defineUpgrade({ from: colorSet, to: defineClass(colorSet, by) })
  return { versions: [...versions, patch], specifications }
}

export default {
  planted: 'a patch of the same contract answers a call otherwise',
  found: { kind: 'sequence', naming: /delete\(\d+\) = Failed/ },
  wrong: patched(Stricter),
  corrected: patched(Patched)
} satisfies Mistake
