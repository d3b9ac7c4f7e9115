import { defineUpgrade, type ObjectOf, type SimulationContext } from '@instar/simulator-runtime'
import type { Checked } from '../mistake.js'
import { checked, colored, FutureColorSet, intSet, PastIntSet, transform } from './sets.js'

/** Version 1 while version 2 is pending, in the interceptor model: an element that goes takes its colour with it. */
export class IntSetMeanwhile implements ObjectOf<typeof intSet> {
  constructor(protected readonly ctx: SimulationContext<typeof intSet>) {}

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

export function interceptedSets(instead: typeof IntSetMeanwhile = IntSetMeanwhile): Checked {
  return checked(
    defineUpgrade({
      from: intSet,
      to: colored,
      future: { model: 'interceptor', implementation: FutureColorSet, instead },
      past: { model: 'shadowed', implementation: PastIntSet },
      transform
    })
  )
}

export const rightInterceptedSets = interceptedSets()
