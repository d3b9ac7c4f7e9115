import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  callsOf,
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type DelegateOf,
  type Mapping,
  type ObjectContext,
  type QueriesOf,
  type Shadowed
} from '../src/index.js'

const old = defineContract('Shelf', {
  put: command(z.tuple([z.string()]), z.void()),
  take: command(z.tuple([]), z.string().optional()),
  count: query(z.tuple([]), z.int())
})
const next = defineContract('Rack', {
  place: command(z.tuple([z.string(), z.int()]), z.void()),
  count: query(z.tuple([]), z.int())
})

class Shelf {
  constructor(readonly ctx: ObjectContext) {}
  put(_name: string): void {}
  take(): string | undefined {
    return undefined
  }
  count(): number {
    return 0
  }
}
class Rack {
  constructor(readonly ctx: ObjectContext) {}
  place(_name: string, _at: number): void {}
  count(): number {
    return 0
  }
}
class PastShelf extends Shelf {
  $place({ args: [name, at], before }: Shadowed<typeof next, 'place'>) {
    expectTypeOf(at).toEqualTypeOf<number>()
    expectTypeOf(before).toEqualTypeOf<DelegateOf<QueriesOf<typeof next>>>()
    return [callsOf(old).put(name)]
  }
}
class FutureRack extends Rack {
  $put({ args: [name] }: Shadowed<typeof old, 'put'>) {
    return [callsOf(next).place(name, 0)]
  }
  $take({ result }: Shadowed<typeof old, 'take'>) {
    expectTypeOf(result).toEqualTypeOf<string | undefined>()
    return []
  }
}
const to = defineClass(next, Rack)
const map: Mapping = ({ key, value }, { newState }) => newState.put(key, value)

// These are checked by the compiler (`npm run check`, types); the tests below only need them to be reached.
describe('the types of a twin', () => {
  it('accept classes with a shadow for every command of the other version', () => {
    const upgrade = defineUpgrade({ from: old, to, twin: { map, future: FutureRack, past: PastShelf } })
    expect([upgrade.future?.model, upgrade.past?.model]).toEqual(['twin', 'twin'])
  })

  it('take the old class for its initial state, and methods that are refused meanwhile', () => {
    const from = defineClass(old, Shelf, { initialize: state => state.put('a', 1) })
    const future = { implementation: FutureRack, disallow: { place: 'not before the upgrade' } } as const
    const upgrade = defineUpgrade({ from, to, twin: { map, future, past: PastShelf } })
    expect(upgrade.past?.initialize).toBe(from.initialize)
    expect(upgrade.future?.disallow).toEqual(future.disallow)
    const implementation = FutureRack
    // @ts-expect-error -- what is refused has to exist
    defineUpgrade({ from, to, twin: { map, future: { implementation, disallow: { throw: 'no' } }, past: PastShelf } })
  })

  it('refuse a command that is not translated, on either side', () => {
    class Forgets extends Rack {
      $put() {
        return []
      }
    }
    // @ts-expect-error -- no shadow for `take`
    defineUpgrade({ from: old, to, twin: { map, future: Forgets, past: PastShelf } })
    // @ts-expect-error -- the old class has no shadow for `place`
    defineUpgrade({ from: old, to, twin: { map, future: FutureRack, past: Shelf } })
  })

  it('refuse a shadow of nothing, of a query, and calls of the other version', () => {
    class Invents extends FutureRack {
      $push() {
        return []
      }
    }
    // @ts-expect-error -- the old class has no `push`
    defineUpgrade({ from: old, to, twin: { map, future: Invents, past: PastShelf } })
    class Counts extends FutureRack {
      $count() {
        return []
      }
    }
    // @ts-expect-error -- a query changes nothing and casts no shadow
    defineUpgrade({ from: old, to, twin: { map, future: Counts, past: PastShelf } })
    class Echoes extends Shelf {
      $place({ args }: Shadowed<typeof next, 'place'>) {
        return [callsOf(next).place(...args)]
      }
    }
    // @ts-expect-error -- equivalent calls are of the shadow's own version
    defineUpgrade({ from: old, to, twin: { map, future: FutureRack, past: Echoes } })
  })

  it('refuse a class that misses a method, and a twin with a transform or simulation objects besides', () => {
    class Part {
      $put() {
        return []
      }
      $take() {
        return []
      }
      place(): void {}
    }
    // @ts-expect-error -- `count` is neither there nor disallowed (R6)
    defineUpgrade({ from: old, to, twin: { map, future: Part, past: PastShelf } })
    const twin = { map, future: FutureRack, past: PastShelf }
    // @ts-expect-error -- the mapping is the transform
    defineUpgrade({ from: old, to, twin, transform: () => undefined })
    // @ts-expect-error -- the twin is the simulation object
    defineUpgrade({ from: old, to, twin, future: FutureRack })
  })

  it('let a mapping put what is new and read what is old, by key', () => {
    const check: Mapping = async (entry, { oldState, newState }) => {
      expectTypeOf(entry.key).toEqualTypeOf<string>()
      expectTypeOf(entry.decode<number, Date>({}).value).toEqualTypeOf<Date>()
      await newState.sublevel('s').put(entry.key, await oldState.get('other'))
      // @ts-expect-error -- ranges cannot be remembered
      oldState.iterator satisfies never
      // @ts-expect-error -- what is not put is not there
      newState.del satisfies never
      // @ts-expect-error -- the new state is not read
      newState.get satisfies never
    }
    expect(check).toBeTypeOf('function')
  })
})
