import {
  defineClass,
  defineUpgrade,
  type ClassDefinition,
  type ObjectContext,
  type ObjectOf,
  type SimulationContext,
  type UpgradeDefinition
} from '@instar/simulator-runtime'
import { createTestObject, type TestObject } from '@instar/simulator-runtime/testing'
import fc from 'fast-check'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { colorSet } from '../src/index.js'
import { propertyRuns } from '../../../test/property-budget.js'
import { colorSetV2, colorSetV3, colours, intSet, intSetV1, type Colour } from '../src/index.js'

/**
 * The reference pair of example A: the whole truth is which element has which colour. Every answer of every version must be the one that
 * this gives, or a declared refusal that changed nothing (R7, R8).
 */
class Reference {
  readonly #items = new Map<number, Colour>()

  call(method: string, x: number, color: Colour): unknown {
    const known = this.#items.get(x)
    switch (method) {
      case 'insert':
        if (known === undefined) this.#items.set(x, 'blue')
        return undefined
      case 'insertColor':
        this.#items.set(x, color)
        return undefined
      case 'delete':
        this.#items.delete(x)
        return undefined
      case 'contains':
        return known !== undefined
      case 'size':
        return this.#items.size
      case 'getColor':
        return known ?? 'Failed'
      case 'countByColor': {
        const counts: Partial<Record<Colour, number>> = {}
        for (const each of this.#items.values()) counts[each] = (counts[each] ?? 0) + 1
        return counts
      }
      default:
        throw new RangeError(method)
    }
  }
}

const methods = [
  ['insert', 'delete', 'contains', 'size'],
  ['insertColor', 'delete', 'getColor', 'contains'],
  ['insertColor', 'delete', 'getColor', 'contains', 'countByColor']
]
const events = ['introduce', 'withdraw', 'upgrade', 'retire', 'restart', 'crash'] as const

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      version: fc.integer({ min: 1, max: 3 }),
      method: fc.nat(4),
      x: fc.integer({ min: 1, max: 3 }),
      color: fc.constantFrom(...colours)
    })
  },
  { weight: 2, arbitrary: fc.constantFrom(...events).map(event => ({ event })) }
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
type Versions = readonly [ClassDefinition, ...UpgradeDefinition[]]

/** Runs a history and gives what was wrong with it, if anything, with the calls that led there. */
async function flawOf(versions: Versions, history: readonly Step[]): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'instar-sequence-'))
  const object = await createTestObject({ versions, directory })
  const reference = new Reference()
  const served = { low: 1, high: 1 }
  const transcript: string[] = []
  try {
    for (const each of history) {
      if ('event' in each) {
        await happen(object, each.event, served, versions.length)
        transcript.push(each.event)
        continue
      }
      const { version, x, color } = each
      if (version < served.low || version > served.high) continue
      const names = methods[version - 1] ?? []
      const method = names[each.method % names.length] ?? ''
      const args = method === 'insertColor' ? [x, color] : method === 'size' || method === 'countByColor' ? [] : [x]
      const answer = await object
        .call(version, method, args)
        .catch((error: unknown) => (error as { code: unknown }).code)
      transcript.push(`v${version}.${method}(${args.join(', ')}) = ${JSON.stringify(answer)}`)
      if (answer === 'Disallowed') {
        if (version === object.current) return `${transcript.join('\n')}: refused by the current object`
        continue
      }
      const expected = reference.call(method, x, color)
      if (JSON.stringify(sorted(answer)) !== JSON.stringify(sorted(expected))) {
        return `${transcript.join('\n')}, not ${JSON.stringify(expected)}`
      }
    }
    return undefined
  } finally {
    await object.close()
    await rm(directory, { recursive: true })
  }
}

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : value

async function happen(
  object: TestObject,
  event: (typeof events)[number],
  served: { low: number; high: number },
  newest: number
): Promise<void> {
  if (event === 'introduce' && served.high < newest) await object.introduce(++served.high)
  if (event === 'withdraw' && served.high > object.current) await object.withdraw(served.high--)
  if (event === 'upgrade' && object.current < newest) {
    await object.upgrade()
    served.high = Math.max(served.high, object.current)
  }
  if (event === 'retire' && served.low < object.current) await object.retire(served.low++)
  if (event === 'restart') await object.restart()
  if (event === 'crash') await object.crash()
}

describe('every history of calls and events', () => {
  it('is answered as the reference pair answers it, or refused (R7, R8, R10)', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async history => {
        expect(await flawOf([intSetV1, colorSetV2, colorSetV3], history)).toBeUndefined()
      }),
      { numRuns: propertyRuns(50) }
    )
  })

  it('shows the direct colour set that remembers red: the check can fail', { timeout: 60_000 }, async () => {
    class RemembersColours implements ObjectOf<typeof colorSet> {
      constructor(readonly ctx: SimulationContext<typeof intSet>) {}
      async insertColor(x: number, color: Colour): Promise<void> {
        await this.ctx.state.put(String(x), color)
        await this.ctx.delegate.insert(x)
      }
      async delete(x: number): Promise<void> {
        await this.ctx.state.del(String(x))
        await this.ctx.delegate.delete(x)
      }
      async getColor(x: number): Promise<Colour> {
        return (await this.ctx.state.get<string, Colour>(String(x))) ?? 'blue'
      }
      contains(x: number): Promise<boolean> {
        return this.ctx.delegate.contains(x)
      }
    }
    const wrong = defineUpgrade({
      from: intSet,
      to: colorSetV2.to,
      future: RemembersColours,
      transform: async ({ oldState, newState }) => {
        for await (const x of oldState.sublevel('items').keys()) await newState.sublevel('items').put(x, 'blue')
      }
    })
    const run = await fc.check(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async history => {
        expect(await flawOf([intSetV1, wrong], history)).toBeUndefined()
      }),
      { numRuns: 200, endOnFailure: true }
    )
    expect(run.failed).toBe(true)
  })

  it('shows a past simulation object that keeps what it should ask for', { timeout: 60_000 }, async () => {
    class CountsItself implements ObjectOf<typeof intSet> {
      constructor(readonly ctx: SimulationContext<typeof colorSet>) {}
      async insert(x: number): Promise<void> {
        if (await this.contains(x)) return
        await this.ctx.delegate.insertColor(x, 'blue')
        await this.ctx.state.put('size', (await this.size()) + 1)
      }
      async delete(x: number): Promise<void> {
        if (!(await this.contains(x))) return
        await this.ctx.delegate.delete(x)
        await this.ctx.state.put('size', (await this.size()) - 1)
      }
      contains(x: number): Promise<boolean> {
        return this.ctx.delegate.contains(x)
      }
      async size(): Promise<number> {
        return (await this.ctx.state.get<string, number>('size')) ?? 0
      }
    }
    const { future: _, ...right } = colorSetV2
    const wrong: UpgradeDefinition = {
      ...right,
      past: { model: 'direct', implementation: CountsItself, disallow: {} }
    }
    const run = await fc.check(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async history => {
        expect(
          await flawOf([intSetV1, wrong], [{ event: 'upgrade' }, ...history.filter(each => !('event' in each))])
        ).toBeUndefined()
      }),
      { numRuns: 200, endOnFailure: true }
    )
    expect(run.failed).toBe(true)
  })

  it('shows an object that answers before its state is written', async () => {
    class Half implements ObjectOf<typeof intSet> {
      constructor(readonly ctx: ObjectContext) {}
      async insert(): Promise<void> {}
      async delete(): Promise<void> {}
      contains(): boolean {
        return false
      }
      size(): number {
        return 0
      }
    }
    const history: Step[] = [
      { version: 1, method: 0, x: 1, color: 'blue' },
      { version: 1, method: 2, x: 1, color: 'blue' }
    ]
    expect(await flawOf([defineClass(intSet, Half), colorSetV2], history)).toMatch(/contains\(1\) = false, not true/)
  })
})
