import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  callsOf,
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  opaque,
  query,
  type DelegateOf,
  type ObjectOf,
  type QueriesOf,
  type Shadowed,
  type SimulationContext
} from '../src/index.js'

const old = defineContract('Stack', {
  push: command(z.tuple([z.string()]), z.void()),
  pop: command(z.tuple([]), z.string()),
  depth: query(z.tuple([]), z.int())
})
const next = defineContract('Pile', {
  put: command(z.tuple([z.string(), z.int()]), z.void()),
  take: command(z.tuple([]), z.tuple([z.string(), z.int()])),
  height: query(z.tuple([]), z.int())
})

class Next implements ObjectOf<typeof next> {
  put(): void {}
  take(): [string, number] {
    return ['', 0]
  }
  height(): number {
    return 0
  }
}
const to = defineClass(next, Next)
const calls = callsOf(next)

class Future extends Next {
  constructor(readonly ctx: SimulationContext<typeof old>) {
    super()
  }
  async $push({ args: [text], before, after }: Shadowed<typeof old, 'push'>) {
    expectTypeOf(before).toEqualTypeOf<DelegateOf<QueriesOf<typeof old>>>()
    if ((await before.depth()) === (await after.depth())) return []
    return [calls.put(text, 1)]
  }
  $pop({ result }: Shadowed<typeof old, 'pop'>) {
    return [calls.take().answering([result, 1])]
  }
}

// These are checked by the compiler (`npm run check`, types); the tests below only need them to be reached.
describe('the types of shadowed simulation objects', () => {
  it('accept one with a shadow for every command of its delegate', () => {
    const upgrade = defineUpgrade({ from: old, to, future: { model: 'shadowed', implementation: Future } })
    expect(upgrade.future?.model).toBe('shadowed')
  })

  it('accept one that answers opaque, and one that disallows a method', () => {
    class Opaque {
      put(): void {}
      height(): number {
        return 0
      }
      $push() {
        return opaque
      }
      async $pop() {
        return opaque
      }
    }
    const future = { model: 'shadowed', implementation: Opaque, disallow: { take: 'not yet' } } as const
    expect(defineUpgrade({ from: old, to, future }).future?.disallow).toEqual({ take: 'not yet' })
    // @ts-expect-error -- `take` is neither there nor disallowed (R6)
    defineUpgrade({ from: old, to, future: { model: 'shadowed', implementation: Opaque } })
  })

  it('refuse a missing shadow, and one for a method that does not exist', () => {
    class Forgets extends Next {
      $push() {
        return []
      }
    }
    // @ts-expect-error -- no shadow for `pop`
    defineUpgrade({ from: old, to, future: { model: 'shadowed', implementation: Forgets } })
    class Invents extends Future {
      $pull() {
        return []
      }
    }
    // @ts-expect-error -- the old class has no `pull`
    defineUpgrade({ from: old, to, future: { model: 'shadowed', implementation: Invents } })
    class ShadowsQuery extends Future {
      $depth() {
        return []
      }
    }
    // @ts-expect-error -- a query changes nothing and casts no shadow
    defineUpgrade({ from: old, to, future: { model: 'shadowed', implementation: ShadowsQuery } })
  })

  it('refuse a shadow that returns calls of another version, or nothing', () => {
    class Other extends Next {
      $push({ args }: Shadowed<typeof old, 'push'>) {
        return [callsOf(old).push(...args)]
      }
      $pop() {
        return []
      }
    }
    // @ts-expect-error -- calls of the delegate's version
    defineUpgrade({ from: old, to, future: { model: 'shadowed', implementation: Other } })
    class Nothing extends Next {
      $push(): void {}
      $pop(): void {}
    }
    // @ts-expect-error -- `[]` says that it amounts to nothing
    defineUpgrade({ from: old, to, future: { model: 'shadowed', implementation: Nothing } })
  })

  it('know the arguments, results and builders', () => {
    const check = (call: Shadowed<typeof old, 'pop'>): void => {
      expectTypeOf(call.args).toEqualTypeOf<[]>()
      expectTypeOf(call.result).toEqualTypeOf<string>()
      // @ts-expect-error -- a view is only asked
      call.before.push satisfies never
      // @ts-expect-error -- a command with a result says what it would have been
      const without: ReturnType<Future['$pop']>[number] = calls.take()
      expect(without).toBeDefined()
      // @ts-expect-error -- wrong arguments
      calls.put('a', 'b')
      // @ts-expect-error -- a query is no equivalent of a command
      calls.height satisfies never
    }
    expect(check).toBeTypeOf('function')
  })

  it('refuse an interceptor that does not serve both versions', () => {
    class Old implements ObjectOf<typeof old> {
      push(): void {}
      pop(): string {
        return ''
      }
      depth(): number {
        return 0
      }
    }
    const future = { model: 'interceptor', implementation: Next, instead: Old } as const
    expect(defineUpgrade({ from: old, to, future }).future?.instead).toBe(Old)
    // @ts-expect-error -- nothing serves the delegate's version
    defineUpgrade({ from: old, to, future: { model: 'interceptor', implementation: Next } })
    // @ts-expect-error -- serves the wrong one
    defineUpgrade({ from: old, to, future: { model: 'interceptor', implementation: Next, instead: Next } })
  })
})
