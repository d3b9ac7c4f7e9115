import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { BuildProgress } from '../src/host/index.js'
import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type EntryTransform,
  type ObjectContext,
  type SimulationContext
} from '../src/index.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'

const word = z.string()
const entry = z.tuple([word, z.number()])

/** A shop's stock by name; version 2 knows shelves, and says what is on each. */
const stock = defineContract('Stock', {
  put: command(entry, z.void()),
  take: command(z.tuple([word]), z.void()),
  count: query(z.tuple([word]), z.number().optional())
})
const shelves = defineContract('Shelves', {
  put: command(entry, z.void()),
  take: command(z.tuple([word]), z.void()),
  label: command(z.tuple([word, word]), z.void()),
  all: query(z.tuple([]), z.array(z.tuple([word, z.number(), word])))
})

class Stock {
  constructor(readonly ctx: ObjectContext) {}
  put(name: string, count: number): Promise<void> {
    return this.ctx.state.put(name, count)
  }
  take(name: string): Promise<void> {
    return this.ctx.state.del(name)
  }
  count(name: string): Promise<number | undefined> {
    return this.ctx.state.get<string, number>(name)
  }
}

class Shelves {
  constructor(readonly ctx: ObjectContext) {}
  put(name: string, count: number): Promise<void> {
    return this.ctx.state.put(name, { count, shelf: 'none' })
  }
  take(name: string): Promise<void> {
    return this.ctx.state.del(name)
  }
  async label(name: string, shelf: string): Promise<void> {
    const found = await this.ctx.state.get<string, { count: number }>(name)
    await this.ctx.state.put(name, { count: found?.count ?? 0, shelf })
  }
  async all(): Promise<Array<[string, number, string]>> {
    const rows: Array<[string, number, string]> = []
    for await (const [name, { count, shelf }] of this.ctx.state.iterator<string, { count: number; shelf: string }>())
      rows.push([name, count, shelf])
    return rows
  }
}

/** Remembers labels in a state of its own. */
class FutureShelves {
  constructor(readonly ctx: SimulationContext<typeof stock>) {}
  put(name: string, count: number): Promise<void> {
    return this.ctx.delegate.put(name, count)
  }
  take(name: string): Promise<void> {
    return this.ctx.delegate.take(name)
  }
  label(name: string, shelf: string): Promise<void> {
    return this.ctx.state.put(name, shelf)
  }
  all(): Promise<Array<[string, number, string]>> {
    return Promise.resolve([])
  }
}

class PastStock {
  constructor(readonly ctx: SimulationContext<typeof shelves>) {}
  put(name: string, count: number): Promise<void> {
    return this.ctx.delegate.put(name, count)
  }
  take(name: string): Promise<void> {
    return this.ctx.delegate.take(name)
  }
  /** What the transform noted for it. */
  count(name: string): Promise<number | undefined> {
    return this.ctx.state.get<string, number>(name)
  }
}

let asked: string[]
let fail: string | undefined

const onEntry: EntryTransform = async ({ key, value }, { futureState, newState, pastState }) => {
  asked.push(key)
  if (key === fail) throw new Error(`no shelf takes ${key}`)
  const shelf = (await futureState.get<string, string>(key)) ?? 'none'
  await newState.put(key, { count: value, shelf })
  await pastState.put(key, value)
}

const v1 = defineClass(stock, Stock)
const v2 = defineUpgrade({
  from: stock,
  to: defineClass(shelves, Shelves, { initialize: state => state.put('till', { count: 1, shelf: 'front' }) }),
  future: FutureShelves,
  past: PastStock,
  transform: {
    entries: onEntry,
    // A label of what is not there yet.
    futureEntries: async ({ key, value }, { oldState, newState }) => {
      if (!(await oldState.has(key))) await newState.put(key, { count: 0, shelf: value })
    }
  }
})

let directory: string
let object: TestObject
let built: BuildProgress[]

beforeEach(async () => {
  asked = []
  fail = undefined
  built = []
  directory = await mkdtemp(join(tmpdir(), 'instar-entries-'))
  object = await createTestObject({
    versions: [v1, v2],
    directory,
    keepBefore: true,
    overrides: { onBuilding: each => built.push(each), limits: { buildSliceMs: 1, buildLastRoundMax: 4 } }
  })
  await object.introduce(2)
})

afterEach(async () => {
  await object.close()
  await rm(directory, { recursive: true })
})

const at1 = () => object.at(1, stock)
const at2 = () => object.at(2, shelves)
const till = ['till', 1, 'front']

/** In the pause, where a transform is told of as it runs. */
const transformedInThePause = (): boolean => object.progress.some(({ stage }) => stage === 'transforming')

async function fill(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await at1().put(`item-${String(i).padStart(4, '0')}`, i)
}

describe('a transform by entries', () => {
  it('is made before callers wait; in the pause only what has changed since', async () => {
    await fill(300)
    await at2().label('item-0007', 'top')
    await object.prepare(2)
    expect(asked).toHaveLength(300)
    asked = []
    await at1().put('item-0001', 100)
    await at1().take('item-0002')
    await at1().put('new', 5)
    await at2().label('item-0003', 'low')
    await at2().label('to come', 'low')
    await object.upgrade(2)
    expect(transformedInThePause()).toBe(false)
    expect(new Set(asked)).toEqual(new Set(['item-0001', 'item-0003', 'new']))
    const rows = await at2().all()
    expect(rows).toHaveLength(300 - 1 + 1 + 1 + 1)
    expect(rows.filter(([name]) => /000[1237]|new|till|to come/.test(name))).toEqual([
      ['item-0001', 100, 'none'],
      ['item-0003', 3, 'low'],
      ['item-0007', 7, 'top'],
      ['new', 5, 'none'],
      till,
      ['to come', 0, 'low']
    ])
    expect(await at1().count('item-0001')).toBe(100)
    expect(await at1().count('item-0002')).toBe(undefined)
    expect(built.at(-1)).toMatchObject({ revision: 2, entries: 301 })
  })

  it('goes on in rounds while calls change the state faster than it is built', async () => {
    await fill(200)
    const preparing = object.prepare(2)
    for (let i = 0; i < 100; i++) await at1().put(`item-${String(i % 50).padStart(4, '0')}`, 1000 + i)
    await preparing
    for (let i = 0; i < 100; i++) await at1().take(`item-${String(100 + i).padStart(4, '0')}`)
    await object.upgrade(2)
    expect(transformedInThePause()).toBe(false)
    const rows = await at2().all()
    expect(rows).toHaveLength(100 + 1)
    expect(rows[0]).toEqual(['item-0000', 1050, 'none'])
  })

  it('is made in the pause after a kill, to the same state', async () => {
    await fill(50)
    await object.prepare(2)
    await at1().put('item-0001', 100)
    await object.crash()
    await object.upgrade(2)
    const rows = await at2().all()
    expect(rows).toHaveLength(51)
    expect(rows[1]).toEqual(['item-0001', 100, 'none'])
  })

  it('is made anew when the object has been called again since, by a process that took no upgrade', async () => {
    await fill(50)
    await object.prepare(2)
    await object.restart()
    await at1().put('item-0001', 100)
    await object.upgrade(2)
    expect((await at2().all())[1]).toEqual(['item-0001', 100, 'none'])
  })

  it('says what is wrong with an entry before callers wait, and the object goes on', async () => {
    await fill(20)
    fail = 'item-0010'
    await expect(object.upgrade(2)).rejects.toMatchObject({
      code: 'TransformFailed',
      message: expect.stringContaining('"item-0010" failed: no shelf takes item-0010') as string
    })
    expect(object.current).toBe(1)
    await at1().put('item-0001', 100)
    fail = undefined
    await object.upgrade(2)
    expect((await at2().all())[1]).toEqual(['item-0001', 100, 'none'])
  })

  it('is given up when the upgrade is, and leaves nothing behind', async () => {
    await fill(50)
    const cancel = new AbortController()
    await object.prepare(2, cancel.signal)
    cancel.abort()
    await at1().put('item-0001', 100)
    await object.restart()
    await expect.poll(() => object.host.stats().cleaning).toBe(false)
    await object.close()
    const level = new Level<Buffer, Buffer>(join(directory, 'state-1'), {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer'
    })
    const spaces = new Set((await level.keys().all()).map(key => key.toString('latin1').split('!')[1]))
    await level.close()
    expect([...spaces].filter(space => space?.includes('.object.'))).toHaveLength(1)
    expect([...spaces].filter(space => space?.endsWith('.notes'))).toEqual([])
  })

  it('can be gone back from, by copy', async () => {
    await fill(10)
    await object.upgrade(2)
    await at2().put('item-0001', 100)
    await object.goBack(1)
    expect(await at1().count('item-0001')).toBe(1)
  })
})
