import {
  defineClass,
  defineUpgrade,
  type Mapping,
  type Shadowed,
  type UpgradeDefinition
} from '@instar/simulator-runtime'
import type { intSet } from './sets.js'
import { checked, colorSet, ColorSet, genesis, IntSet, v1, v2 } from './sets.js'
import type { Checked } from '../mistake.js'

// The same upgrade in the twin model: both classes on full state of their own.

export class FutureColors extends ColorSet {
  async $insert({ args: [x] }: Shadowed<typeof intSet, 'insert'>) {
    if (await this.contains(x)) return []
    await this.insertColor(x, 'blue')
    return [v2.insertColor(x, 'blue')]
  }

  async $delete({ args: [x] }: Shadowed<typeof intSet, 'delete'>) {
    await this.delete(x)
    return [v2.delete(x)]
  }
}

export class PastNumbers extends IntSet {
  async $insertColor({ args: [x] }: Shadowed<typeof colorSet, 'insertColor'>) {
    await this.insert(x)
    return [v1.insert(x)]
  }

  async $delete({ args: [x] }: Shadowed<typeof colorSet, 'delete'>) {
    await this.delete(x)
    return [v1.delete(x)]
  }
}

interface Parts {
  readonly to: typeof ColorSet
  readonly map: Mapping
  readonly future: typeof FutureColors
  readonly past: typeof PastNumbers
}

const map: Mapping = ({ key }, { newState }) => newState.put(key, 'blue')

function twinUpgrade(parts: Partial<Parts> = {}): UpgradeDefinition<typeof intSet, typeof colorSet> {
  const { to = ColorSet, future = FutureColors, past = PastNumbers } = parts
  return defineUpgrade({
    from: genesis,
    to: defineClass(colorSet, to),
    twin: { map: parts.map ?? map, future, past }
  })
}

export function twinSets(parts: Partial<Parts> = {}): Checked {
  return checked(twinUpgrade(parts))
}

export const rightTwinSets = twinSets()
