import {
  callsOf,
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type ObjectOf,
  type Shadowed,
  type SimulationContext,
  type UpgradeDefinition
} from '@instar/simulator-runtime'
import { defineSpecification } from '@instar/simulator-runtime/check'
import * as z from 'zod'
import type { Checked } from '../mistake.js'
import {
  colorSet,
  ColorSet,
  colours,
  coloursInit,
  coloursSpecification,
  genesis,
  shadowedUpgrade,
  type Colour
} from './sets.js'

// A third version: counts, and can put an element in the place of another.

export const countedSet = defineContract('ColorSet', {
  ...colorSet.methods,
  /** Takes x out and y in, with the colour of x. */
  replace: command(z.tuple([z.int(), z.int()]), z.void()),
  count: query(z.tuple([]), z.int())
})

export const v2 = callsOf(colorSet)
const v3 = callsOf(countedSet)

class CountedSet extends ColorSet implements ObjectOf<typeof countedSet> {
  async replace(x: number, y: number): Promise<void> {
    const color = await this.getColor(x)
    await this.delete(x)
    await this.insertColor(y, color)
  }

  async count(): Promise<number> {
    return (await this.items.keys().all()).length
  }
}

/** What version 2 cannot do waits for the upgrade. It has nothing of its own. */
class FutureCountedSet {
  constructor(protected readonly ctx: SimulationContext<typeof colorSet>) {}

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

  async replace(x: number, y: number): Promise<void> {
    const color = await this.getColor(x)
    await this.delete(x)
    await this.insertColor(y, color)
  }

  $insertColor({ args }: Shadowed<typeof colorSet, 'insertColor'>) {
    return [v3.insertColor(...args)]
  }

  $delete({ args }: Shadowed<typeof colorSet, 'delete'>) {
    return [v3.delete(...args)]
  }
}

/** Nothing of its own, but it has to pass on what it is told: version 1 stands on it, and counts. */
export class PastColorSet implements ObjectOf<typeof colorSet> {
  constructor(protected readonly ctx: SimulationContext<typeof countedSet>) {}

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

  $insertColor({ args }: Shadowed<typeof countedSet, 'insertColor'>) {
    return [v2.insertColor(...args)]
  }

  $delete({ args }: Shadowed<typeof countedSet, 'delete'>) {
    return [v2.delete(...args)]
  }

  async $replace({ args: [x, y], after }: Shadowed<typeof countedSet, 'replace'>) {
    // What asks before and after is told of both calls with the same answers: they must not build on one another.
    return x === y ? [] : [v2.delete(x), v2.insertColor(y, await after.getColor(y))]
  }
}

interface Parts {
  readonly future: typeof FutureCountedSet
  readonly past: typeof PastColorSet
  /** Of version 2. */
  readonly under: ReturnType<typeof shadowedUpgrade>
}

const notYet = 'counting begins when this peer is upgraded'

function countedUpgrade({ future = FutureCountedSet, past = PastColorSet }: Partial<Parts>) {
  return defineUpgrade({
    from: colorSet,
    to: defineClass(countedSet, CountedSet),
    future: { model: 'shadowed', implementation: future, disallow: { count: notYet } },
    past: { model: 'shadowed', implementation: past },
    transform: async ({ oldState, newState }) => {
      for await (const [x, color] of oldState.iterator()) await newState.put(x, color)
    }
  })
}

type Colours = Awaited<ReturnType<typeof colours.read>>

function countedSpecification(upgrade: UpgradeDefinition<typeof colorSet, typeof countedSet>) {
  const same = (_: Colours, { after }: { readonly after: Colours }): Colours => after
  return defineSpecification(upgrade, {
    views: { old: colours, new: colours },
    invariant: (old, next) => show(old) === show(next) || 'the sets differ',
    map: old => old,
    shadows: { old: { insertColor: same, delete: same }, new: { insertColor: same, delete: same, replace: same } },
    disallow: { new: { count: notYet } },
    arguments: {
      ...coloursInit.arguments,
      replace: fc => fc.tuple(fc.constantFrom(1, 2, 10), fc.constantFrom(1, 2, 10))
    }
  })
}

function show(set: Colours): string {
  return JSON.stringify(Object.entries(set).sort())
}

/** Three versions, each of the others' simulation objects told of all calls. */
export function countedSets(parts: Partial<Parts> = {}): Checked {
  const under = parts.under ?? shadowedUpgrade()
  const upgrade = countedUpgrade(parts)
  return {
    versions: [genesis, under, upgrade],
    specifications: [coloursSpecification(under), countedSpecification(upgrade)]
  }
}

export const rightCountedSets = countedSets()
