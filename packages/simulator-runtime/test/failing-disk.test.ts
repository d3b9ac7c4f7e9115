import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InstarError } from '@instar/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../src/host/open/database.js'
import type { Database } from '../src/host/state/merged-entries.js'
import type { SimulationFailed } from '../src/host/index.js'
import type { Mapping } from '../src/index.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'
import { colours, numbers, v1, v2 } from './twins.js'

let directory: string
let object: TestObject
let failed: SimulationFailed[]
let broken: InstarError[]
/** What the disk says to the next access of this kind that concerns this revision's state; once. */
let next: { readonly on: 'read' | 'write'; readonly revision: number; readonly says: string } | undefined

/** As LevelDB says it. */
function fail(on: 'read' | 'write', key: Buffer): void {
  if (next?.on !== on || !key.toString('latin1').includes(`.${next.revision}!`)) return
  const { says } = next
  next = undefined
  throw Object.assign(new Error(`IO error: /state/000007.log: ${says}`), { code: 'LEVEL_IO_ERROR' })
}

async function openState(path: string): Promise<Database> {
  const db = await openDatabase(path)
  const batch = db.batch.bind(db)
  const getSync = db.getSync.bind(db)
  return Object.assign(db, {
    batch: async (operations: ReadonlyArray<{ key: Buffer }>, options: object) => {
      for (const { key } of operations) fail('write', key)
      return batch(operations as never, options)
    },
    getSync: (key: Buffer) => {
      fail('read', key)
      return getSync(key)
    }
  })
}

async function create(map?: Mapping): Promise<void> {
  object = await createTestObject({
    versions: [v1, v2(map)],
    directory,
    overrides: {
      openState,
      onSimulationFailed: each => failed.push(each),
      onBroken: error => broken.push(error)
    }
  })
  for (const x of [1, 2, 3]) await at1().insert(x)
}

const at1 = () => object.at(1, numbers)
const at2 = () => object.at(2, colours)
const code = (code: string): unknown => expect.objectContaining({ code })

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-failing-disk-'))
  failed = []
  broken = []
  next = undefined
})

afterEach(async () => {
  await object.close()
  await rm(directory, { recursive: true })
})

describe('a disk that fails while the state of a twin is built', () => {
  it.each([
    ['Input/output error', 'StateDamaged'],
    ['No space left on device', 'DiskFull'],
    ['Too many open files', 'ProcessNotStarted']
  ])('by a write (%s) is said to be the disk, and no command is acknowledged behind it', async (says, machine) => {
    await create()
    next = { on: 'write', revision: 2, says }
    await object.introduce(2)
    expect(failed).toMatchObject([{ revision: 2, role: 'future', machine }])
    expect(broken).toMatchObject([{ code: machine }])
    await expect(at1().insert(4)).rejects.toThrow(code('Upgrading'))
    expect(await at1().all()).toEqual([1, 2, 3])
    // Another process of the same plan, on a disk that works.
    await object.restart()
    expect(await at2().painted('blue')).toEqual([1, 2, 3])
    await at1().insert(4)
    expect(await at2().all()).toEqual([1, 2, 3, 4])
  })

  it('by a read is said to be the disk, costs no call, and the build begins anew where it failed', async () => {
    // Whatever a mapping makes of an entry that could not be read, it has not seen it.
    await create(async ({ key }, { oldState, newState }) => {
      const other = await oldState.get('1').catch(() => undefined)
      await newState.put(key, other === true ? 'blue' : 'red')
      await newState.sublevel('by').put(`${other === true ? 'blue' : 'red'}/${key}`, Number(key))
    })
    next = { on: 'read', revision: 1, says: 'Input/output error' }
    await object.introduce(2)
    const { host } = object
    expect(failed).toMatchObject([{ revision: 2, machine: 'StateDamaged' }])
    expect(broken).toEqual([])
    await at1().insert(4)
    await object.introduce(2)
    expect(object.host).toBe(host)
    expect(await at2().painted('blue')).toEqual([1, 2, 3, 4])
    expect(failed).toHaveLength(1)
  })

  it('is no excuse for a mapping that throws, whatever code its error has', async () => {
    await create(() => {
      throw Object.assign(new Error('no such colour'), { code: 'EIO' })
    })
    await object.introduce(2)
    expect(failed).toMatchObject([{ revision: 2, cause: expect.stringContaining('no such colour') as string }])
    expect(failed[0]).not.toHaveProperty('machine')
  })

  it('ends with the build: what is withdrawn while it is built runs on in no process that serves (P1)', async () => {
    await create()
    await object.beginToIntroduce(2)
    const { host } = object
    expect(host.stats().building).toEqual([2])
    await object.withdraw(2)
    expect(object.host).not.toBe(host)
  })
})
