import { createTestObject, type TestObject } from '@instar/simulator-runtime/testing'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  colorSet,
  colorSetV2,
  colorSetV2Interceptor,
  colorSetV2Shadowed,
  colorSetV2Twin,
  colorSetV3Shadowed,
  colorSetV3Twin,
  countingColorSet,
  colorSetV3,
  colorSetV4,
  intSet,
  intSetV1
} from '../src/index.js'

let directory: string
let object: TestObject

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-example-a-'))
  object = await createTestObject({ versions: [intSetV1, colorSetV2, colorSetV3, colorSetV4], directory })
})

afterEach(async () => {
  await object.close()
  await rm(directory, { recursive: true })
})

const disallowed: unknown = expect.objectContaining({ code: 'Disallowed' })
const failed: unknown = expect.objectContaining({ code: 'Failed' })

describe('reference example A', () => {
  it('answers steps A1 to A7 as every correct system does', async () => {
    const v1 = object.at(1, intSet)
    const v2 = object.at(2, colorSet)
    await object.introduce(2)

    // A1: red cannot be kept, so it is refused, and refused wholly.
    await expect(v2.insertColor(1, 'red')).rejects.toEqual(disallowed)
    expect(await v1.contains(1)).toBe(false)
    await v2.insertColor(1, 'blue')
    expect(await v1.contains(1)).toBe(true)
    // A2
    await v1.delete(1)
    expect(await v2.contains(1)).toBe(false)
    // A3, A4
    await v1.insert(1)
    expect(await v2.getColor(1)).toBe('blue')
    // A5
    await v1.insert(5)
    const before = await Promise.all([v1.contains(1), v1.contains(2), v2.getColor(1), v2.getColor(5), v2.contains(2)])
    await object.upgrade()
    const after = await Promise.all([v1.contains(1), v1.contains(2), v2.getColor(1), v2.getColor(5), v2.contains(2)])
    expect(after).toEqual(before)
    // A6
    await v1.insert(2)
    expect(await v2.getColor(2)).toBe('blue')
    // A7
    await v2.insertColor(3, 'red')
    await v1.delete(3)
    await v1.insert(3)
    expect(await v2.getColor(3)).toBe('blue')
  })

  it("runs the papers' reference run", async () => {
    const v1 = object.at(1, intSet)
    const v2 = object.at(2, colorSet)
    await v1.insert(1)
    await v1.insert(2)
    await object.introduce(2)
    await v1.delete(1)
    await v2.insertColor(3, 'blue')
    await object.upgrade()
    expect(await v1.contains(3)).toBe(true)
    await v2.insertColor(3, 'red')
    await object.retire(1)
    await expect(v1.contains(3)).rejects.toEqual(expect.objectContaining({ code: 'UnknownVersion' }))
    expect(await v2.getColor(3)).toBe('red')
    expect(await v2.getColor(2)).toBe('blue')
    await expect(v2.getColor(1)).rejects.toEqual(failed)
  })

  it('keeps a present element’s colour when version 1 inserts it again', async () => {
    await object.upgrade()
    await object.at(2, colorSet).insertColor(4, 'green')
    await object.at(1, intSet).insert(4)
    expect(await object.at(2, colorSet).getColor(4)).toBe('green')
  })

  it('says which method of the past simulation object is refused, and why', async () => {
    await object.upgrade()
    await expect(object.at(1, intSet).size()).rejects.toEqual(disallowed)
    const past = object.host.describe().find(facade => facade.role === 'past')
    expect(past?.methods.find(method => method.name === 'size')?.disallowed).toMatch(/how many/)
  })

  it('serves three versions through chains, from every place in them', async () => {
    const v1 = object.at(1, intSet)
    const v2 = object.at(2, colorSet)
    const v3 = object.at(3, countingColorSet)
    await v1.insert(1)
    await object.introduce(3)
    await v3.insertColor(2, 'blue')
    await expect(v3.insertColor(2, 'red')).rejects.toEqual(disallowed)
    expect(await v1.size()).toBe(2)
    await object.upgrade(2)
    await v3.insertColor(2, 'red')
    await v1.insert(3)
    await expect(v3.countByColor()).rejects.toEqual(disallowed)
    await object.upgrade(3)
    await v1.insert(4)
    expect(await v2.getColor(2)).toBe('red')
    expect(await v3.countByColor()).toEqual({ blue: 3, red: 1 })
    await object.upgrade(4)
    expect(await object.at(4, countingColorSet).countByColor()).toEqual({ blue: 3, red: 1 })
    await v1.delete(2)
    expect(await v3.countByColor()).toEqual({ blue: 3 })
  })

  it('catches up late with the state of one that upgraded in time', async () => {
    const v1 = object.at(1, intSet)
    for (const x of [1, 2, 3]) await v1.insert(x)
    const meta = await object.upgrade(3)
    expect(meta.current).toBe(3)
    expect(await object.at(3, countingColorSet).countByColor()).toEqual({ blue: 3 })
    expect(await v1.contains(2)).toBe(true)
  })
})

describe.each([
  ['twin', [intSetV1, colorSetV2Twin, colorSetV3Twin]],
  ['shadowed', [intSetV1, colorSetV2Shadowed, colorSetV3Shadowed]],
  ['interceptor', [intSetV1, colorSetV2Interceptor]]
] as const)('reference example A in the %s model', (_, versions) => {
  it('answers steps A1 to A7 with every colour, and refuses nothing', async () => {
    await object.close()
    object = await createTestObject({ versions, directory: join(directory, 'other') })
    const v1 = object.at(1, intSet)
    const v2 = object.at(2, colorSet)
    await v1.insert(7)
    await object.introduce(2)

    // What was there at the introduction is blue.
    expect(await v2.getColor(7)).toBe('blue')
    // A1
    await v2.insertColor(1, 'red')
    expect(await v1.contains(1)).toBe(true)
    expect(await v2.getColor(1)).toBe('red')
    // A2
    await v1.delete(1)
    expect(await v2.contains(1)).toBe(false)
    // A3, A4: blue, never red.
    await v1.insert(1)
    expect(await v2.getColor(1)).toBe('blue')
    // A5
    await v2.insertColor(5, 'green')
    const answers = (): Promise<unknown> =>
      Promise.all([v1.contains(1), v1.size(), v1.contains(2), v2.getColor(1), v2.getColor(5), v2.contains(2)])
    const before = await answers()
    expect(before).toEqual([true, 3, false, 'blue', 'green', false])
    await object.upgrade(2)
    expect(await answers()).toEqual(before)
    // A6
    await v1.insert(2)
    expect(await v2.getColor(2)).toBe('blue')
    // A7
    await v2.insertColor(3, 'red')
    await v1.delete(3)
    await v1.insert(3)
    expect(await v2.getColor(3)).toBe('blue')
    expect(await v1.size()).toBe(5)
  })
})

describe.each([
  ['shadowed', [intSetV1, colorSetV2Shadowed, colorSetV3Shadowed]],
  ['twin', [intSetV1, colorSetV2Twin, colorSetV3Twin]]
] as const)('reference example A in the %s model', (_, versions) => {
  it('keeps version 1 true through three versions, and its count', async () => {
    await object.close()
    object = await createTestObject({ versions, directory: join(directory, 'other') })
    await object.introduce(3)
    const v1 = object.at(1, intSet)
    const v3 = object.at(3, countingColorSet)
    await v3.insertColor(1, 'red')
    await object.upgrade(2)
    await v3.insertColor(2, 'green')
    await object.upgrade(3)
    await v3.insertColor(3, 'green')
    await v3.insertColor(3, 'red')
    await object.crash()
    expect(await v1.size()).toBe(3)
    await v1.delete(1)
    expect(await v3.countByColor()).toEqual({ green: 1, red: 1 })
    await object.retire(1)
    await object.retire(2)
    await v3.delete(2)
    expect(await v3.countByColor()).toEqual({ red: 1 })
  })

  it('drops the colours when version 2 is withdrawn (R22)', async () => {
    await object.close()
    object = await createTestObject({ versions, directory: join(directory, 'other') })
    await object.introduce(2)
    await object.at(2, colorSet).insertColor(1, 'red')
    await object.withdraw(2)
    await object.introduce(2)
    expect(await object.at(2, colorSet).getColor(1)).toBe('blue')
  })
})
