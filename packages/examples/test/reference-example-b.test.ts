import { createTestObject, type TestObject } from '@instar/simulator-runtime/testing'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  everyone,
  fileAccess,
  fileAccessV2,
  fileAccessV2Twin,
  filePermissions,
  filePermissionsV1
} from '../src/index.js'

let directory: string
let object: TestObject

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-example-b-'))
})

afterEach(async () => {
  await object.close()
  await rm(directory, { recursive: true })
})

const read = { read: true, write: false }
const all = { read: true, write: true }
const none = { read: false, write: false }
const closed = { owner: all, world: none }

describe.each([
  ['before', 'shadowed', fileAccessV2],
  ['after', 'shadowed', fileAccessV2],
  ['before', 'twin', fileAccessV2Twin],
  ['after', 'twin', fileAccessV2Twin]
] as const)('reference example B, %s the upgrade, in the %s model', (when, _, upgrade) => {
  const v1 = () => object.at(1, filePermissions)
  const v2 = () => object.at(2, fileAccess)

  beforeEach(async () => {
    object = await createTestObject({ versions: [filePermissionsV1, upgrade], directory })
    await v1().create('f', 'alice')
    await object.introduce(2)
    if (when === 'after') await object.upgrade(2)
  })

  it('B1: bob’s entry survives a chmod of version 1', async () => {
    await v2().setAcl('f', { alice: all, bob: read })
    await v1().chmod('f', { owner: read, world: none })
    expect(await v2().getAcl('f')).toEqual({ owner: 'alice', acl: { alice: read, bob: read, [everyone]: none } })
    expect(await v2().mayRead('f', 'bob')).toBe(true)
  })

  it('B2: what world bits do not say is denied at version 1, although version 2 allows it', async () => {
    await v2().setAcl('f', { alice: all, bob: read, [everyone]: none })
    expect(await v1().mayRead('f', 'bob')).toBe(false)
    expect(await v2().mayRead('f', 'bob')).toBe(true)
    expect(await v1().mode('f')).toEqual({ owner: 'alice', mode: closed })
  })

  it('B3: a file that was deleted and made anew at version 1 has the default list, and bob is gone', async () => {
    await v2().setAcl('f', { alice: all, bob: all, [everyone]: none })
    await v1().remove('f')
    await v1().create('f', 'carol')
    expect(await v2().getAcl('f')).toEqual({ owner: 'carol', acl: { carol: all, [everyone]: read } })
    expect(await v2().mayWrite('f', 'bob')).toBe(false)
  })

  it('B4: the upgrade changes no answer', async () => {
    await v2().setAcl('f', { alice: all, bob: read, [everyone]: none })
    await v2().create('g', 'bob')
    await v1().chmod('g', closed)
    const answers = async (): Promise<unknown[]> => {
      const found: unknown[] = []
      for (const file of ['f', 'g']) {
        found.push(await v1().mode(file), await v2().getAcl(file))
        for (const user of ['alice', 'bob', 'carol']) {
          for (const at of [v1(), v2()]) found.push(await at.mayRead(file, user), await at.mayWrite(file, user))
        }
      }
      return found
    }
    const before = await answers()
    await (when === 'before' ? object.upgrade(2) : object.restart())
    expect(await answers()).toEqual(before)
  })

  it('B5: what cannot be translated is denied, and so is what is not there', async () => {
    await v2().setAcl('f', { bob: all })
    // No bits say that bob alone may write: at version 1 nobody may.
    for (const user of ['alice', 'bob', 'carol']) {
      expect([await v1().mayRead('f', user), await v1().mayWrite('f', user)]).toEqual([false, false])
    }
    await v1().remove('f')
    expect([await v1().mayRead('f', 'alice'), await v2().mayRead('f', 'bob')]).toEqual([false, false])
    await expect(v1().chmod('f', closed)).rejects.toEqual(expect.objectContaining({ code: 'Failed' }))
    await expect(v2().setAcl('f', {})).rejects.toEqual(expect.objectContaining({ code: 'Failed' }))
  })
})
