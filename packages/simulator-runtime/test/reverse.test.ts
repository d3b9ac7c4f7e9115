import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import {
  command,
  defineClass,
  defineContract,
  defineUpgrade,
  query,
  type ObjectContext,
  type ReverseInit,
  type ReverseTransform
} from '../src/index.js'
import { restoreState } from '../src/host/index.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'

const word = z.string()
const methods = {
  put: command(z.tuple([word, z.number()]), z.void()),
  all: query(z.tuple([]), z.array(z.tuple([word, z.number()])))
}
/** Version 2 knows a colour of each thing, which version 1 has no word for. */
const things = defineContract('Things', methods)
const coloured = defineContract('Coloured', {
  ...methods,
  paint: command(z.tuple([word, word]), z.void())
})

interface Painted {
  readonly count: number
  readonly colour: string
}

class Things {
  constructor(readonly ctx: ObjectContext) {}
  put(name: string, count: number): Promise<void> {
    return this.ctx.state.put(name, count)
  }
  all(): Promise<[string, number][]> {
    return this.ctx.state.iterator<string, number>().all()
  }
}

class Coloured {
  constructor(readonly ctx: ObjectContext) {}
  put(name: string, count: number): Promise<void> {
    return this.ctx.state.put(name, { count, colour: 'none' })
  }
  async paint(name: string, colour: string): Promise<void> {
    const found = await this.ctx.state.get<string, Painted>(name)
    await this.ctx.state.put(name, { count: found?.count ?? 0, colour })
  }
  async all(): Promise<[string, number][]> {
    const all = await this.ctx.state.iterator<string, Painted>().all()
    return all.map(([name, { count }]) => [name, count])
  }
}

/** Remembers by itself how often the old version was called: what only the past simulation object knows. */
class Past {
  constructor(readonly ctx: { readonly delegate: Coloured; readonly state: ObjectContext['state'] }) {}
  async put(name: string, count: number): Promise<void> {
    await this.ctx.state.put(`~${name}`, -1)
    await this.ctx.delegate.put(name, count)
  }
  all(): Promise<[string, number][]> {
    return this.ctx.delegate.all()
  }
}

const v1 = defineClass(things, Things, { initialize: state => state.put('first', 1) })
const v2 = (reverse: ReverseInit) =>
  defineUpgrade({
    from: v1,
    to: defineClass(coloured, Coloured),
    past: Past as never,
    transform: async ({ oldState, newState }) => {
      for await (const [name, count] of oldState.iterator<string, number>())
        await newState.put(name, { count, colour: 'none' })
    },
    reverse
  })

const loses = 'the colours'
const taking =
  (at: (write: number) => void | Promise<void> = () => undefined): ReverseTransform =>
  async ({ newState, pastState, oldState }) => {
    let write = 0
    for await (const [name, { count }] of newState.iterator<string, Painted>()) {
      await at(++write)
      await oldState.put(name, count)
    }
    for await (const [name, mark] of pastState.iterator<string, number>()) await oldState.put(name, mark)
  }
const byEntries: ReverseInit = {
  transform: {
    entries: (entry, { oldState }) => oldState.put(entry.key, (entry.value as Painted).count),
    pastEntries: (entry, { oldState }) => oldState.put(entry.key, entry.value)
  },
  loses
}

let directory: string
let object: TestObject | undefined

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-reverse-'))
})

afterEach(async () => {
  await object?.close()
  object = undefined
  await rm(directory, { recursive: true })
})

/** On trial, after calls of both versions. */
async function onTrial(reverse: ReverseInit): Promise<TestObject> {
  const made = await createTestObject({ versions: [v1, v2(reverse)], directory })
  object = made
  for (let i = 0; i < 5; i++) await made.call(1, 'put', [`before ${i}`, i])
  await made.upgrade()
  await made.call(2, 'put', ['trial', 7])
  await made.call(2, 'paint', ['before 1', 'red'])
  await made.call(1, 'put', ['old caller', 8])
  return made
}

const afterTrial = [
  ['before 0', 0],
  ['before 1', 1],
  ['before 2', 2],
  ['before 3', 3],
  ['before 4', 4],
  ['first', 1],
  ['old caller', 8],
  ['trial', 7],
  ['~old caller', -1]
]

it.each([
  ['a function', { transform: taking(), loses }],
  ['entries', byEntries]
])('goes back by %s with what both versions were told, once', async (_name, reverse) => {
  const made = await onTrial(reverse)
  const meta = await made.goBack(1, 'transform')
  expect(meta).toMatchObject({ current: 1, revision: 1, spaces: { past: {}, future: {} } })
  expect(await made.call(1, 'all', [])).toEqual(afterTrial)
  await made.call(1, 'put', ['later', 9])
  // The same plan again, as a peer starts it that was killed right after the switch.
  await made.goBack(1, 'transform')
  expect(await made.call(1, 'all', [])).toEqual([...afterTrial, ['later', 9]].sort(byName))
  await made.upgrade()
  expect(await made.call(2, 'all', [])).toEqual([...afterTrial, ['later', 9]].sort(byName))
})

it('leaves the trial as it is when the way back throws, and takes nothing of that attempt into the next', async () => {
  let fails = true
  const made = await onTrial({
    transform: taking(write => {
      if (fails && write === 3) throw new Error('not yet')
    }),
    loses
  })
  await expect(made.goBack(1, 'transform')).rejects.toMatchObject({
    code: 'TransformFailed',
    message: expect.stringContaining('back from version 2') as unknown
  })
  expect(made.current).toBe(2)
  await made.call(2, 'put', ['trial', 70])
  fails = false
  await made.goBack(1, 'transform')
  expect(await made.call(1, 'all', [])).toContainEqual(['trial', 70])
})

it('begins again from the state of the trial when it is killed', async () => {
  const halfway = Promise.withResolvers<undefined>()
  const release = Promise.withResolvers<undefined>()
  let holds = true
  const reverse = {
    transform: taking(async write => {
      if (!holds || write !== 4) return
      halfway.resolve(undefined)
      await release.promise
    }),
    loses
  }
  const made = await onTrial(reverse)
  const cut = made.goBack(1, 'transform')
  await halfway.promise
  holds = false
  const after = join(directory, 'after')
  await mkdir(after)
  // What the killed process had on disk, seen by the next one.
  await cp(join(directory, 'state-1'), join(after, 'state-1'), { recursive: true })
  const next = await createTestObject({ versions: [v1, v2(reverse)], directory: after, start: 2, lowest: 1 })
  expect(await next.call(2, 'all', [])).toContainEqual(['trial', 7])
  await next.goBack(1, 'transform')
  expect(await next.call(1, 'all', [])).toEqual(afterTrial)
  await next.close()
  release.resolve(undefined)
  await cut
})

it('refuses to go back by code that is not there, and the trial goes on', async () => {
  const v2Again = defineUpgrade({
    from: things,
    to: defineClass(coloured, Coloured),
    past: Past as never,
    transform: () => undefined
  })
  object = await createTestObject({ versions: [v1, v2Again], directory })
  await object.upgrade()
  await expect(object.goBack(1, 'transform')).rejects.toMatchObject({ code: 'BundleLoadFailed' })
  expect(object.current).toBe(2)
})

it('goes back from files to keys, and only reads the files', async () => {
  const files = defineContract('Files', methods)
  class Files {
    constructor(readonly ctx: { readonly directory: string }) {}
    async put(name: string, count: number): Promise<void> {
      await writeFile(join(this.ctx.directory, name), String(count))
    }
    all(): Promise<[string, number][]> {
      return Promise.resolve([])
    }
  }
  let isHonest = false
  const toFiles = defineUpgrade({
    from: v1,
    to: defineClass(files, Files, { state: 'directory' }),
    past: Past as never,
    transform: async ({ oldState, newDirectory }) => {
      for await (const [name, count] of oldState.iterator<string, number>())
        await writeFile(join(newDirectory, name), String(count))
    },
    reverse: {
      loses: 'nothing',
      transform: async ({ newDirectory, oldState }) => {
        if (!isHonest) await writeFile(join(newDirectory, 'first'), 'changed')
        for (const name of await readdir(newDirectory))
          await oldState.put(name, Number(await readFile(join(newDirectory, name), 'utf8')))
      }
    }
  })
  object = await createTestObject({ versions: [v1, toFiles], directory })
  await object.upgrade()
  await object.call(2, 'put', ['more', 5])
  await expect(object.goBack(1, 'transform')).rejects.toMatchObject({ code: 'TransformFailed' })
  isHonest = true
  await object.call(2, 'put', ['first', 3])
  await object.goBack(1, 'transform')
  expect(await object.call(1, 'all', [])).toEqual([
    ['first', 3],
    ['more', 5]
  ])
})

function byName(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1
}

it('keeps the state of before for the operator, who gets it back as it was, and this one kept in its stead', async () => {
  const made = await onTrial({ transform: taking(), loses })
  const meta = await made.commit()
  expect(meta.kept).toMatchObject([{ current: 1, revision: 1 }])
  const [old] = (await made.host.keepStates('all')) ?? []
  await made.close()
  object = undefined
  const state = join(directory, 'state-1')
  const generation = old?.generation ?? 0
  const restored = await restoreState({ directory: state, generation, className: 'Things', nowMs: 5 })
  expect(restored).toMatchObject({ current: 1, chainId: '0000000000000001' })
  await expect(restoreState({ directory: state, generation, className: 'Things', nowMs: 5 })).rejects.toMatchObject({
    code: 'BadInput'
  })
  object = await createTestObject({ versions: [v1], directory })
  expect(await object.call(1, 'all', [])).toEqual(
    [...[0, 1, 2, 3, 4].map(i => [`before ${i}`, i] as const), ['first', 1] as const].sort(byName)
  )
  expect(await object.host.keepStates('all')).toMatchObject([{ version: 2, sinceMs: 5 }])
  expect(await object.host.keepStates([])).toEqual([])
})
