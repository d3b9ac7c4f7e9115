import fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  Failed,
  flow,
  query,
  type ObjectContext,
  type SimulationContext
} from '../src/index.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'

const pair = z.tuple([z.int(), z.int()])
const key = z.string()
const tally = defineContract('Tally', {
  put: command(z.tuple([key, z.int()]), z.void()),
  /** What is kept and what is true, of the sum of all keys that begin so. */
  sums: query(z.tuple([key]), pair),
  sumsAfterPut: command(z.tuple([key, z.int()]), z.array(pair)),
  sumsAndFail: command(z.tuple([key, z.int()]), z.void()),
  waitAndSum: query(z.tuple([]), pair),
  grow: query(z.tuple([]), z.array(z.int())),
  misuse: query(z.tuple([z.enum(['writes', 'asks', 'clock', 'asksPeer'])]), z.unknown()),
  inFlow: flow(z.tuple([]), z.unknown())
})

let computed = 0
let gate: Promise<unknown> = Promise.resolve()

class Tally {
  constructor(readonly ctx: ObjectContext) {}

  put(name: string, value: number): Promise<void> {
    return this.ctx.state.put(name, value)
  }

  async sum(prefix: string): Promise<number> {
    computed++
    let sum = 0
    const range = { gte: prefix, lt: `${prefix}~` }
    for await (const value of this.ctx.state.values<string, number>(range)) sum += value
    // And a key by itself.
    return sum + ((await this.ctx.state.get<string, number>(`!${prefix}`)) ?? 0)
  }

  list(): number[] {
    return [1, 2]
  }

  async sums(prefix: string): Promise<[number, number]> {
    return [await this.ctx.cache(this).sum(prefix), await this.sum(prefix)]
  }

  async sumsAfterPut(name: string, value: number): Promise<Array<[number, number]>> {
    const before = await this.sums('')
    await this.put(name, value)
    return [before, await this.sums(''), await this.sums(name.slice(0, 1))]
  }

  async sumsAndFail(name: string, value: number): Promise<void> {
    await this.sumsAfterPut(name, value)
    throw new Failed('on purpose')
  }

  async waitAndSum(): Promise<[number, number]> {
    await gate
    return this.sums('')
  }

  grow(): number[] {
    const mine = this.ctx.cache(this).list()
    mine.push(3)
    return this.ctx.cache(this).list()
  }

  writes(): Promise<void> {
    return this.ctx.state.put('a', 1)
  }

  asks(): string {
    return this.ctx.caller
  }

  clock(): number {
    return this.ctx.now()
  }

  asksPeer(): Promise<unknown> {
    return this.ctx.peer('other', tally).sums('')
  }

  async misuse(how: 'writes' | 'asks' | 'clock' | 'asksPeer'): Promise<unknown> {
    return await this.ctx.cache(this)[how]()
  }

  inFlow(): Promise<unknown> {
    return this.ctx.cache(this).sum('')
  }
}

/** Keeps what it hears from its delegate. */
class FutureTally {
  constructor(readonly ctx: SimulationContext<typeof tally>) {}

  async sum(prefix: string): Promise<number> {
    return (await this.ctx.delegate.sums(prefix))[1]
  }

  async sums(prefix: string): Promise<[number, number]> {
    return [await this.ctx.cache(this).sum(prefix), await this.sum(prefix)]
  }

  $put(): [] {
    return []
  }
}

const disallow = {
  put: 'not here',
  sumsAfterPut: 'not here',
  sumsAndFail: 'not here',
  waitAndSum: 'not here',
  grow: 'not here',
  misuse: 'not here',
  inFlow: 'not here'
}
const v2 = defineContract('Tally', { ...tally.methods, more: query(z.tuple([]), z.void()) })
const versions = [
  defineClass(tally, Tally),
  defineUpgrade({
    from: tally,
    to: defineClass(v2, Tally as never),
    future: { implementation: FutureTally as never, disallow: { ...disallow, more: 'not here' } as never }
  })
] as const

let directory: string
let object: TestObject

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-cache-'))
  object = await createTestObject({
    versions,
    directory,
    overrides: { limits: { cacheEntriesMax: 3, cacheBytesMax: 1000 } }
  })
  computed = 0
})

afterEach(async () => {
  await object.close()
  await rm(directory, { recursive: true })
})

const at = () => object.at(1, tally)
const hits = () => object.host.stats().cacheHits

describe('an answer that is kept', () => {
  it('is computed once for many requests', async () => {
    await at().put('a1', 5)
    for (let i = 0; i < 5; i++) expect(await at().sums('a')).toEqual([5, 5])
    // Once by each request for the comparison, and once to be kept.
    expect(computed).toBe(6)
    expect(hits()).toBe(4)
  })

  it.each(['a1', 'a2', '!a'])('is gone when %s, which it read or did not find, is written', async written => {
    await at().put('a1', 5)
    await at().sums('a')
    await at().put(written, 7)
    const [kept, truth] = await at().sums('a')
    expect(kept).toBe(truth)
    expect(hits()).toBe(0)
  })

  it('stays when something else is written', async () => {
    await at().sums('a')
    await at().put('b1', 7)
    await at().sums('a')
    expect(hits()).toBe(1)
  })

  it('of a command that fails was computed over none of its writes', async () => {
    await expect(at().sumsAndFail('a1', 5)).rejects.toMatchObject({ code: 'Failed' })
    expect(await at().sums('a')).toEqual([0, 0])
    expect(await at().sums('')).toEqual([0, 0])
  })

  it('is not taken by a command that has written what was read', async () => {
    await at().sums('')
    expect(await at().sumsAfterPut('a1', 5)).toEqual([
      [0, 0],
      [5, 5],
      [5, 5]
    ])
  })

  it('of a newer state is not given to a query that began on an older one', async () => {
    await at().put('a1', 1)
    const { promise, resolve } = Promise.withResolvers<undefined>()
    gate = promise
    const older = at().waitAndSum()
    await at().put('a1', 5)
    expect(await at().sums('')).toEqual([5, 5])
    resolve(undefined)
    expect(await older).toEqual([1, 1])
    expect(await at().sums('')).toEqual([5, 5])
  })

  it('is a copy for each asker', async () => {
    expect(await at().grow()).toEqual([1, 2])
    expect(await at().grow()).toEqual([1, 2])
  })

  it('may be of a simulation object, and is gone when what its delegate read is written', async () => {
    await object.introduce(2)
    await object.at(2, v2).sums('a')
    expect(await object.at(2, v2).sums('a')).toEqual([0, 0])
    expect(hits()).toBeGreaterThan(0)
    await at().put('a1', 3)
    expect(await object.at(2, v2).sums('a')).toEqual([3, 3])
  })

  it('does not outlive the host', async () => {
    await at().sums('a')
    await object.restart()
    await at().sums('a')
    expect(hits()).toBe(0)
  })

  it('makes room for others: the least recently used goes first', async () => {
    for (const prefix of ['a', 'b', 'c', 'a', 'd', 'a']) await at().sums(prefix)
    expect(hits()).toBe(2)
    await at().sums('b')
    expect(hits()).toBe(2)
  })
})

describe('a method whose answer is kept', () => {
  it.each([
    ['writes', 'only reads'],
    ['asks', 'ctx.caller'],
    ['clock', 'ctx.now()'],
    ['asksPeer', 'it only reads state']
  ] as const)('is refused what would make its answer depend on more: %s', async (how, message) => {
    await expect(at().misuse(how)).rejects.toMatchObject({
      code: 'OutOfContract',
      message: expect.stringContaining(message) as string
    })
  })

  it('is nothing for a flow', async () => {
    await expect(at().inFlow()).rejects.toMatchObject({ message: expect.stringContaining('no state') as string })
  })
})

it('never differs from what the state says, however requests meet', async () => {
  const name = fc.constantFrom('a1', 'a2', 'b1', '!a', '!')
  const step = fc.oneof(
    fc.record({ method: fc.constant('put'), args: fc.tuple(name, fc.integer({ min: 0, max: 9 })) }),
    fc.record({ method: fc.constant('sums'), args: fc.tuple(fc.constantFrom('', 'a', 'b')) }),
    fc.record({
      method: fc.constantFrom('sumsAfterPut', 'sumsAndFail'),
      args: fc.tuple(name, fc.integer({ min: 0, max: 9 }))
    })
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { minLength: 5, maxLength: 40 }), async steps => {
      const answers: Array<Promise<unknown>> = []
      for (const [{ method, args }, waits] of steps) {
        const answer = object.call(1, method, args).catch(() => undefined)
        answers.push(answer)
        if (waits) await answer
      }
      for (const answer of await Promise.all(answers)) {
        const pairs = (Array.isArray(answer) && typeof answer[0] === 'number' ? [answer] : (answer ?? [])) as number[][]
        for (const [kept, truth] of pairs) expect(kept).toBe(truth)
      }
    }),
    { numRuns: 60 }
  )
  expect(hits()).toBeGreaterThan(50)
})
