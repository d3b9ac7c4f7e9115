import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SimulationFailed } from '../src/host/index.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'
import { hanging, registers, type Versions } from './registers.js'

let directory: string
let object: TestObject
let failed: SimulationFailed[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-interceptors-'))
  failed = []
})

afterEach(async () => {
  hanging.release()
  await object.close()
  await rm(directory, { recursive: true })
})

async function create(versions: Versions, keepBefore = false): Promise<void> {
  const overrides = { onSimulationFailed: (each: SimulationFailed) => failed.push(each) }
  object = await createTestObject({ versions, directory, keepBefore, overrides })
}

const put = (version: number, key: string, value = [version]): Promise<unknown> =>
  object.call(version, `put${version}`, [key, value])
const code = (code: string): unknown => expect.objectContaining({ code })

/** Version 2 runs, 1 is served by a direct simulation object, 3 by an interceptor, 4 by a direct one on it. */
async function intercepted(keepBefore = false): Promise<void> {
  const direct = { future: 'direct', past: 'direct' } as const
  await create(registers(4, { 2: direct, 3: { future: 'interceptor', past: 'interceptor' }, 4: direct }), keepBefore)
  await object.upgrade(2)
  await object.introduce(4)
}

describe('an interceptor', () => {
  it('takes the calls of its own version, of its delegate’s, and of whoever stands on either', async () => {
    await intercepted()
    expect(await object.call(2, 'told', [])).toEqual(['intercepted'])
    await put(2, 'a')
    expect(await object.call(3, 'told', [])).toEqual(['instead a'])
    // A call at version 1 goes through its simulation object to the façade of version 2, which is the interceptor.
    await put(1, 'b')
    expect(await object.call(3, 'told', [])).toEqual(['instead b'])
    await put(4, 'c')
    expect(await object.call(3, 'told', [])).toEqual(['instead b', 'own c'])
    expect(await object.call(1, 'keys', [])).toEqual(['a', 'b', 'c'])
  })

  it('of a past version does so beside the object', async () => {
    await intercepted()
    await object.upgrade(3)
    await put(3, 'a')
    expect(await object.call(2, 'told', [])).toEqual(['instead a'])
    await put(4, 'b')
    expect(await object.call(2, 'told', [])).toEqual(['instead b'])
    await object.retire(2)
    expect(await object.call(3, 'told', [])).toEqual([])
  })

  it.each(['throw', 'wrong', 'hang'])(
    'that fails on a command of its delegate’s version is withdrawn, and the call runs once (%s)',
    async how => {
      await intercepted()
      expect(await object.call(2, 'put2', [how, [1]], { remainingMs: 300 })).toEqual([])
      expect(await object.call(2, 'get', [how])).toEqual([1])
      expect(await object.call(2, 'told', [])).toEqual([])
      await expect(put(3, 'k')).rejects.toEqual(code('NotYet'))
      await expect(put(4, 'k')).rejects.toEqual(code('NotYet'))
      expect(failed).toEqual([
        { role: 'future', revision: 3, cause: expect.stringContaining('failed in put2') as unknown }
      ])
      await object.crash()
      expect(await object.call(2, 'get', [how])).toEqual([1])
      await expect(put(3, 'k')).rejects.toEqual(code('NotYet'))
    }
  )

  it('that fails on a call that came through another simulation object costs that one nothing', async () => {
    await intercepted()
    expect(await put(1, 'throw')).toEqual([])
    expect(await object.call(1, 'get', ['throw'])).toEqual([1])
    expect(failed).toHaveLength(1)
  })

  it('that fails in a query is withdrawn, and the query is answered by the delegate', async () => {
    await intercepted()
    await object.upgrade(2)
    expect(await object.call(2, 'get', ['badQuery'])).toBeUndefined()
    await put(2, 'a')
    await expect(object.call(3, 'get', ['a'])).rejects.toEqual(code('NotYet'))
    expect(failed.map(each => each.revision)).toEqual([3])
    const meta = await object.crash()
    expect(Object.keys(meta.withdrawn?.future ?? {})).toEqual(['3', '4'])
  })

  it('is not blamed for what its delegate throws', async () => {
    await intercepted()
    await expect(put(2, 'refused')).rejects.toEqual(code('OutOfContract'))
    await put(3, 'k')
    expect(failed).toEqual([])
  })

  it('of a past version that fails on trial leaves no effect', async () => {
    const direct = { future: 'direct', past: 'interceptor' } as const
    await create(registers(2, { 2: direct }), true)
    await object.upgrade(2)
    await expect(put(2, 'throw')).rejects.toEqual(code('Upgrading'))
    await expect(object.call(2, 'get', ['badQuery'])).rejects.toEqual(code('Upgrading'))
    expect(await object.call(2, 'keys', [])).toEqual([])
    expect(failed.map(each => [each.role, each.revision])).toEqual([
      ['past', 1],
      ['past', 1]
    ])
  })
})

describe('a plan', () => {
  it.each([
    ['a shadowed simulation object on a direct one', registers(3, { 2: { future: 'direct' } }), 1, 3],
    ['a shadowed one on an interceptor', registers(3, { 2: { future: 'interceptor' } }), 1, 3],
    ['an interceptor on another', registers(3, { 2: { future: 'interceptor' }, 3: { future: 'interceptor' } }), 1, 3],
    ['an interceptor across from a shadowed one', registers(3, { 3: { future: 'interceptor' } }), 2, 3]
  ])('with %s is refused: nobody could keep it true', async (_, versions, running, introduced) => {
    await create(versions)
    if (running > 1) await object.upgrade(running)
    await expect(object.introduce(introduced)).rejects.toMatchObject({ code: 'BundleLoadFailed' })
    await put(running, 'k')
  })
})
