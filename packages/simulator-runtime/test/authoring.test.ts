import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  flow,
  query,
  type DelegateOf,
  type ObjectContext,
  type ObjectOf,
  type SimulationContext,
  type StubOf
} from '../src/index.js'

const old = defineContract('Counter', {
  add: command(z.tuple([z.int()]), z.void()),
  total: query(z.tuple([]), z.int())
})
const next = defineContract('Counter', {
  add: command(z.tuple([z.int(), z.string()]), z.void()),
  total: query(z.tuple([z.string()]), z.int())
})

class Next implements ObjectOf<typeof next> {
  constructor(readonly ctx: ObjectContext) {}
  add(_amount: number, _name: string): void {}
  total(_name: string): number {
    return 0
  }
}
class Future implements ObjectOf<typeof next> {
  constructor(readonly ctx: SimulationContext<typeof old>) {}
  add(amount: number): Promise<void> {
    return this.ctx.delegate.add(amount)
  }
  total(): Promise<number> {
    return this.ctx.delegate.total()
  }
}
class Past implements ObjectOf<typeof old> {
  constructor(readonly ctx: SimulationContext<typeof next>) {}
  add(amount: number): Promise<void> {
    return this.ctx.delegate.add(amount, 'all')
  }
  total(): Promise<number> {
    return this.ctx.delegate.total('all')
  }
}
class Half {
  constructor(readonly ctx: SimulationContext<typeof next>) {}
  add(amount: number): Promise<void> {
    return this.ctx.delegate.add(amount, 'all')
  }
}

const to = defineClass(next, Next)

// These are checked by the compiler (`npm run check`, types); the tests below only need them to be reached.
describe('the types of the authoring functions', () => {
  it('accept a whole upgrade', () => {
    const upgrade = defineUpgrade({ from: old, to, future: Future, past: Past })
    expect(upgrade.past?.disallow).toEqual({})
    expectTypeOf(upgrade.from).toEqualTypeOf(old)
  })

  it('accept a missing method where it is disallowed, and only there', () => {
    const upgrade = defineUpgrade({ from: old, to, past: { implementation: Half, disallow: { total: 'not known' } } })
    expect(upgrade.past?.disallow).toEqual({ total: 'not known' })
    // @ts-expect-error -- a past simulation object implements the whole old contract (R6)
    defineUpgrade({ from: old, to, past: Half })
    // @ts-expect-error -- in the long form as well
    defineUpgrade({ from: old, to, past: { implementation: Half } })
    // @ts-expect-error -- `add` is disallowed, but `total` is missing
    defineUpgrade({ from: old, to, past: { implementation: Half, disallow: { add: 'no' } } })
  })

  it('refuse what the contract does not know', () => {
    // @ts-expect-error -- there is no such method
    defineUpgrade({ from: old, to, past: { implementation: Past, disallow: { totals: 'no' } } })
    // @ts-expect-error -- written for the other side
    defineUpgrade({ from: old, to, future: Past })
    // @ts-expect-error -- the class answers a text where the contract says a number
    defineClass(old, class { add() {} total() { return 'text' } }) // prettier-ignore
    // @ts-expect-error -- arguments are a tuple
    query(z.string(), z.void())
  })

  it('know the arguments and results of delegates and stubs', () => {
    const check = (delegate: DelegateOf<typeof old>, stub: StubOf<typeof next>): void => {
      expectTypeOf(delegate.add).parameters.toEqualTypeOf<[number]>()
      expectTypeOf(delegate.total()).resolves.toEqualTypeOf<number>()
      expectTypeOf(stub.total).parameters.toEqualTypeOf<[string]>()
      // @ts-expect-error -- wrong argument
      void delegate.add('1')
      // @ts-expect-error -- no such method
      delegate.remove satisfies never
    }
    expect(check).toBeTypeOf('function')
  })

  it('let a query of another peer be called, and no command', () => {
    const check = (ctx: ObjectContext): void => {
      expectTypeOf(ctx.peer('id', old).total()).resolves.toEqualTypeOf<number>()
      // @ts-expect-error -- a command of another peer
      ctx.peer('id', old).add satisfies never
    }
    expect(check).toBeTypeOf('function')
  })
})

describe('what a method reaches', () => {
  const shop = defineContract('Shop', {
    ...old.methods,
    restock: flow(z.tuple([z.string()]), z.void())
  })

  it('is commands for after a commit, without an answer; a flow of another peer; of its own object what is atomic', () => {
    const use = (ctx: ObjectContext): void => {
      // A query has no effect, and nobody would wait for what it says.
      expectTypeOf(ctx.after('other', shop)).toEqualTypeOf<{ readonly add: (amount: number) => void }>()
      expectTypeOf(ctx.peer('other', shop).restock).toEqualTypeOf<(name: string) => Promise<void>>()
      expectTypeOf(ctx.self(shop).add).toEqualTypeOf<(amount: number) => Promise<void>>()
      expectTypeOf(ctx.self(shop)).not.toHaveProperty('restock')
      expectTypeOf(ctx.cache(new Next(ctx))).toEqualTypeOf<Next>()
      // @ts-expect-error a number is added
      ctx.after('other', shop).add('one')
    }
    expect(use).toBeTypeOf('function')
  })
})
