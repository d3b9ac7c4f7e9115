import {
  callsOf,
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type ObjectContext,
  type ObjectOf,
  type Shadowed,
  type SimulationContext
} from '@instar/simulator-runtime'
import { defineSpecification, type Lens } from '@instar/simulator-runtime/check'
import * as z from 'zod'
import type { Checked } from '../mistake.js'

// Names that differ in capitals only become one: several old keys, one new one. In the shadowed model.

const name = z.string().max(20)

export const spelledNames = defineContract('Names', {
  add: command(z.tuple([name]), z.void()),
  remove: command(z.tuple([name]), z.void()),
  has: query(z.tuple([name]), z.boolean()),
  names: query(z.tuple([]), z.array(name))
})

/** How many `names` gives at version 2. */
const namesMax = 3

export const foldedNames = defineContract('FoldedNames', {
  add: command(z.tuple([name]), z.void()),
  remove: command(z.tuple([name]), z.void()),
  has: query(z.tuple([name]), z.boolean()),
  /** The first ones. */
  names: query(z.tuple([]), z.array(name).max(namesMax))
})

export const v1 = callsOf(spelledNames)
const v2 = callsOf(foldedNames)
export const fold = (name: string): string => name.toLowerCase()

/** State: `.<name>`, for a key must not be empty. */
class Names implements ObjectOf<typeof spelledNames> {
  constructor(protected readonly ctx: ObjectContext) {}

  add(name: string): Promise<void> {
    return this.ctx.state.put(`.${name}`, true)
  }

  remove(name: string): Promise<void> {
    return this.ctx.state.del(`.${name}`)
  }

  has(name: string): Promise<boolean> {
    return this.ctx.state.has(`.${name}`)
  }

  async names(): Promise<string[]> {
    return (await this.ctx.state.keys().all()).map(key => key.slice(1))
  }
}

class FoldedNames implements ObjectOf<typeof foldedNames> {
  constructor(protected readonly ctx: ObjectContext) {}

  add(name: string): Promise<void> {
    return this.ctx.state.put(`.${fold(name)}`, true)
  }

  remove(name: string): Promise<void> {
    return this.ctx.state.del(`.${fold(name)}`)
  }

  has(name: string): Promise<boolean> {
    return this.ctx.state.has(`.${fold(name)}`)
  }

  async names(): Promise<string[]> {
    return (await this.ctx.state.keys({ limit: namesMax }).all()).map(key => key.slice(1))
  }
}

/** All follows from the spelled names: no state. */
export class FutureFoldedNames implements ObjectOf<typeof foldedNames> {
  constructor(protected readonly ctx: SimulationContext<typeof spelledNames>) {}

  async add(name: string): Promise<void> {
    if (!(await this.has(name))) await this.ctx.delegate.add(fold(name))
  }

  async remove(name: string): Promise<void> {
    for (const each of await this.ctx.delegate.names()) {
      if (fold(each) === fold(name)) await this.ctx.delegate.remove(each)
    }
  }

  async has(name: string): Promise<boolean> {
    return (await this.ctx.delegate.names()).some(each => fold(each) === fold(name))
  }

  async names(): Promise<string[]> {
    return [...new Set((await this.ctx.delegate.names()).map(fold))].sort().slice(0, namesMax)
  }

  $add({ args: [name] }: Shadowed<typeof spelledNames, 'add'>) {
    return [v2.add(fold(name))]
  }

  async $remove({ args: [name], after }: Shadowed<typeof spelledNames, 'remove'>) {
    return (await after.names()).some(each => fold(each) === fold(name)) ? [] : [v2.remove(fold(name))]
  }
}

/** State: `.<name>`, as spelled. */
export class PastNames implements ObjectOf<typeof spelledNames> {
  constructor(protected readonly ctx: SimulationContext<typeof foldedNames>) {}

  async add(name: string): Promise<void> {
    await this.ctx.state.put(`.${name}`, true)
    await this.ctx.delegate.add(name)
  }

  async remove(name: string): Promise<void> {
    await this.ctx.state.del(`.${name}`)
    if (!(await this.names()).some(each => fold(each) === fold(name))) await this.ctx.delegate.remove(name)
  }

  has(name: string): Promise<boolean> {
    return this.ctx.state.has(`.${name}`)
  }

  async names(): Promise<string[]> {
    return (await this.ctx.state.keys().all()).map(key => key.slice(1))
  }

  async $add({ args: [name] }: Shadowed<typeof foldedNames, 'add'>) {
    if ((await this.names()).some(each => fold(each) === fold(name))) return []
    await this.ctx.state.put(`.${fold(name)}`, true)
    return [v1.add(fold(name))]
  }

  async $remove({ args: [name] }: Shadowed<typeof foldedNames, 'remove'>) {
    const spelled = (await this.names()).filter(each => fold(each) === fold(name))
    for (const each of spelled) await this.ctx.state.del(`.${each}`)
    return spelled.map(each => v1.remove(each))
  }
}

interface Parts {
  readonly future: typeof FutureFoldedNames
  readonly past: typeof PastNames
}

const stored: Lens<readonly string[]> = {
  read: async state => (await state.keys().all()).map(key => key.slice(1)),
  write: async (names, state) => {
    for (const name of names) await state.put(`.${name}`, true)
  }
}

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)].sort()

/** I: new has each spelled name folded. */
export function names({ future = FutureFoldedNames, past = PastNames }: Partial<Parts> = {}): Checked {
  const upgrade = defineUpgrade({
    from: spelledNames,
    to: defineClass(foldedNames, FoldedNames),
    future: { model: 'shadowed', implementation: future },
    past: { model: 'shadowed', implementation: past },
    transform: async ({ oldState, newState, pastState }) => {
      for await (const key of oldState.keys()) {
        await newState.put(fold(key), true)
        await pastState.put(key, true)
      }
    }
  })
  const specification = defineSpecification(upgrade, {
    views: { old: stored, new: stored },
    invariant: (old, next) => unique(old.map(fold)).join() === unique(next).join() || 'the names differ',
    map: old => unique(old.map(fold)),
    shadows: {
      old: {
        add: (next, { args: [name] }) => unique([...next, fold(name)]),
        remove: (_, { after }) => unique(after.map(fold))
      },
      new: {
        add: (old, { args: [name] }) =>
          old.some(each => fold(each) === fold(name)) ? old : unique([...old, fold(name)]),
        remove: (old, { args: [name] }) => old.filter(each => fold(each) !== fold(name))
      }
    },
    arguments: {
      add: fc => fc.tuple(fc.constantFrom('a', 'A', 'b', 'bo', 'c', '')),
      remove: fc => fc.tuple(fc.constantFrom('a', 'A', 'b', 'bo', 'c', '')),
      has: fc => fc.tuple(fc.constantFrom('a', 'A', 'b', 'bo', 'c', ''))
    }
  })
  return { versions: [defineClass(spelledNames, Names), upgrade], specifications: [specification] }
}

export const rightNames = names()
