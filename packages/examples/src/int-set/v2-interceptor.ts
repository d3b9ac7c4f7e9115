import { defineUpgrade, Failed, type ObjectOf, type SimulationContext } from '@instar/simulator-runtime'
import type { colorSet } from './contracts.js'
import { intSet, type Colour } from './contracts.js'
import shadowed from './v2-shadowed.js'

/**
 * The same upgrade in the papers' interceptor model: while version 2 is pending, calls of version 1 go through its simulation object too.
 * State: `<element>` → its colour, where that is not blue.
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
}

/** Version 1 while version 2 is pending: an element that goes takes its colour with it. */
class IntSetMeanwhile implements ObjectOf<typeof intSet> {
  constructor(private readonly ctx: SimulationContext<typeof intSet>) {}

  insert(x: number): Promise<void> {
    return this.ctx.delegate.insert(x)
  }

  async delete(x: number): Promise<void> {
    await this.ctx.delegate.delete(x)
    await this.ctx.state.del(String(x))
  }

  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }

  size(): Promise<number> {
    return this.ctx.delegate.size()
  }
}

/** Version 1 after the upgrade. State: `size`. */
class PastIntSet implements ObjectOf<typeof intSet> {
  constructor(private readonly ctx: SimulationContext<typeof colorSet>) {}

  async insert(x: number): Promise<void> {
    if (await this.contains(x)) return
    await this.ctx.delegate.insertColor(x, 'blue')
    await count(this.ctx, 1)
  }

  async delete(x: number): Promise<void> {
    if (!(await this.contains(x))) return
    await this.ctx.delegate.delete(x)
    await count(this.ctx, -1)
  }

  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }

  size(): Promise<number> {
    return sizeOf(this.ctx)
  }
}

/** Version 2 after the upgrade, as long as version 1 is served: its calls are counted. */
class ColorSetMeanwhile implements ObjectOf<typeof colorSet> {
  constructor(private readonly ctx: SimulationContext<typeof colorSet>) {}

  async insertColor(x: number, color: Colour): Promise<void> {
    if (!(await this.contains(x))) await count(this.ctx, 1)
    await this.ctx.delegate.insertColor(x, color)
  }

  async delete(x: number): Promise<void> {
    if (await this.contains(x)) await count(this.ctx, -1)
    await this.ctx.delegate.delete(x)
  }

  getColor(x: number): Promise<Colour> {
    return this.ctx.delegate.getColor(x)
  }

  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }
}

async function sizeOf({ state }: SimulationContext<typeof colorSet>): Promise<number> {
  return (await state.get<string, number>('size')) ?? 0
}

async function count(ctx: SimulationContext<typeof colorSet>, change: number): Promise<void> {
  await ctx.state.put('size', (await sizeOf(ctx)) + change)
}

export default defineUpgrade({
  from: intSet,
  to: shadowed.to,
  future: { model: 'interceptor', implementation: FutureColorSet, instead: IntSetMeanwhile },
  past: { model: 'interceptor', implementation: PastIntSet, instead: ColorSetMeanwhile },
  // The states of both models are the same.
  transform: shadowed.transform as NonNullable<typeof shadowed.transform>
})
