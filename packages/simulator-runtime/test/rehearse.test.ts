// The steps of an upgrade on a copy of the state, again and again (R13): what is copied, what a run shows, and what it names.

import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type DirectoryContext,
  type ObjectContext,
  type ReadEntry,
  type ReverseTransform,
  type SimulationContext,
  type Transform,
  type Verify
} from '../src/index.js'
import { createTestObject, type TestObject, type TestObjectInit } from '../src/testing/index.js'

const word = z.string()
const contract = (name: string) =>
  defineContract(name, { put: command(z.tuple([word, z.number()]), z.void()), all: query(z.tuple([]), z.array(word)) })
const names = contract('Names')
const amounts = contract('Amounts')

class Names {
  constructor(readonly ctx: ObjectContext) {}
  put(name: string, count: number): Promise<void> {
    return this.ctx.state.put(name, count)
  }
  all(): Promise<string[]> {
    return this.ctx.state.keys().all()
  }
}
class PastNames {
  constructor(readonly ctx: SimulationContext<typeof amounts>) {}
  put(name: string, count: number): Promise<void> {
    return this.ctx.delegate.put(name, count)
  }
  all(): Promise<string[]> {
    return this.ctx.delegate.all()
  }
}

let directory: string
let object: TestObject
/** Given to what the upgrade of a test is made of. */
let transform: Transform
let verify: Verify | undefined
let readEntry: ReadEntry | undefined
let readPast: ReadEntry | undefined
let readOld: ReadEntry | undefined
/** Of an upgrade that goes back by code. */
let reverse: ReverseTransform

const wrap: Transform = async ({ oldState, newState, pastState }) => {
  for await (const [name, count] of oldState.iterator<string, number>()) {
    await newState.put(name, { amount: count })
    await pastState.put(name, count)
  }
}

beforeEach(async () => {
  ;[transform, verify, readEntry, readPast, readOld] = [wrap, undefined, undefined, undefined, undefined]
  directory = await mkdtemp(join(tmpdir(), 'instar-rehearse-'))
  object = await start([
    defineClass(names, Names, { initialize: state => state.put('first', 1) }),
    defineUpgrade({
      from: names,
      to: defineClass(amounts, Names, { readEntry: entry => readEntry?.(entry) }),
      past: { implementation: PastNames, readEntry: entry => readPast?.(entry) },
      transform: states => transform(states),
      verify: states => verify?.(states)
    })
  ])
})
afterEach(async () => {
  await object.close()
  await rm(directory, { recursive: true })
})

const start = async (versions: TestObjectInit['versions']): Promise<TestObject> =>
  createTestObject({ versions, directory: await mkdtemp(join(directory, 'object-')), keepBefore: true })
const put = (name: string, count: number): Promise<unknown> => object.call(1, 'put', [name, count])
async function fill(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => put(`name-${String(i).padStart(4, '0')}`, i)))
}

describe('a copy of the state', () => {
  it('is the state of one moment, whatever calls write meanwhile', async () => {
    await fill(600)
    const rehearsing = object.rehearse(2)
    const writing = (async () => {
      for (let i = 0; i < 100; i++) await put(`name-${String(599 - i).padStart(4, '0')}`, -1)
      await put('later', 1)
    })()
    const { copied, rehearsal } = await rehearsing
    await writing
    expect(copied).toMatchObject({ entries: expect.any(Number) as number, files: 0, meta: { current: 1 } })
    const rewritten: boolean[] = []
    verify = async ({ newState }) => {
      for await (const [name, { amount }] of newState.iterator<string, { amount: number }>())
        if (name.startsWith('name')) rewritten.push(amount === -1)
    }
    await rehearsal.run()
    // The calls came from the last name to the first: whatever the moment was, those before it are in and those after it are not.
    expect(rewritten).toHaveLength(600)
    expect(rewritten.slice(rewritten.indexOf(true)).every(each => each)).toBe(true)
  })

  it('ends when the host does, and leaves the state to the next one', async () => {
    await fill(500)
    const copying = object.rehearse(2)
    copying.catch(() => undefined)
    await object.restart()
    await expect(copying).rejects.toMatchObject({ code: 'Stopped' })
    expect(await object.call(1, 'all', [])).toHaveLength(501)
  })

  it('ends when nobody wants it any more', async () => {
    await fill(500)
    const cancel = new AbortController()
    const copying = object.host.copyState(join(directory, 'cancelled'), {
      signal: cancel.signal,
      onProgress: () => cancel.abort(new Error('enough'))
    })
    await expect(copying).rejects.toThrow('enough')
    expect(await object.call(1, 'all', [])).toHaveLength(501)
  })
})

describe('a rehearsal of an upgrade', () => {
  it('makes the whole of it as often as it is asked, and leaves the copy as it was and the state alone', async () => {
    await fill(100)
    const { rehearsal } = await object.rehearse(2)
    const first = await rehearsal.run()
    expect(first).toMatchObject({ entries: 202, unread: [] })
    expect(first.operations).toBeGreaterThan(200)
    const second = await rehearsal.run(first.spaces)
    expect(second.differences).toEqual({ count: 0, named: [] })
    expect(object.current).toBe(1)
    expect(await object.call(1, 'all', [])).toHaveLength(101)
  })

  it('begins anew after one that died in the middle', async () => {
    await fill(100)
    const { rehearsal } = await object.rehearse(2)
    const first = await rehearsal.run()
    const died = new Error('the process was killed')
    const dying = rehearsal.begin(first.spaces, Math.floor(first.operations / 2), () => {
      throw died
    })
    await expect(dying).rejects.toMatchObject({ cause: died })
    expect((await rehearsal.run(first.spaces)).differences).toEqual({ count: 0, named: [] })
  })

  it('names the entries that two runs build differently', async () => {
    let runs = 0
    transform = async states => {
      runs++
      await wrap(states)
      await states.newState.sublevel('runs').put(`run ${runs}`, true)
      await states.newState.put('name-0001', { amount: 100 + runs })
      await states.pastState.put('name-0002', runs)
    }
    await fill(3)
    const { rehearsal } = await object.rehearse(2)
    const { spaces } = await rehearsal.run()
    expect((await rehearsal.run(spaces)).differences).toEqual({
      count: 4,
      named: [
        'the entry "runs/run 1" is built by the first run only',
        'the entry "runs/run 2" is built by the second run only',
        'the entry "name-0001" is built with another value',
        'the entry "name-0002" is built with another value of the past simulation object of version 1'
      ]
    })
  })

  it('says at which entry of the real state a transform throws', async () => {
    transform = async states => {
      await wrap(states)
      if (await states.oldState.has('name-0042')) throw new Error('name-0042 has no amount')
    }
    await fill(50)
    const { rehearsal } = await object.rehearse(2)
    await expect(rehearsal.run()).rejects.toMatchObject({
      code: 'TransformFailed',
      message: expect.stringContaining('name-0042 has no amount') as string
    })
  })

  it("runs the author's check on what was built", async () => {
    verify = async ({ oldState, newState }) => {
      const lost = (await oldState.keys().all()).length - (await newState.keys().all()).length
      if (lost > 0) throw new Error(`${lost} names are lost`)
    }
    transform = async ({ oldState, newState }) => {
      for await (const name of oldState.keys({ limit: 3 })) await newState.put(name, { amount: 0 })
    }
    await fill(9)
    const { rehearsal } = await object.rehearse(2)
    await expect(rehearsal.run()).rejects.toMatchObject({
      code: 'TransformFailed',
      message:
        "What the upgrade to version 2 makes of the state here is wrong, says its author's check: 7 names are lost."
    })
  })

  it('has every entry read by the class that will live with it, and by the past simulation object', async () => {
    const read: string[] = []
    readEntry = ({ key, value }) => {
      read.push(key)
      z.object({ amount: z.number() }).parse(value)
    }
    readPast = ({ key, value }) => {
      if (value === 7) throw new Error('7 is no count')
      read.push(key)
    }
    await fill(7)
    const { rehearsal } = await object.rehearse(2)
    expect(await rehearsal.run()).toMatchObject({ entries: 16, unread: [] })
    expect(read).toHaveLength(16)
    await put('bad', 7)
    const again = await object.rehearse(2)
    await expect(again.rehearsal.run()).rejects.toMatchObject({
      code: 'TransformFailed',
      message:
        'The upgrade makes an entry that the past simulation object of version 1 cannot read, "bad": 7 is no count.'
    })
  })
})

describe('a rehearsal of an upgrade from files to files', () => {
  class Files {
    constructor(readonly ctx: DirectoryContext) {}
    async put(name: string, count: number): Promise<void> {
      await mkdir(join(this.ctx.directory, 'of', name), { recursive: true })
      await appendFile(join(this.ctx.directory, 'of', name, 'counts'), `${count}\n`)
    }
    all(): Promise<string[]> {
      return readdir(join(this.ctx.directory, 'of'))
    }
  }
  let runs = 0
  let isMarked = false

  beforeEach(async () => {
    await object.close()
    ;[runs, isMarked] = [0, false]
    object = await start([
      defineClass(names, Files, {
        state: 'directory',
        initialize: path => mkdir(join(path, 'of')).then(() => undefined)
      }),
      defineUpgrade({
        from: names,
        to: defineClass(amounts, Files, { state: 'directory' }),
        past: PastNames,
        transform: async ({ oldDirectory, newDirectory }) => {
          await mkdir(join(newDirectory, 'of'))
          for (const name of await readdir(join(oldDirectory, 'of'))) {
            const counts = await readFile(join(oldDirectory, 'of', name, 'counts'), 'utf8')
            await writeFile(join(newDirectory, 'of', name), `${counts}${isMarked ? ++runs : ''}`)
          }
        },
        verify: states => verify?.(states)
      })
    ])
  })

  it('copies what calls write meanwhile either whole or not at all', async () => {
    await fill(20)
    const rehearsing = object.rehearse(2)
    const writing = fill(20)
    const { copied, rehearsal } = await rehearsing
    await writing
    expect(copied).toMatchObject({ files: 20, entries: 0 })
    const files: string[] = []
    verify = async ({ oldDirectory }) => {
      for (const name of (await readdir(join(oldDirectory, 'of'))).sort())
        files.push(await readFile(join(oldDirectory, 'of', name, 'counts'), 'utf8'))
    }
    const first = await rehearsal.run()
    expect(first).toMatchObject({ operations: 0, bytes: copied.bytes })
    expect((await rehearsal.run(first.spaces)).differences).toEqual({ count: 0, named: [] })
    // The commands come one after the other: those of the second time are in up to one of them.
    const twice = files.slice(0, 20).map(each => each.split('\n').length === 3)
    expect(twice.lastIndexOf(true)).toBe(twice.filter(each => each).length - 1)
  })

  it('names the files that two runs build differently', async () => {
    isMarked = true
    await fill(1)
    const { rehearsal } = await object.rehearse(2)
    const first = await rehearsal.run()
    expect((await rehearsal.run(first.spaces)).differences).toEqual({
      count: 1,
      named: ['the file of/name-0000 is built with other contents']
    })
  })
})

describe('the way back', () => {
  const unwrap: ReverseTransform = async ({ newState, oldState }) => {
    for await (const [name, { amount }] of newState.iterator<string, { amount: number }>())
      await oldState.put(name, amount)
  }
  const rehearsed = async () => {
    const old = defineClass(names, Names, {
      initialize: state => state.put('first', 1),
      readEntry: entry => readOld?.(entry)
    })
    const upgrade = defineUpgrade({
      from: names,
      to: defineClass(amounts, Names),
      past: PastNames,
      transform: states => transform(states),
      reverse: { transform: states => reverse(states), loses: 'nothing' }
    })
    const versions: TestObjectInit['versions'] = [old, upgrade]
    const made = await createTestObject({ versions, directory: await mkdtemp(join(directory, 'object-')) })
    try {
      await made.call(1, 'put', ['a', 5])
      const { rehearsal } = await made.rehearse(2)
      const first = await rehearsal.run()
      return { first, second: await rehearsal.run(first.spaces) }
    } finally {
      await made.close()
    }
  }

  it('is gone behind the first run, read by the old class, and disturbs no run that follows', async () => {
    const read: string[] = []
    readOld = ({ key }) => void read.push(key)
    reverse = unwrap
    const { first, second } = await rehearsed()
    expect(first.back).toMatchObject({ entries: 2, differences: { count: 0 } })
    expect(read).toEqual(['a', 'first'])
    expect(second.back).toBeUndefined()
    expect(second).toMatchObject({ entries: first.entries, differences: { count: 0 } })
  })

  it('says how much of the state is not what it was', async () => {
    reverse = async ({ oldState }) => oldState.put('a', 6)
    expect((await rehearsed()).first.back?.differences).toMatchObject({ count: 2 })
  })

  it.each([
    ['whose transform fails', () => Promise.reject(new Error('no way')), /could not go back to version 1: .*no way/],
    [
      'that builds what the old class cannot read',
      unwrap,
      /could not go back to version 1: The way back makes an entry that Names cannot read, .*no number/
    ]
  ])('%s fails the rehearsal, and says so', async (_, way, says) => {
    reverse = way
    readOld = () => {
      throw new Error('no number')
    }
    await expect(rehearsed()).rejects.toMatchObject({
      ...{ code: 'TransformFailed', message: expect.stringMatching(says) as unknown }
    })
  })
})
