import {
  defineClass,
  defineUpgrade,
  Disallowed,
  Failed,
  type ObjectContext,
  type ObjectOf,
  type SimulationContext
} from '@instar/simulator-runtime'
import { colorSet, intSet, type Colour } from './contracts.js'

/** State: `!items!<element>` → its colour. */
export class ColorSet implements ObjectOf<typeof colorSet> {
  constructor(protected readonly ctx: ObjectContext) {}

  insertColor(x: number, color: Colour): Promise<void> {
    return this.#items().put(String(x), color)
  }

  delete(x: number): Promise<void> {
    return this.#items().del(String(x))
  }

  async getColor(x: number): Promise<Colour> {
    const color = await this.#items().get(String(x))
    if (color === undefined) throw new Failed(`${x} is not in the set`)
    return color
  }

  contains(x: number): Promise<boolean> {
    return this.#items().has(String(x))
  }

  #items() {
    return this.ctx.state.sublevel<string, Colour>('items')
  }
}

/**
 * Version 2 on a peer that runs version 1, in the direct model: it sees its own calls only.
 *
 * Every other colour than blue would have to be remembered here, and no memory of it can be kept true: the calls `delete(x)`, `insert(x)`
 * at version 1 make x blue (A3, A4) and pass this object by, and IntSet answers the same before and after, so it cannot be noticed
 * either. A colour that may be wrong must not be told (R7), now or by the new object after the upgrade (R10), so it is not enough to
 * refuse `getColor`: what is refused is to take the colour in (R8). What is left needs no state: what is present is blue.
 */
class FutureColorSet implements ObjectOf<typeof colorSet> {
  constructor(private readonly ctx: SimulationContext<typeof intSet>) {}

  insertColor(x: number, color: Colour): Promise<void> {
    if (color !== 'blue') {
      throw new Disallowed(
        'until this peer is upgraded, calls of version 1 would change the colour unnoticed: only blue can be kept'
      )
    }
    return this.ctx.delegate.insert(x)
  }

  delete(x: number): Promise<void> {
    return this.ctx.delegate.delete(x)
  }

  async getColor(x: number): Promise<Colour> {
    if (!(await this.ctx.delegate.contains(x))) throw new Failed(`${x} is not in the set`)
    return 'blue'
  }

  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }
}

/** Version 1 on a peer that runs version 2. All that it answers follows from the colour set, so it has no state. */
class PastIntSet {
  constructor(private readonly ctx: SimulationContext<typeof colorSet>) {}

  async insert(x: number): Promise<void> {
    // `$insert(x)` adds (x, blue) unless x is present: a present element keeps its colour.
    if (!(await this.ctx.delegate.contains(x))) await this.ctx.delegate.insertColor(x, 'blue')
  }

  delete(x: number): Promise<void> {
    return this.ctx.delegate.delete(x)
  }

  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }
}

export default defineUpgrade({
  from: intSet,
  to: defineClass(colorSet, ColorSet),
  future: FutureColorSet,
  past: {
    implementation: PastIntSet,
    // A count kept here would miss the calls of version 2, and the colour set has no method that gives it.
    disallow: { size: 'a colour set cannot say how many elements it has' }
  },
  transform: async ({ oldState, newState }) => {
    const items = newState.sublevel<string, Colour>('items')
    for await (const x of oldState.sublevel('items').keys()) await items.put(x, 'blue')
  }
})
