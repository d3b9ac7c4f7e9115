import type { ClassDefinition, UpgradeDefinition } from '@instar/simulator-runtime'
import { createTestObject, type TestObject } from '@instar/simulator-runtime/testing'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  causalKeyValue,
  keyValue,
  keyValueV1,
  keyValueV2,
  keyValueV2Shadowed,
  keyValueV3,
  keyValueV4,
  reviewedKeyValue,
  siblingsMax,
  typedKeyValue
} from '../src/index.js'

let directory: string
let object: TestObject
let now: number

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-key-value-'))
  now = 1_000_000
})

afterEach(async () => {
  await object.close()
  await rm(directory, { recursive: true })
})

async function start(...versions: [ClassDefinition, ...UpgradeDefinition[]]): Promise<void> {
  object = await createTestObject({ versions, directory, overrides: { now: () => now } })
}

const failed: unknown = expect.objectContaining({ code: 'Failed' })
const disallowed: unknown = expect.objectContaining({ code: 'Disallowed' })
const lasting = (value: unknown) => ({ value, expiresAt: null })

describe('typed values', () => {
  beforeEach(() => start(keyValueV2.to))
  const store = () => object.at(1, typedKeyValue)

  it('are gone at the millisecond at which they expire, whether their space was given back or not', async () => {
    await store().put('a', 1, { ttlMs: 10 })
    await store().put('b', true, {})
    now += 9
    expect(await store().get('a')).toEqual({ value: 1, expiresAt: 1_000_010 })
    expect(await store().sweep(10)).toEqual([])
    now += 1
    expect(await store().get('a')).toBeNull()
    expect(await store().list('', 10)).toEqual([{ key: 'b', ...lasting(true) }])
    expect(await store().delete('a')).toBe(false)
    expect(await store().delete('b')).toBe(true)
  })

  it('are swept the longest expired first, and a new value of a key is not swept for the old one', async () => {
    await store().put('a', 'x', { ttlMs: 30 })
    await store().put('b', 'x', { ttlMs: 20 })
    await store().put('c', 'x', { ttlMs: 10 })
    await store().put('b', 'x', {})
    now += 30
    expect(await store().sweep(1)).toEqual(['c'])
    expect(await store().sweep(10)).toEqual(['a'])
    expect(await store().get('b')).toEqual(lasting('x'))
  })
})

describe.each([
  ['side by side', keyValueV3.to, causalKeyValue],
  ['each by itself', keyValueV4.to, reviewedKeyValue]
] as const)('writes in conflict, stored %s', (_, definition, contract) => {
  beforeEach(() => start(definition))
  const store = () => object.at(1, contract)

  it('replace what their writer has seen, and nothing else', async () => {
    const first = await store().put('a', 'x', { context: [] })
    const second = await store().put('a', 'y', { context: [first] })
    const third = await store().put('a', 'z', { context: [first] })
    expect(await store().get('a')).toEqual({
      values: [
        { version: second, ...lasting('y') },
        { version: third, ...lasting('z') }
      ],
      context: [second, third]
    })
    const { context } = await store().get('a')
    const last = await store().put('a', 'both', { context })
    expect((await store().get('a')).values).toEqual([{ version: last, ...lasting('both') }])
  })

  it('keep a deletion beside a value that it has not seen, and forget it with the value', async () => {
    const first = await store().put('a', 'x', { context: [] })
    const second = await store().put('a', 'y', { context: [] })
    expect(await store().delete('a', [second])).toBe(true)
    expect((await store().get('a')).values.map(({ value }) => value)).toEqual(['x', null])
    expect(await store().delete('a', [second])).toBe(false)
    expect(await store().delete('a', [first])).toBe(true)
    expect(await store().get('a')).toEqual({ values: [], context: [] })
  })

  it('are resolved by choosing one of them', async () => {
    await store().put('a', 'x', { context: [] })
    const chosen = await store().put('a', 'y', { context: [], ttlMs: 10 })
    await expect(store().resolve('a', chosen + 1)).rejects.toEqual(failed)
    await store().resolve('a', chosen)
    expect((await store().get('a')).context).toEqual([chosen])
    now += 10
    await expect(store().resolve('a', chosen)).rejects.toEqual(failed)
  })

  it('are swept where they have expired', async () => {
    const gone = await store().put('a', 'x', { context: [], ttlMs: 10 })
    const stays = await store().put('a', 'y', { context: [] })
    await store().put('ab', 'x', { context: [], ttlMs: 10 })
    now += 10
    expect(await store().list('a', 10)).toEqual(['a'])
    expect(await store().sweep(10)).toHaveLength(2)
    expect(await store().sweep(10)).toEqual([])
    expect(await store().get('a')).toEqual({
      values: [
        { version: gone, ...lasting(null) },
        { version: stays, ...lasting('y') }
      ],
      context: [gone, stays]
    })
  })

  it('are bounded', async () => {
    for (let i = 0; i < siblingsMax; i++) await store().put('a', i, { context: [] })
    await expect(store().put('a', 'one more', { context: [] })).rejects.toEqual(failed)
    const { context } = await store().get('a')
    await store().put('a', 'one', { context })
    expect((await store().get('a')).values).toHaveLength(1)
  })
})

it('finds the keys that are in conflict', async () => {
  await start(keyValueV4.to)
  const store = object.at(1, reviewedKeyValue)
  for (const key of ['a', 'a', 'a-b', 'b', 'b']) await store.put(key, 1, { context: [] })
  expect(await store.conflicts('', 10)).toEqual(['a', 'b'])
  expect(await store.conflicts('a', 10)).toEqual(['a'])
  expect(await store.list('', 2)).toEqual(['a', 'a-b'])
  await store.put('a', 1, { context: (await store.get('a')).context })
  expect(await store.conflicts('', 10)).toEqual(['b'])
})

describe.each([
  ['before', 'twin', keyValueV2],
  ['after', 'twin', keyValueV2],
  ['before', 'shadowed', keyValueV2Shadowed],
  ['after', 'shadowed', keyValueV2Shadowed]
] as const)('texts and typed values, %s the upgrade, in the %s model', (when, _, upgrade) => {
  beforeEach(async () => {
    await start(keyValueV1, upgrade)
    await texts().put('old', 'x')
    await object.introduce(2)
    if (when === 'after') await object.upgrade(2)
  })
  const texts = () => object.at(1, keyValue)
  const values = () => object.at(2, typedKeyValue)

  it('are the same where both versions can have them', async () => {
    expect(await values().get('old')).toEqual(lasting('x'))
    await values().put('a', 'y', {})
    await texts().put('b', 'z')
    expect(await texts().list('', 10)).toEqual(['a', 'b', 'old'])
    expect((await values().list('', 10)).map(({ key }) => key)).toEqual(['a', 'b', 'old'])
    expect(await texts().delete('a')).toBe(true)
    expect(await values().delete('b')).toBe(true)
    expect([await values().get('a'), await texts().get('b')]).toEqual([null, null])
  })

  it('hide what version 1 cannot have: it does not see, list or delete it, and puts another in its place', async () => {
    await values().put('old', 42, {})
    await values().put('a', 'for a while', { ttlMs: 10 })
    expect([await texts().get('old'), await texts().get('a')]).toEqual([null, null])
    expect(await texts().list('', 10)).toEqual([])
    expect(await texts().delete('old')).toBe(false)
    expect(await values().get('old')).toEqual(lasting(42))
    await texts().put('old', 'text')
    expect(await values().get('old')).toEqual(lasting('text'))
    now += 10
    expect(await values().sweep(10)).toEqual(['a'])
    expect(await texts().list('', 10)).toEqual(['old'])
  })

  it('answer the same before and after an upgrade and a crash', async () => {
    await values().put('old', 42, {})
    await values().put('a', 'y', { ttlMs: 10 })
    await texts().put('b', 'z')
    const answers = () => Promise.all([texts().list('', 10), values().list('', 10), texts().get('old')])
    const before = await answers()
    if (when === 'before') await object.upgrade(2)
    await object.crash()
    expect(await answers()).toEqual(before)
    now += 10
    expect((await values().list('', 10)).map(({ key }) => key)).toEqual(['b', 'old'])
  })
})

it(
  'refuses to list at version 1 what it cannot know to be all (R8), in the shadowed model',
  { timeout: 60_000 },
  async () => {
    await start(keyValueV1, keyValueV2Shadowed)
    await object.upgrade(2)
    for (let i = 0; i < 1000; i++) await object.at(2, typedKeyValue).put(`number/${i}`, i, {})
    await object.at(2, typedKeyValue).put('text', 'x', {})
    await expect(object.at(1, keyValue).list('', 10)).rejects.toEqual(disallowed)
    expect(await object.at(1, keyValue).list('t', 10)).toEqual(['text'])
  }
)

describe.each([1, 2, 3, 4])('four versions as twins, where version %i runs', current => {
  beforeEach(async () => {
    await start(keyValueV1, keyValueV2, keyValueV3, keyValueV4)
    await texts().put('old', 'x')
    await object.introduce(4)
    while (object.current < current) await object.upgrade()
  })
  const texts = () => object.at(1, keyValue)
  const values = () => object.at(2, typedKeyValue)
  const causal = () => object.at(3, causalKeyValue)
  const reviewed = () => object.at(4, reviewedKeyValue)

  it('what was there before all upgrades is seen by all versions, with a number that no write has', async () => {
    expect((await causal().get('old')).values).toEqual([{ version: 0, ...lasting('x') }])
    await values().put('new', 1, {})
    expect((await reviewed().get('new')).context).toEqual([1])
    expect(await texts().list('', 10)).toEqual(['old'])
  })

  it('older versions see what was written last, replace that, and lose nothing that they do not see', async () => {
    const first = await causal().put('a', 'x', { context: [] })
    const second = await reviewed().put('a', 'y', { context: [] })
    expect([await texts().get('a'), (await values().get('a'))?.value]).toEqual(['y', 'y'])
    await texts().put('a', 'z')
    expect((await causal().get('a')).context).toEqual([first, second + 1])
    expect(await reviewed().conflicts('', 10)).toEqual(['a'])
    expect(await values().delete('a')).toBe(true)
    expect((await causal().get('a')).values.map(({ value }) => value)).toEqual(['x', null])
    expect(await values().get('a')).toBeNull()
    await reviewed().resolve('a', first)
    expect([await texts().get('a'), await causal().list('', 10)]).toEqual(['x', ['a', 'old']])
  })

  it('what expires is gone at all versions at the same moment, and was never there at version 1', async () => {
    await causal().put('a', 'x', { context: [], ttlMs: 10 })
    await values().put('b', 2, { ttlMs: 20 })
    expect([await texts().get('a'), (await values().get('a'))?.expiresAt]).toEqual([null, now + 10])
    now += 10
    expect([await values().get('a'), (await causal().get('a')).values]).toEqual([null, []])
    expect(await values().sweep(10)).toEqual(['a'])
    now += 10
    expect(await reviewed().sweep(10)).toEqual([{ key: 'b', version: 2 }])
    expect([await values().list('', 10), await causal().list('', 10)]).toEqual([
      [{ key: 'old', ...lasting('x') }],
      ['old']
    ])
  })
})

it('going back keeps what every version has acknowledged (R22)', async () => {
  await start(keyValueV1, keyValueV2, keyValueV3, keyValueV4)
  await object.introduce(4)
  await object.upgrade(2)
  await object.commit()
  await object.upgrade(3)
  const causal = object.at(3, causalKeyValue)
  const first = await causal.put('a', 'x', { context: [] })
  const second = await causal.put('a', 'y', { context: [] })
  await object.at(2, typedKeyValue).put('b', 42, { ttlMs: 10 })
  await object.goBack(2)
  expect(object.current).toBe(2)
  expect((await causal.get('a')).context).toEqual([first, second])
  expect(await object.at(2, typedKeyValue).get('b')).toEqual({ value: 42, expiresAt: now + 10 })
  expect(await object.at(1, keyValue).list('', 10)).toEqual(['a'])
  await object.crash()
  await object.at(1, keyValue).put('a', 'z')
  expect((await object.at(4, reviewedKeyValue).get('a')).context).toEqual([first, 4])
})
