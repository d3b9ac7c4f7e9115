import {
  callsOf,
  defineUpgrade,
  Failed,
  type ObjectOf,
  type Shadowed,
  type SimulationContext
} from '@instar/simulator-runtime'
import { colorSet, intSet, type Colour } from './contracts.js'
import direct from './v2.js'

const v1 = callsOf(intSet)
const v2 = callsOf(colorSet)

/**
 * Version 2 on a peer that runs version 1, in the shadowed model: it is told of the calls of version 1, so it can remember colours and
 * refuses nothing. State: `<element>` → its colour, where that is not blue.
 */
class FutureColorSet implements ObjectOf<typeof colorSet> {
  constructor(private readonly ctx: SimulationContext<typeof intSet>) {}

  async insertColor(x: number, color: Colour): Promise<void> {
    await this.ctx.delegate.insert(x)
    await this.ctx.state.put(String(x), color)
  }

  async delete(x: number): Promise<void> {
    await this.ctx.delegate.delete(x)
    await this.ctx.state.del(String(x))
  }

  async getColor(x: number): Promise<Colour> {
    if (!(await this.contains(x))) throw new Failed(`${x} is not in the set`)
    return (await this.ctx.state.get<string, Colour>(String(x))) ?? 'blue'
  }

  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }

  /** Adds (x, blue) unless x is present; blue is what no memory means. */
  async $insert({ args: [x], before }: Shadowed<typeof intSet, 'insert'>) {
    return (await before.contains(x)) ? [] : [v2.insertColor(x, 'blue')]
  }

  async $delete({ args: [x] }: Shadowed<typeof intSet, 'delete'>) {
    await this.ctx.state.del(String(x))
    return [v2.delete(x)]
  }
}

/** Version 1 on a peer that runs version 2. A colour set cannot say its size, so it is counted here: own calls and those it is told of. */
class PastIntSet implements ObjectOf<typeof intSet> {
  constructor(private readonly ctx: SimulationContext<typeof colorSet>) {}

  async insert(x: number): Promise<void> {
    if (await this.contains(x)) return
    await this.ctx.delegate.insertColor(x, 'blue')
    await this.#count(1)
  }

  async delete(x: number): Promise<void> {
    if (!(await this.contains(x))) return
    await this.ctx.delegate.delete(x)
    await this.#count(-1)
  }

  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }

  async size(): Promise<number> {
    return (await this.ctx.state.get<string, number>('size')) ?? 0
  }

  async $insertColor({ args: [x], before }: Shadowed<typeof colorSet, 'insertColor'>) {
    if (await before.contains(x)) return []
    await this.#count(1)
    return [v1.insert(x)]
  }

  async $delete({ args: [x], before }: Shadowed<typeof colorSet, 'delete'>) {
    if (!(await before.contains(x))) return []
    await this.#count(-1)
    return [v1.delete(x)]
  }

  async #count(change: number): Promise<void> {
    await this.ctx.state.put('size', (await this.size()) + change)
  }
}

export default defineUpgrade({
  from: intSet,
  to: direct.to,
  future: { model: 'shadowed', implementation: FutureColorSet },
  past: { model: 'shadowed', implementation: PastIntSet },
  transform: async ({ oldState, futureState, newState, pastState }) => {
    const items = newState.sublevel<string, Colour>('items')
    let size = 0
    for await (const x of oldState.sublevel('items').keys()) {
      await items.put(x, (await futureState.get<string, Colour>(x)) ?? 'blue')
      size++
    }
    await pastState.put('size', size)
  }
})
