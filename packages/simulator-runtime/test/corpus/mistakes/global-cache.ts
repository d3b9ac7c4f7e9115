import { FutureColorSet, shadowedSets, type Colour, rightSets } from '../bases/sets.js'
import type { Mistake } from '../mistake.js'

const cache = new Map<number, Colour>()

class Caches extends FutureColorSet {
  override async getColor(x: number): Promise<Colour> {
    const color = cache.get(x) ?? (await super.getColor(x))
    cache.set(x, color)
    return color
  }

  override async insertColor(x: number, color: Colour): Promise<void> {
    await super.insertColor(x, color)
    cache.delete(x)
  }

  override async delete(x: number): Promise<void> {
    await super.delete(x)
    cache.delete(x)
  }
}

export default {
  planted: 'colours are cached in the module, where calls of version 1, withdrawals and restarts do not reach them',
  found: { kind: 'sequence', naming: /v2\.getColor\(\d+\) = / },
  wrong: shadowedSets({ future: Caches }),
  corrected: rightSets
} satisfies Mistake
