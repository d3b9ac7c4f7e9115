import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SimulationFailed } from '../src/host/index.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'
import { hanging, registers } from './registers.js'

let directory: string
let object: TestObject
let failed: SimulationFailed[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-shadows-'))
  failed = []
})

afterEach(async () => {
  hanging.release()
  await object.close()
  await rm(directory, { recursive: true })
})

/** An object of version 3 with past simulation objects of 1 and 2, and future ones of 4 and 5. */
async function middle(keepBefore = false): Promise<void> {
  object = await createTestObject({
    versions: registers(5),
    directory,
    keepBefore,
    overrides: { onSimulationFailed: each => failed.push(each) }
  })
  await object.upgrade(3)
  await object.introduce(5)
}

const put = (version: number, key: string, value = [version]): Promise<unknown> =>
  object.call(version, `put${version}`, [key, value])
/** What each simulation object has been told, in words, by version. */
async function told(): Promise<Record<number, string[]>> {
  const by: Record<number, string[]> = {}
  for (const version of [1, 2, 4, 5]) {
    const answer = await object.call(version, 'told', []).catch((error: unknown) => [(error as { code: string }).code])
    by[version] = (answer as string[]).map(line => line.replace(/ \[\[.*$/, ''))
  }
  return by
}
const code = (code: string): unknown => expect.objectContaining({ code })

describe('shadows', () => {
  it('leave no trace of a trial in simulation objects further out, when it goes back by copy', async () => {
    object = await createTestObject({ versions: registers(3), directory, keepBefore: true })
    await object.upgrade(2)
    await put(2, 'before')
    await object.commit()
    const before = await object.call(1, 'told', [])
    await object.upgrade(3)
    await put(3, 'on trial')
    expect(await object.call(1, 'told', [])).not.toEqual(before)
    await object.goBack(2)
    expect(await object.call(1, 'told', [])).toEqual(before)
    await put(2, 'after')
    expect(await object.call(1, 'keys', [])).toEqual(['after', 'before'])
  })

  it('tell every simulation object on both sides of a call to the object, through the ones before it', async () => {
    await middle()
    await put(3, 'k')
    const line = ['k null → [3]']
    expect(await told()).toEqual({ 1: line, 2: line, 4: line, 5: line })
  })

  it.each([
    [1, { 1: ['own k'], 2: ['own k'], 4: ['k null → [1]'], 5: ['k null → [1]'] }],
    [2, { 1: ['k null → [2]'], 2: ['own k'], 4: ['k null → [2]'], 5: ['k null → [2]'] }],
    [4, { 1: ['k null → [4]'], 2: ['k null → [4]'], 4: ['own k'], 5: ['k null → [4]'] }],
    [5, { 1: ['k null → [5]'], 2: ['k null → [5]'], 4: ['own k'], 5: ['own k'] }]
  ])(
    'of a call at version %i reach every other simulation object once, and none that made it',
    async (version, lines) => {
      await middle()
      await put(version, 'k')
      expect(await told()).toEqual(lines)
    }
  )

  it('see the delegate as it was and as it is, also what a range holds, whatever was written before in the same call', async () => {
    await middle()
    await put(3, 'a', [1])
    await object.call(4, 'putTwice4', ['x', [7]])
    const lines = (await object.call(2, 'told', [])) as string[]
    expect(lines).toEqual([
      'a null → [1] [[],["a"]]',
      'xa null → [7] [["a"],["a","xa"]]',
      'xb null → [7] [["a","xa"],["a","xa","xb"]]'
    ])
    expect(await object.call(5, 'told', [])).toEqual(['a null → [1] [[],["a"]]', 'twice x [["a"],["a","xa","xb"]]'])
  })

  it('leave nothing behind when the call fails, in whole or in part', async () => {
    await middle()
    await expect(put(3, 'refused')).rejects.toEqual(code('OutOfContract'))
    await expect(put(4, 'refused')).rejects.toEqual(code('OutOfContract'))
    expect(await told()).toEqual({ 1: [], 2: [], 4: [], 5: [] })
    expect(failed).toEqual([])
  })

  it('of a nested call that failed are taken back, though the simulation object that made it goes on', async () => {
    await middle()
    // At version 5 both puts go to the façade of 4, where the second fails after the object and the shadows of 1 and 2 have done theirs.
    await object.call(5, 'putTwice5', ['x!', [1]])
    expect(failed).toEqual([])
    expect(await object.call(3, 'keys', [])).toEqual(['x!a'])
    expect(await told()).toEqual({ 1: ['x!a null → [1]'], 2: ['x!a null → [1]'], 4: ['own x!a'], 5: [] })
  })

  it('survive restart and crash, with what they wrote', async () => {
    await middle()
    await put(3, 'k')
    await object.restart()
    await put(4, 'l')
    await object.crash()
    expect((await told())[1]).toEqual(['k null → [3]', 'l null → [4]'])
  })

  it('are cast for calls that run side by side as for calls in a row', async () => {
    await middle()
    await Promise.all(Array.from({ length: 30 }, (_, i) => put((i % 5) + 1, `k${String(i).padStart(2, '0')}`)))
    const lines = await told()
    for (const version of [1, 2, 4, 5]) {
      const keys = lines[version]?.map(line => line.replace('own ', '').slice(0, 3))
      expect([...(keys ?? [])].sort()).toEqual(Array.from({ length: 30 }, (_, i) => `k${String(i).padStart(2, '0')}`))
    }
  })
})

describe('a shadow that fails', () => {
  const causes = ['throw', 'command', 'viewed', 'nothing', 'wrong', 'hang']

  it.each(causes)(
    'before the upgrade costs its simulation object, and those on it, and nobody else (%s)',
    async how => {
      await middle()
      const answer = object.call(3, 'put3', [`${how}@4`, [1]], { remainingMs: 200 })
      expect(await answer).toEqual([])
      hanging.release()
      expect(await object.call(3, 'get', [`${how}@4`])).toEqual([1])
      const lines = await told()
      expect(lines).toMatchObject({ 4: ['NotYet'], 5: ['NotYet'] })
      expect(lines[1]).toHaveLength(1)
      expect(failed).toEqual([
        {
          role: 'future',
          revision: 4,
          cause: expect.stringMatching(
            /^the future simulation object of Register \(version 4\) failed in \$put3: /
          ) as unknown
        }
      ])
      // What it goes on to do meets closed doors.
      if (how === 'hang') {
        await expect(hanging.write).rejects.toMatchObject({ name: 'RequestOver' })
        expect(await hanging.view).toMatchObject({ name: 'RequestOver' })
      }
    }
  )

  it('does so in the batch of the call: a crash brings neither back, and the next start tells of it again', async () => {
    await middle()
    await put(3, 'throw@4')
    const meta = await object.crash()
    expect(await object.call(3, 'get', ['throw@4'])).toEqual([3])
    expect(Object.keys(meta.withdrawn?.future ?? {})).toEqual(['4', '5'])
    expect(meta.spaces.future).toEqual({})
    expect(await told()).toMatchObject({ 4: ['NotYet'], 5: ['NotYet'] })
    expect(failed.map(each => each.revision)).toEqual([4, 4, 5])
  })

  it('is forgotten when a plan comes without it, and starts anew at its next introduction', async () => {
    await middle()
    await put(3, 'throw@4')
    expect((await object.withdraw(4)).withdrawn).toBeUndefined()
    await object.introduce(5)
    expect(await told()).toMatchObject({ 4: [], 5: [] })
    await put(3, 'k')
    expect((await told())[5]).toEqual(['k null → [3]'])
  })

  it('cannot change the answer', async () => {
    await middle()
    await put(3, 'change@4', [1])
    expect(await put(3, 'change@4', [2])).toEqual([1])
    expect(failed).toEqual([])
  })

  it('after commit costs the past simulation object, whose version is answered Retired with the cause', async () => {
    await middle()
    await put(4, 'throw@2')
    expect(await object.call(3, 'get', ['throw@2'])).toEqual([4])
    await expect(object.call(1, 'get', ['k'])).rejects.toEqual(code('Retired'))
    await expect(put(2, 'k')).rejects.toMatchObject({
      code: 'Retired',
      detail: { reason: expect.stringContaining('a shadow that throws') as unknown }
    })
    expect((await told())[5]).toHaveLength(1)
    expect(failed.map(each => [each.role, each.revision])).toEqual([['past', 2]])
  })

  it('on trial leaves no effect on either side and is answered Upgrading', async () => {
    await middle(true)
    await put(3, 'k')
    await expect(put(3, 'throw@2')).rejects.toEqual(code('Upgrading'))
    expect(await object.call(3, 'get', ['throw@2'])).toBeUndefined()
    const lines = await told()
    expect(lines).toEqual({ 1: ['k null → [3]'], 2: ['k null → [3]'], 4: ['k null → [3]'], 5: ['k null → [3]'] })
    expect(failed.map(each => [each.role, each.revision])).toEqual([['past', 2]])
    // In a session it may be asked for again: nothing has been kept.
    const session = 'ab'.repeat(16)
    await expect(object.call(3, 'put3', ['throw@2', [1]], { session })).rejects.toEqual(code('Upgrading'))
    await expect(object.call(3, 'put3', ['throw@2', [1]], { session })).rejects.toEqual(code('Upgrading'))
    // A future one that fails during a trial is withdrawn all the same.
    await put(3, 'throw@5')
    expect((await told())[5]).toEqual(['NotYet'])
  })

  it('of which a call in flight knows nothing yet is not asked', async () => {
    await middle()
    const [first, second] = [put(3, 'throw@4'), put(4, 'k')]
    await first
    await expect(second).rejects.toEqual(code('NotYet'))
  })
})

describe('an opaque shadow', () => {
  it('withdraws what stands further out and has to be told, and stays itself', async () => {
    await middle()
    await put(3, 'opaque@4')
    expect(await told()).toMatchObject({ 4: ['opaque@4 null → [3]'], 5: ['NotYet'] })
    expect(failed).toEqual([
      { role: 'future', revision: 5, cause: expect.stringContaining('cannot be told what put3 amounts to') as unknown }
    ])
    await put(3, 'k')
    expect((await told())[4]).toHaveLength(2)
  })
})
