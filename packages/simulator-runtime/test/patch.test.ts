import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HostPlan } from '@instar/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  type ObjectContext,
  type SimulationContext
} from '../src/index.js'
import { loadCode } from '../src/host/open/load-code.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'

let directory: string
let object: TestObject | undefined
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-patch-'))
})
afterEach(async () => {
  await object?.close()
  object = undefined
  await rm(directory, { recursive: true })
})

const tally = defineContract('Tally', { add: command(z.tuple([z.int()]), z.int()) })
class Tally {
  constructor(private readonly ctx: ObjectContext) {}
  async add(amount: number): Promise<number> {
    const sum = ((await this.ctx.state.get<string, number>('sum')) ?? 0) + this.worth(amount)
    await this.ctx.state.put('sum', sum)
    return sum
  }
  protected worth(amount: number): number {
    return amount
  }
}
class Doubling extends Tally {
  protected override worth(amount: number): number {
    return 2 * amount
  }
}
const one = defineClass(tally, Tally)
const patch = defineClass(tally, Doubling)

it('a patch takes the state as it is and answers the calls of both versions', async () => {
  object = await createTestObject({ versions: [one, patch], directory })
  expect([await object.at(1, tally).add(1), await object.at(2, tally).add(1)]).toEqual([1, 2])
  await object.upgrade()
  expect([await object.at(1, tally).add(1), await object.at(2, tally).add(1)]).toEqual([4, 6])
  await object.crash()
  expect(await object.at(2, tally).add(1)).toBe(8)
})

it('a late object takes a patch and an upgrade after it in one switch', async () => {
  class Past {
    constructor(private readonly ctx: SimulationContext<typeof tally>) {}
    async add(amount: number): Promise<number> {
      return this.ctx.delegate.add(amount)
    }
  }
  const next = defineUpgrade({
    from: tally,
    to: defineClass(defineContract('Tally', { ...tally.methods }), Tally),
    past: Past,
    transform: async ({ oldState, newState }) => newState.put('sum', (await oldState.get<string, number>('sum')) ?? -1)
  })
  object = await createTestObject({ versions: [one, patch, patch, next], directory })
  await object.at(1, tally).add(1)
  await object.upgrade(4)
  expect([await object.at(4, tally).add(1), await object.at(2, tally).add(1)]).toEqual([2, 3])
})

it.each([
  ['a transform', { transform: 'whole' }],
  ['another contract', { toRevision: 2 }]
] as const)('a class alone is not taken for an upgrade with %s', async (_what, change) => {
  const ref = { bundle: 'b'.repeat(64), entry: 'patch.mjs' }
  const chainId = '0'.repeat(16)
  const plan: HostPlan = {
    format: 1,
    plan: 1,
    className: 'Tally',
    object: { ...ref, version: 2, chainId, revision: 1 },
    past: [],
    future: [],
    steps: [{ ...ref, from: 1, to: 2, chainId, transform: 'none', fromRevision: 1, toRevision: 1, ...change }],
    goBack: undefined,
    durability: 'os',
    limits: { loadMs: 1, drainMs: 1, transformMs: 1, heapMiB: 1 }
  }
  await expect(loadCode(plan, async () => patch)).rejects.toMatchObject({
    code: 'BundleLoadFailed',
    message: expect.stringContaining('it defines a class, where an upgrade is needed') as string
  })
})
