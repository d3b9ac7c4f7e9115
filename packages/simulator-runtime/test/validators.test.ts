import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type } from 'arktype'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  callsOf,
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type DelegateOf,
  type EquivalentCall,
  type ObjectContext,
  type ObjectOf,
  type Shadowed,
  type SimulationContext,
  type StubOf
} from '../src/index.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'

// One contract in three libraries: names are trimmed and not empty, `count` is 1 unless said otherwise, and what `get` returns is made to
// upper case by its validator.
const withZod = defineContract('Shelf', {
  put: command(
    z.tuple([z.string().trim().min(1), z.object({ count: z.int().default(1) })]),
    z.object({ count: z.int() })
  ),
  get: query(
    z.tuple([z.string()]),
    z.object({ name: z.string().transform(name => name.toUpperCase()), count: z.int() })
  )
})
const withValibot = defineContract('Shelf', {
  put: command(
    // `tuple` would leave out what is too much without a word.
    v.strictTuple([
      v.pipe(v.string(), v.trim(), v.nonEmpty()),
      v.object({ count: v.optional(v.pipe(v.number(), v.integer()), 1) })
    ]),
    v.object({ count: v.number() })
  ),
  get: query(
    v.strictTuple([v.string()]),
    v.object({
      name: v.pipe(
        v.string(),
        v.transform(name => name.toUpperCase())
      ),
      count: v.pipe(v.number(), v.integer())
    })
  )
})
const withArktype = defineContract('Shelf', {
  put: command(type(['string.trim |> string > 0', { count: 'number.integer = 1' }]), type({ count: 'number' })),
  get: query(type(['string']), type({ name: type('string').pipe(name => name.toUpperCase()), count: 'number.integer' }))
})

/** What a class is given and gives, and what a caller gives and is given, whichever library says it. */
interface ShelfObject {
  put: (name: string, options: { count: number }) => { count: number } | Promise<{ count: number }>
  get: (name: string) => { name: string; count: number } | Promise<{ name: string; count: number }>
}

class Shelf implements ShelfObject {
  constructor(private readonly ctx: ObjectContext) {}
  async put(name: string, { count }: { count: number }) {
    const sum = ((await this.ctx.state.get<string, number>(name)) ?? 0) + count
    await this.ctx.state.put(name, sum)
    return { count: sum }
  }
  async get(name: string) {
    return { name, count: (await this.ctx.state.get<string, number>(name)) ?? 0 }
  }
}

let directory: string
let object: TestObject | undefined
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-validators-'))
})
afterEach(async () => {
  await object?.close()
  object = undefined
  await rm(directory, { recursive: true })
})

describe.each([
  ['zod', defineClass(withZod, Shelf), '1.count: Invalid input: expected int, received number'],
  ['valibot', defineClass(withValibot, Shelf), '1.count: Invalid integer: Received 0.5'],
  ['arktype', defineClass(withArktype, Shelf), '1.count: value at [1].count must be an integer (was 0.5)']
] as const)('a contract with validators of %s', (_library, definition, flaw) => {
  beforeEach(async () => {
    object = await createTestObject({ versions: [definition], directory })
  })

  it('gives the class arguments and callers results as the validators make them', async () => {
    expect(await object!.call(1, 'put', ['  ink ', {}])).toEqual({ count: 1 })
    expect(await object!.call(1, 'put', ['ink', { count: 4 }])).toEqual({ count: 5 })
    expect(await object!.call(1, 'get', ['ink'])).toEqual({ name: 'INK', count: 5 })
  })

  it('refuses arguments with a sentence that says where they are wrong', async () => {
    await expect(object!.call(1, 'put', ['ink', { count: 0.5 }])).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining(`Shelf.put: ${flaw}`) as string
    })
    for (const wrong of [[], ['ink'], ['ink', {}, 1], [' ', {}], [1, {}]])
      await expect(object!.call(1, 'put', wrong)).rejects.toMatchObject({
        code: 'InvalidInput',
        message: expect.stringMatching(/^Shelf\.put: .*\S/) as string
      })
    expect(await object!.call(1, 'get', ['ink'])).toMatchObject({ count: 0 })
  })
})

describe('a validator that takes time', () => {
  const isKnown = (name: string) => new Promise<boolean>(resolve => setImmediate(() => resolve(name === 'ink')))
  const shelves = {
    zod: defineContract('Shelf', {
      put: command(z.tuple([z.string().refine(isKnown, 'is not known')]), z.void()),
      get: query(z.tuple([]), z.string().refine(isKnown, 'is not known'))
    }),
    valibot: defineContract('Shelf', {
      put: command(v.strictTupleAsync([v.pipeAsync(v.string(), v.checkAsync(isKnown, 'is not known'))]), v.undefined()),
      get: query(v.strictTuple([]), v.pipeAsync(v.string(), v.checkAsync(isKnown, 'is not known')))
    })
  }
  class Last {
    constructor(private readonly ctx: ObjectContext) {}
    put(name: string): Promise<void> {
      return this.ctx.state.put('last', name)
    }
    async get(): Promise<string> {
      return (await this.ctx.state.get<string, string>('last')) ?? 'nothing'
    }
  }

  it.each(Object.entries(shelves))('is waited for, of arguments and of results: %s', async (_library, shelf) => {
    object = await createTestObject({ versions: [defineClass(shelf, Last as never)], directory })
    await expect(object.call(1, 'put', ['wax'])).rejects.toMatchObject({
      code: 'InvalidInput',
      message: 'Shelf.put: 0: is not known'
    })
    await expect(object.call(1, 'get', [])).rejects.toMatchObject({
      code: 'OutOfContract',
      message: expect.stringContaining('its answer is invalid: is not known') as string
    })
    await object.call(1, 'put', ['ink'])
    expect(await object.call(1, 'get', [])).toBe('ink')
  })

  it.each([
    [
      'at once',
      () => {
        throw new Error('no dictionary')
      }
    ],
    ['later', () => Promise.reject(new Error('no dictionary'))]
  ])('that throws is the fault of the class, and harms nobody else: %s', async (_when, validate) => {
    const broken = { '~standard': { version: 1, vendor: 'own', validate } } as const
    const shelf = defineContract('Shelf', { ...shelves.zod.methods, put: command(broken as never, z.void()) })
    object = await createTestObject({ versions: [defineClass(shelf, Last as never)], directory })
    await expect(object.call(1, 'put', ['ink'])).rejects.toMatchObject({
      code: 'OutOfContract',
      message: expect.stringContaining('no dictionary') as string
    })
  })
})

// Checked by the compiler (`npm run check`, types).
describe('the types of a contract', () => {
  interface Caller {
    put: (name: string, options: { count?: number | undefined }) => Promise<{ count: number }>
    get: (name: string) => Promise<{ name: string; count: number }>
  }
  it.each(['zod', 'valibot', 'arktype'])('are those of its validators: %s', () => {
    expectTypeOf<ObjectOf<typeof withZod>>().branded.toEqualTypeOf<Readonly<ShelfObject>>()
    expectTypeOf<ObjectOf<typeof withValibot>>().branded.toEqualTypeOf<Readonly<ShelfObject>>()
    expectTypeOf<ObjectOf<typeof withArktype>>().branded.toEqualTypeOf<Readonly<ShelfObject>>()
    expectTypeOf<Caller>().toExtend<StubOf<typeof withZod>>()
    expectTypeOf<StubOf<typeof withZod>>().toExtend<Caller>()
    expectTypeOf<StubOf<typeof withValibot>>().toExtend<Caller>()
    expectTypeOf<DelegateOf<typeof withZod>>().toExtend<Caller>()
    expectTypeOf<DelegateOf<typeof withValibot>>().toExtend<Caller>()
    expectTypeOf<StubOf<typeof withArktype>['put']>().parameters.toEqualTypeOf<[string, { count?: number }]>()
    expectTypeOf<DelegateOf<typeof withArktype>['get']>().returns.toEqualTypeOf<
      Promise<{ name: string; count: number }>
    >()
  })

  const calls = callsOf(withValibot)
  class Served extends Shelf {
    $put({ args: [name, options], result }: Shadowed<typeof withZod, 'put'>) {
      expectTypeOf(options).toEqualTypeOf<{ count: number }>()
      expectTypeOf(result).toEqualTypeOf<{ count: number }>()
      return [calls.put(name, options).answering(result)]
    }
  }
  const to = defineClass(withValibot, Shelf)

  it('reach through an upgrade between two libraries', () => {
    const upgrade = defineUpgrade({
      from: withZod,
      to,
      future: { model: 'shadowed', implementation: Served },
      past: Shelf
    })
    expect(upgrade.future?.model).toBe('shadowed')
    const ask = (ctx: SimulationContext<typeof withArktype>): unknown => {
      // @ts-expect-error -- a name is a string
      void ctx.delegate.put(1, {})
      // @ts-expect-error -- a count is a number
      void ctx.delegate.put('ink', { count: 'many' })
      // @ts-expect-error -- there is no such method
      return ctx.delegate.take
    }
    expect(ask).toBeTypeOf('function')
  })

  it('refuse a past simulation object that misses a method, and a future one that answers something else', () => {
    class Half {
      async put() {
        return { count: 1 }
      }
    }
    // @ts-expect-error -- the class has no `get` (R6)
    defineUpgrade({ from: withArktype, to, past: Half })
    class Wrong extends Half {
      get() {
        return { name: 'ink', count: 'many' }
      }
    }
    // @ts-expect-error -- a count is a number
    defineUpgrade({ from: withArktype, to, future: Wrong })
  })

  it('refuse a missing shadow, one of nothing, and one that gets or returns other calls', () => {
    // @ts-expect-error -- no shadow for `put`
    defineUpgrade({ from: withArktype, to, future: { model: 'shadowed', implementation: Shelf } })
    class Odd extends Served {
      $take() {
        return []
      }
    }
    // @ts-expect-error -- the old class has no `take`
    defineUpgrade({ from: withArktype, to, future: { model: 'shadowed', implementation: Odd } })
    class Misread extends Shelf {
      $put({ args: [count] }: { args: [number, object] }) {
        return [calls.put('ink', { count }).answering({ count })]
      }
    }
    // @ts-expect-error -- its first argument is a name
    defineUpgrade({ from: withArktype, to, future: { model: 'shadowed', implementation: Misread } })
    // @ts-expect-error -- `put` has a result
    const whole: EquivalentCall = calls.put('ink', {})
    expect(whole).toBeDefined()
    // @ts-expect-error -- which is an object
    calls.put('ink', {}).answering(1)
  })
})
