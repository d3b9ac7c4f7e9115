import { callsOf, defineUpgrade, type Shadowed } from '@instar/simulator-runtime'
import { colorSet, intSet } from './contracts.js'
import oldClass, { IntSet } from './v1.js'
import direct, { ColorSet } from './v2.js'

const v1 = callsOf(intSet)
const v2 = callsOf(colorSet)

/** The new class, told of the calls of version 1: a new element is blue. */
class FutureColorSet extends ColorSet {
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

/** The old class, told of the calls of version 2: it cannot see colours. */
class PastIntSet extends IntSet {
  async $insertColor({ args: [x] }: Shadowed<typeof colorSet, 'insertColor'>) {
    await this.insert(x)
    return [v1.insert(x)]
  }

  async $delete({ args: [x] }: Shadowed<typeof colorSet, 'delete'>) {
    await this.delete(x)
    return [v1.delete(x)]
  }
}

/** Version 2 as a twin: both classes on full state of their own, nothing refused, nothing lost by going back. */
export default defineUpgrade({
  from: oldClass,
  to: direct.to,
  twin: {
    /** Every element becomes blue; the size is not kept. */
    map: async ({ sublevel, key }, { newState }) => {
      if (sublevel[0] === 'items') await newState.sublevel('items').put(key, 'blue')
    },
    future: FutureColorSet,
    past: PastIntSet
  }
})
