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
  type StateView
} from '@instar/simulator-runtime'
import { defineSpecification, type Lens } from '@instar/simulator-runtime/check'
import * as z from 'zod'
import type { Checked } from '../mistake.js'

// Things that are lent for a time: version 2 knows to whom. In the shadowed model.

const thing = z.enum(['bike', 'boat'])
type Thing = z.infer<typeof thing>
const ms = z.int().min(1).max(1e6)
const person = z.string().max(20)

export const loans = defineContract('Loans', {
  /** Until when. It must not be lent already. */
  lend: command(z.tuple([thing, ms]), z.int()),
  giveBack: command(z.tuple([thing]), z.void()),
  isLent: query(z.tuple([thing]), z.boolean())
})

export const namedLoans = defineContract('NamedLoans', {
  lend: command(z.tuple([thing, person, ms]), z.int()),
  giveBack: command(z.tuple([thing]), z.void()),
  isLent: query(z.tuple([thing]), z.boolean()),
  borrower: query(z.tuple([thing]), person.nullable())
})

export const somebody = 'somebody'
const v1 = callsOf(loans)
export const v2 = callsOf(namedLoans)

/** State: `<thing>` → until when. */
class Loans implements ObjectOf<typeof loans> {
  constructor(protected readonly ctx: ObjectContext) {}

  async lend(thing: Thing, ms: number): Promise<number> {
    if (await this.isLent(thing)) throw new Failed(`the ${thing} is lent`)
    const until = this.ctx.now() + ms
    await this.ctx.state.put(thing, until)
    return until
  }

  giveBack(thing: Thing): Promise<void> {
    return this.ctx.state.del(thing)
  }

  async isLent(thing: Thing): Promise<boolean> {
    return ((await this.ctx.state.get<string, number>(thing)) ?? 0) > this.ctx.now()
  }
}

interface Loan {
  readonly borrower: string
  readonly until: number
}

/** State: `<thing>` → the loan. */
export class NamedLoans implements ObjectOf<typeof namedLoans> {
  constructor(protected readonly ctx: ObjectContext) {}

  async lend(thing: Thing, borrower: string, ms: number): Promise<number> {
    if (await this.isLent(thing)) throw new Failed(`the ${thing} is lent`)
    const until = this.ctx.now() + ms
    await this.ctx.state.put(thing, { borrower, until })
    return until
  }

  giveBack(thing: Thing): Promise<void> {
    return this.ctx.state.del(thing)
  }

  async isLent(thing: Thing): Promise<boolean> {
    return (await this.borrower(thing)) !== null
  }

  async borrower(thing: Thing): Promise<string | null> {
    const loan = await this.ctx.state.get<string, Loan>(thing)
    return loan !== undefined && this.isOpen(loan) ? loan.borrower : null
  }

  protected isOpen({ until }: Loan): boolean {
    return until > this.ctx.now()
  }
}

/** State: `<thing>` → who borrowed it, where version 2 was told. */
export class FutureNamedLoans implements ObjectOf<typeof namedLoans> {
  constructor(protected readonly ctx: SimulationContext<typeof loans>) {}

  async lend(thing: Thing, borrower: string, ms: number): Promise<number> {
    const until = await this.ctx.delegate.lend(thing, ms)
    await this.ctx.state.put(thing, borrower)
    return until
  }

  async giveBack(thing: Thing): Promise<void> {
    await this.ctx.delegate.giveBack(thing)
    await this.ctx.state.del(thing)
  }

  isLent(thing: Thing): Promise<boolean> {
    return this.ctx.delegate.isLent(thing)
  }

  async borrower(thing: Thing): Promise<string | null> {
    if (!(await this.isLent(thing))) return null
    return (await this.ctx.state.get<string, string>(thing)) ?? somebody
  }

  async $lend({ args: [thing, ms], result: until }: Shadowed<typeof loans, 'lend'>) {
    await this.ctx.state.del(thing)
    return [v2.lend(thing, somebody, ms).answering(until)]
  }

  async $giveBack({ args: [thing] }: Shadowed<typeof loans, 'giveBack'>) {
    await this.ctx.state.del(thing)
    return [v2.giveBack(thing)]
  }
}

class PastLoans implements ObjectOf<typeof loans> {
  constructor(protected readonly ctx: SimulationContext<typeof namedLoans>) {}

  lend(thing: Thing, ms: number): Promise<number> {
    return this.ctx.delegate.lend(thing, somebody, ms)
  }

  giveBack(thing: Thing): Promise<void> {
    return this.ctx.delegate.giveBack(thing)
  }

  isLent(thing: Thing): Promise<boolean> {
    return this.ctx.delegate.isLent(thing)
  }

  $lend({ args: [thing, , ms], result: until }: Shadowed<typeof namedLoans, 'lend'>) {
    return [v1.lend(thing, ms).answering(until)]
  }

  $giveBack({ args }: Shadowed<typeof namedLoans, 'giveBack'>) {
    return [v1.giveBack(...args)]
  }
}

interface Parts {
  readonly to: typeof NamedLoans
  readonly future: typeof FutureNamedLoans
  readonly past: typeof PastLoans
}

function entriesOf<T>(): Lens<Readonly<Record<string, T>>> {
  return {
    read: async state => Object.fromEntries(await state.iterator<string, T>().all()),
    write: async (value, state: StateView) => {
      for (const [key, each] of Object.entries(value)) await state.put(key, each)
    }
  }
}

export function lending({
  to = NamedLoans,
  future = FutureNamedLoans,
  past = PastLoans
}: Partial<Parts> = {}): Checked {
  const upgrade = defineUpgrade({
    from: loans,
    to: defineClass(namedLoans, to),
    future: { model: 'shadowed', implementation: future },
    past: { model: 'shadowed', implementation: past },
    transform: async ({ oldState, futureState, newState }) => {
      for await (const [thing, until] of oldState.iterator<string, number>()) {
        await newState.put(thing, { borrower: (await futureState.get<string, string>(thing)) ?? somebody, until })
      }
    }
  })
  const specification = defineSpecification(upgrade, {
    views: { old: entriesOf<number>(), new: entriesOf<Loan>() },
    invariant: (old, next) =>
      ['bike', 'boat'].every(each => old[each] === next[each]?.until) || 'the versions have not lent the same',
    map: old => Object.fromEntries(Object.entries(old).map(([each, until]) => [each, { borrower: somebody, until }])),
    shadows: {
      old: {
        lend: (next, { args: [thing], result: until }) => ({ ...next, [thing]: { borrower: somebody, until } }),
        giveBack: (next, { args: [thing] }) => without(next, thing)
      },
      new: {
        lend: (old, { args: [thing], result: until }) => ({ ...old, [thing]: until }),
        giveBack: (old, { args: [thing] }) => without(old, thing)
      }
    },
    arguments: {
      lend: fc => {
        const [thing, ms] = [fc.constantFrom<Thing>('bike', 'boat'), fc.constantFrom(1000, 3000)]
        return fc.oneof(fc.tuple(thing, ms), fc.tuple(thing, fc.constantFrom('ann', 'bob'), ms))
      }
    }
  })
  return { versions: [defineClass(loans, Loans), upgrade], specifications: [specification] }
}

function without<T>(from: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> {
  const { [key]: _, ...others } = from
  return others
}

export const rightLoans = lending()
