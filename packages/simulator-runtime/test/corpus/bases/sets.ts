import {
  callsOf,
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  Failed,
  query,
  type ObjectContext,
  type ObjectOf,
  type Shadowed,
  type SimulationContext,
  type StateView,
  type Transform,
  type UpgradeDefinition
} from '@instar/simulator-runtime'
import { defineSpecification, type Lens, type SpecificationInit } from '@instar/simulator-runtime/check'
import * as z from 'zod'
import type { Checked } from '../mistake.js'

// Reference example A: a set of numbers becomes a set of coloured numbers.

const colour = z.enum(['blue', 'red', 'green'])
export type Colour = z.infer<typeof colour>
const element = z.int()

export const intSet = defineContract('IntSet', {
  insert: command(z.tuple([element]), z.void()),
  delete: command(z.tuple([element]), z.void()),
  contains: query(z.tuple([element]), z.boolean()),
  size: query(z.tuple([]), z.int())
})

export const colorSet = defineContract('ColorSet', {
  insertColor: command(z.tuple([element, colour]), z.void()),
  delete: command(z.tuple([element]), z.void()),
  getColor: query(z.tuple([element]), colour),
  contains: query(z.tuple([element]), z.boolean())
})

export const v1 = callsOf(intSet)
export const v2 = callsOf(colorSet)

export class IntSet implements ObjectOf<typeof intSet> {
  constructor(protected readonly ctx: ObjectContext) {}

  insert(x: number): Promise<void> {
    return this.ctx.state.put(String(x), true)
  }

  delete(x: number): Promise<void> {
    return this.ctx.state.del(String(x))
  }

  contains(x: number): Promise<boolean> {
    return this.ctx.state.has(String(x))
  }

  async size(): Promise<number> {
    return (await this.ctx.state.keys().all()).length
  }
}

export class ColorSet implements ObjectOf<typeof colorSet> {
  constructor(protected readonly ctx: ObjectContext) {}

  insertColor(x: number, color: Colour): Promise<void> {
    return this.items.put(String(x), color)
  }

  delete(x: number): Promise<void> {
    return this.items.del(String(x))
  }

  async getColor(x: number): Promise<Colour> {
    const color = await this.items.get<string, Colour>(String(x))
    if (color === undefined) throw new Failed(`${x} is not in the set`)
    return color
  }

  contains(x: number): Promise<boolean> {
    return this.items.has(String(x))
  }

  protected get items(): StateView {
    return this.ctx.state
  }
}

export const genesis = defineClass(intSet, IntSet)
export const colored = defineClass(colorSet, ColorSet)

/** The future simulation object in the shadowed model. State: `<element>` → its colour, where that is not blue. */
export class FutureColorSet implements ObjectOf<typeof colorSet> {
  constructor(protected readonly ctx: SimulationContext<typeof intSet>) {}

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

  async $insert({ args: [x], before }: Shadowed<typeof intSet, 'insert'>) {
    return (await before.contains(x)) ? [] : [v2.insertColor(x, 'blue')]
  }

  async $delete({ args: [x] }: Shadowed<typeof intSet, 'delete'>) {
    await this.ctx.state.del(String(x))
    return [v2.delete(x)]
  }
}

/** The past one. State: `size`. */
export class PastIntSet implements ObjectOf<typeof intSet> {
  constructor(protected readonly ctx: SimulationContext<typeof colorSet>) {}

  async insert(x: number): Promise<void> {
    if (await this.contains(x)) return
    await this.ctx.delegate.insertColor(x, 'blue')
    await this.count(1)
  }

  async delete(x: number): Promise<void> {
    if (!(await this.contains(x))) return
    await this.ctx.delegate.delete(x)
    await this.count(-1)
  }

  contains(x: number): Promise<boolean> {
    return this.ctx.delegate.contains(x)
  }

  async size(): Promise<number> {
    return (await this.ctx.state.get<string, number>('size')) ?? 0
  }

  async $insertColor({ args: [x], before }: Shadowed<typeof colorSet, 'insertColor'>) {
    if (await before.contains(x)) return []
    await this.count(1)
    return [v1.insert(x)]
  }

  async $delete({ args: [x], before }: Shadowed<typeof colorSet, 'delete'>) {
    if (!(await before.contains(x))) return []
    await this.count(-1)
    return [v1.delete(x)]
  }

  protected async count(change: number): Promise<void> {
    await this.ctx.state.put('size', (await this.size()) + change)
  }
}

export const transform: Transform = async ({ oldState, futureState, newState, pastState }) => {
  let size = 0
  for await (const x of oldState.keys()) {
    await newState.put(x, (await futureState.get(x)) ?? 'blue')
    size++
  }
  await pastState.put('size', size)
}

interface Parts {
  readonly future: typeof FutureColorSet
  readonly past: typeof PastIntSet
  readonly transform: Transform
}

export function shadowedUpgrade(parts: Partial<Parts> = {}) {
  return defineUpgrade({
    from: intSet,
    to: colored,
    future: { model: 'shadowed', implementation: parts.future ?? FutureColorSet },
    past: { model: 'shadowed', implementation: parts.past ?? PastIntSet },
    transform: parts.transform ?? transform
  })
}

type Colours = Readonly<Record<string, Colour>>

const numbers: Lens<readonly string[]> = {
  read: state => state.keys().all(),
  write: async (old, state) => {
    for (const x of old) await state.put(x, true)
  }
}

export const colours: Lens<Colours> = {
  read: async state => Object.fromEntries(await state.iterator<string, Colour>().all()),
  write: async (next, state) => {
    for (const [x, color] of Object.entries(next)) await state.put(x, color)
  }
}

/** I: x ∈ old ⇔ some (x, c) ∈ new. MF: x ↦ (x, blue). */
export const coloursInit: SpecificationInit<typeof intSet, typeof colorSet, readonly string[], Colours> = {
  views: { old: numbers, new: colours },
  invariant: (old, next) => old.join() === Object.keys(next).sort().join() || 'the sets differ',
  map: old => Object.fromEntries(old.map(x => [x, 'blue'])),
  shadows: {
    old: {
      insert: (next, { args: [x] }) => ({ [x]: 'blue', ...next }),
      delete: (next, { args: [x] }) => without(next, x)
    },
    new: {
      insertColor: (old, { args: [x] }) => [...new Set([...old, String(x)])].sort(),
      delete: (old, { args: [x] }) => old.filter(each => each !== String(x))
    }
  },
  arguments: {
    insert: fc => fc.tuple(fc.constantFrom(1, 2, 10)),
    insertColor: fc => fc.tuple(fc.constantFrom(1, 2, 10), fc.constantFrom('blue', 'red', 'green')),
    delete: fc => fc.tuple(fc.constantFrom(1, 2, 10)),
    contains: fc => fc.tuple(fc.constantFrom(1, 2, 10)),
    getColor: fc => fc.tuple(fc.constantFrom(1, 2, 10))
  }
}

function without(next: Colours, x: number): Colours {
  const { [x]: _, ...others } = next
  return others
}

export function coloursSpecification(
  upgrade: UpgradeDefinition<typeof intSet, typeof colorSet>,
  changes: Partial<typeof coloursInit> = {}
) {
  return defineSpecification(upgrade, { ...coloursInit, ...changes })
}

/** The upgrade to colours, checked with its specification. */
export function checked(
  upgrade: UpgradeDefinition<typeof intSet, typeof colorSet>,
  changes: Partial<typeof coloursInit> = {}
): Checked {
  return { versions: [genesis, upgrade], specifications: [coloursSpecification(upgrade, changes)] }
}

export function shadowedSets(parts: Partial<Parts> = {}): Checked {
  return checked(shadowedUpgrade(parts))
}

export const rightSets = shadowedSets()
