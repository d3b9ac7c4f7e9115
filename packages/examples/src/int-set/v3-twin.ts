import { callsOf, defineClass, defineUpgrade, type Shadowed } from '@instar/simulator-runtime'
import { colorSet, countingColorSet, type Colour } from './contracts.js'
import twin from './v2-twin.js'
import { ColorSet } from './v2.js'

/**
 * State: `!items!<element>` → its colour. The direct version 3 keeps a count of each colour; a mapping cannot, since all elements of one
 * colour would put one key. So it counts when it is asked.
 */
class CountingColorSet extends ColorSet {
  async countByColor(): Promise<Partial<Record<Colour, number>>> {
    const counts: Partial<Record<Colour, number>> = {}
    for await (const color of this.ctx.state.sublevel<string, Colour>('items').values()) {
      counts[color] = (counts[color] ?? 0) + 1
    }
    return counts
  }
}

const v2 = callsOf(colorSet)
const v3 = callsOf(countingColorSet)

/** The commands of both versions are the same, and so is what they mean. */
class FutureCountingColorSet extends CountingColorSet {
  async $insertColor({ args }: Shadowed<typeof colorSet, 'insertColor'>) {
    await this.insertColor(...args)
    return [v3.insertColor(...args)]
  }

  async $delete({ args }: Shadowed<typeof colorSet, 'delete'>) {
    await this.delete(...args)
    return [v3.delete(...args)]
  }
}

class PastColorSet extends ColorSet {
  async $insertColor({ args }: Shadowed<typeof countingColorSet, 'insertColor'>) {
    await this.insertColor(...args)
    return [v2.insertColor(...args)]
  }

  async $delete({ args }: Shadowed<typeof countingColorSet, 'delete'>) {
    await this.delete(...args)
    return [v2.delete(...args)]
  }
}

export default defineUpgrade({
  from: twin.to,
  to: defineClass(countingColorSet, CountingColorSet),
  twin: {
    map: ({ key, value }, { newState }) => newState.sublevel('items').put(key, value),
    future: FutureCountingColorSet,
    past: PastColorSet
  }
})
