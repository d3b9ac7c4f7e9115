import {
  defineClass,
  defineUpgrade,
  Failed,
  type ObjectContext,
  type ObjectOf,
  type SimulationContext,
  type StateView
} from '@instar/simulator-runtime'
import { colorSet, countingColorSet, type Colour } from './contracts.js'

/** State: `!items!<element>` → its colour, `!counts!<colour>` → number of elements. */
export class CountingColorSet implements ObjectOf<typeof countingColorSet> {
  readonly #items: StateView<string, Colour>
  readonly #counts: StateView<Colour, number>

  constructor(ctx: ObjectContext) {
    this.#items = ctx.state.sublevel<string, Colour>('items')
    this.#counts = ctx.state.sublevel<Colour, number>('counts')
  }

  async insertColor(x: number, color: Colour): Promise<void> {
    const before = await this.#items.get(String(x))
    if (before === color) return
    if (before !== undefined) await this.#count(before, -1)
    await this.#items.put(String(x), color)
    await this.#count(color, 1)
  }

  async delete(x: number): Promise<void> {
    const color = await this.#items.get(String(x))
    if (color === undefined) return
    await this.#items.del(String(x))
    await this.#count(color, -1)
  }

  async getColor(x: number): Promise<Colour> {
    const color = await this.#items.get(String(x))
    if (color === undefined) throw new Failed(`${x} is not in the set`)
    return color
  }

  contains(x: number): Promise<boolean> {
    return this.#items.has(String(x))
  }

  async countByColor(): Promise<Partial<Record<Colour, number>>> {
    return Object.fromEntries(await this.#counts.iterator().all())
  }

  async #count(color: Colour, change: number): Promise<void> {
    const count = ((await this.#counts.get(color)) ?? 0) + change
    await (count === 0 ? this.#counts.del(color) : this.#counts.put(color, count))
  }
}

/** Serves the part of a contract that its delegate has as well, call by call. */
class Forwarding implements ObjectOf<typeof colorSet> {
  constructor(private readonly ctx: SimulationContext<typeof colorSet>) {}

  insertColor(x: number, color: Colour): Promise<void> {
    return this.ctx.delegate.insertColor(x, color)
  }

  delete(x: number): Promise<void> {
    return this.ctx.delegate.delete(x)
  }

  getColor(x: number): Promise<Colour> {
    return this.ctx.delegate.getColor(x)
  }

  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }
}

export default defineUpgrade({
  from: colorSet,
  to: defineClass(countingColorSet, CountingColorSet),
  future: {
    implementation: Forwarding,
    disallow: { countByColor: 'counting starts when this peer is upgraded' }
  },
  past: Forwarding,
  transform: async ({ oldState, newState }) => {
    const items = newState.sublevel<string, Colour>('items')
    const counts = new Map<Colour, number>()
    for await (const [x, color] of oldState.sublevel<string, Colour>('items').iterator()) {
      await items.put(x, color)
      counts.set(color, (counts.get(color) ?? 0) + 1)
    }
    for (const [color, count] of counts) await newState.sublevel<Colour, number>('counts').put(color, count)
  }
})
