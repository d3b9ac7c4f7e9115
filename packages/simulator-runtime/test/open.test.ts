import { Level } from 'level'
import { cp, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
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
  type ObjectContext,
  type Transform
} from '../src/index.js'
import { encodeValue } from '../src/codec/codec.js'
import { createHostRuntime, type CallRequest, type HostRuntime } from '../src/host/index.js'
import { createTestObject, type TestObject } from '../src/testing/index.js'

const methods = {
  put: command(z.tuple([z.string(), z.string()]), z.void()),
  get: query(z.tuple([z.string()]), z.string().optional()),
  all: query(z.tuple([]), z.array(z.tuple([z.string(), z.string()])))
}
const store1 = defineContract('Store', methods)
const store2 = defineContract('Store', methods)

class Store {
  constructor(readonly ctx: ObjectContext) {}
  async put(key: string, value: string): Promise<void> {
    await this.ctx.state.put(key, value)
  }
  get(key: string): Promise<string | undefined> {
    return this.ctx.state.get<string, string>(key)
  }
  all(): Promise<[string, string][]> {
    return this.ctx.state.iterator<string, string>().all()
  }
}

class Through {
  constructor(readonly ctx: { readonly delegate: Store }) {}
  put(key: string, value: string): Promise<void> {
    return this.ctx.delegate.put(key, value)
  }
  get(key: string): Promise<string | undefined> {
    return this.ctx.delegate.get(key)
  }
  all(): Promise<[string, string][]> {
    return this.ctx.delegate.all()
  }
}

const v1 = defineClass(store1, Store)
/** Compatible, and without a transform. */
const v1Again = defineUpgrade({ from: store1, to: defineClass(store1, Store) })
const v2 = (transform: Transform) =>
  defineUpgrade({
    from: store1,
    to: defineClass(store2, Store),
    transform,
    future: Through as never,
    past: Through as never
  })

/** Copies, and calls `at` before each write. */
const copying =
  (at: (write: number) => void | Promise<void>): Transform =>
  async ({ oldState, newState, pastState }) => {
    let write = 0
    for await (const [key, value] of oldState.iterator<string, string>()) {
      await at(++write)
      await newState.put(key, `${value}!`)
      await pastState.put(key, 'past')
    }
    await at(++write)
  }

let directory: string
let object: TestObject | undefined
const large = 'x'.repeat(400_000)

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-open-'))
})

afterEach(async () => {
  await object?.close()
  object = undefined
  await rm(directory, { recursive: true })
})

async function spaces(state: string): Promise<Set<string>> {
  const copy = join(directory, `look-${state}`)
  await cp(join(directory, state), copy, { recursive: true })
  const db = new Level(copy, { keyEncoding: 'utf8', valueEncoding: 'utf8' })
  const found = new Set<string>()
  for await (const key of db.keys({ gte: 'd!', lt: 'd"' })) found.add(key.split('!')[1] ?? '')
  await db.close()
  return found
}

/** Bytes of the logs that the next opening of a state replays. */
async function logBytes(state: string): Promise<number> {
  const files = (await readdir(join(directory, state))).filter(each => each.endsWith('.log'))
  const sizes = await Promise.all(files.map(async file => (await stat(join(directory, state, file))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

describe('a state that is to be opened by another process', () => {
  it('has nothing in its log once it has settled, and answers as before', async () => {
    object = await createTestObject({ versions: [v1], directory })
    for (const key of ['a', 'b', 'c']) await object.call(1, 'put', [key, large])
    expect(await logBytes('state-1')).toBeGreaterThan(3 * large.length)
    await object.host.settle()
    expect(await logBytes('state-1')).toBe(0)
    expect(await object.call(1, 'get', ['b'])).toBe(large)
    await object.call(1, 'put', ['d', 'after'])
    await object.restart()
    expect(((await object.call(1, 'all', [])) as unknown[]).length).toBe(4)
  })
})

describe('what a simulation object begins with', () => {
  it('is no fault of the disk where its code throws', async () => {
    let fails = true
    const initialize = (): void => {
      if (fails) throw new Error('it stumbles')
    }
    const future = { implementation: Through as never, initialize }
    const upgrade = defineUpgrade({ from: store1, to: defineClass(store2, Store), future })
    object = await createTestObject({ versions: [v1, upgrade], directory })
    await object.call(1, 'put', ['a', 'b'])
    await expect(object.introduce(2)).rejects.toMatchObject({
      code: 'HostFailed',
      message: expect.stringMatching(/`initialize`\) failed: it stumbles/) as unknown
    })
    fails = false
    await object.introduce(2)
    expect(await object.call(2, 'get', ['a'])).toBe('b')
  })
})

describe('a transform', () => {
  it('that throws at any write leaves the old state, and the next attempt nothing of the one before', async () => {
    for (let failAt = 1; failAt <= 6; failAt++) {
      const home = join(directory, `${failAt}`)
      let fails = true
      const transform = copying(write => {
        if (fails && write === failAt) throw new Error('disk of the author')
      })
      object = await createTestObject({ versions: [v1, v2(transform)], directory: home })
      for (const key of ['a', 'b', 'c', 'd', 'e']) await object.call(1, 'put', [key, large])
      await expect(object.upgrade()).rejects.toMatchObject({ code: 'TransformFailed' })
      expect(await object.call(1, 'get', ['c'])).toBe(large)
      await object.call(1, 'put', ['c', 'changed'])
      fails = false
      await object.upgrade()
      const all = (await object.call(2, 'all', [])) as [string, string][]
      expect(all.map(([key, value]) => [key, value.length])).toEqual(
        ['a', 'b', 'c', 'd', 'e'].map(key => [key, key === 'c' ? 8 : large.length + 1])
      )
      await object.restart()
      await object.close()
      // With the one that is kept for the operator.
      expect((await spaces(join(`${failAt}`, 'state-1'))).size).toBe(3)
      object = undefined
    }
  })

  it('that is killed is run again from the old state', async () => {
    let reached: () => void = () => undefined
    const halfway = new Promise<void>(resolve => (reached = resolve))
    let release: () => void = () => undefined
    let hold = true
    const transform = copying(async write => {
      if (!hold || write !== 4) return
      reached()
      await new Promise<void>(resolve => (release = resolve))
    })
    object = await createTestObject({ versions: [v1, v2(transform)], directory })
    for (const key of ['a', 'b', 'c', 'd', 'e']) await object.call(1, 'put', [key, large])
    const cut = object.upgrade()
    await halfway
    hold = false
    // What the killed process had on disk, seen by the next one.
    await mkdir(join(directory, 'after'))
    await cp(join(directory, 'state-1'), join(directory, 'after', 'state-1'), { recursive: true })
    const next = await createTestObject({
      versions: [v1, v2(copying(() => undefined))],
      directory: join(directory, 'after'),
      start: 2
    })
    expect(((await next.call(2, 'all', [])) as unknown[]).length).toBe(5)
    expect(next.progress.some(progress => progress.stage === 'transformed')).toBe(true)
    await next.close()
    release()
    await cut
  })

  it('that takes too long is stopped, and writes nothing more', async () => {
    let late: Promise<unknown> | undefined
    const transform: Transform = async ({ newState, signal }) => {
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      late = newState.put('late', 1)
      await late
    }
    object = await createTestObject({ versions: [v1, v2(transform)], directory, transformMs: 30 })
    await object.call(1, 'put', ['a', 'b'])
    await expect(object.upgrade()).rejects.toMatchObject({ code: 'TransformTimeout' })
    await expect(late).rejects.toThrow()
    expect(object.current).toBe(1)
    expect(await object.call(1, 'get', ['a'])).toBe('b')
  })

  it('cannot write to the old state', async () => {
    const transform: Transform = ({ oldState }) =>
      (oldState as never as { put(key: string, value: unknown): Promise<void> }).put('a', 1)
    object = await createTestObject({ versions: [v1, v2(transform)], directory })
    await expect(object.upgrade()).rejects.toMatchObject({
      code: 'TransformFailed',
      message: expect.stringContaining('R13') as unknown
    })
  })
})

describe('the way back by copy', () => {
  it('returns to the state of before the upgrade, also when asked twice', async () => {
    object = await createTestObject({ versions: [v1, v2(copying(() => undefined))], directory, keepBefore: true })
    await object.call(1, 'put', ['a', 'old'])
    const there = await object.upgrade()
    expect(there.before).toMatchObject({ current: 1 })
    await object.call(2, 'put', ['a', 'trial'])
    const back = await object.goBack(1)
    expect(back).toMatchObject({ current: 1, revision: 1 })
    expect(back.before).toBeUndefined()
    expect(await object.call(1, 'get', ['a'])).toBe('old')
    await object.goBack(1)
    expect(await object.call(1, 'get', ['a'])).toBe('old')
    await object.upgrade()
    expect(await object.call(2, 'get', ['a'])).toBe('old!')
  })

  it('gives back the state also where the new class took it as it was', async () => {
    object = await createTestObject({ versions: [v1, v1Again], directory, keepBefore: true })
    await object.call(1, 'put', ['a', 'old'])
    await object.upgrade()
    await object.call(2, 'put', ['a', 'trial'])
    await object.goBack(1)
    expect(await object.call(1, 'get', ['a'])).toBe('old')
  })

  it('does not exist where nothing was kept', async () => {
    object = await createTestObject({ versions: [v1, v2(copying(() => undefined))], directory })
    await object.upgrade()
    await expect(object.goBack(1)).rejects.toMatchObject({ code: 'HostFailed' })
    expect(await object.call(2, 'all', [])).toEqual([])
  })
})

describe('the state of a peer', () => {
  const init = (stateDirectory: string, more: object = {}): Parameters<typeof createHostRuntime>[0] => ({
    plan: {
      format: 1,
      plan: 1,
      className: 'Store',
      object: { bundle: 'b', entry: '1', version: 1, chainId: '0'.repeat(16), revision: 1 },
      past: [],
      future: [],
      steps: [],
      goBack: undefined,
      durability: 'os',
      limits: { loadMs: 1, drainMs: 1, transformMs: 1, heapMiB: 1 },
      ...more
    },
    network: '0'.repeat(64),
    load: async () => v1,
    stateDirectory,
    outgoing: () => Promise.reject(new Error('none')),
    now: () => 0,
    random: () => 0.5,
    log: { info: () => undefined, warn: () => undefined },
    onProgress: () => undefined
  })
  const open = async (given: Parameters<typeof createHostRuntime>[0]): Promise<void> => {
    const host = createHostRuntime(given)
    await host.load()
    await host.open(new AbortController().signal)
    await host.close()
  }
  const damage = async (how: (db: Level) => Promise<unknown>): Promise<void> => {
    const db = new Level(join(directory, 's'))
    await how(db)
    await db.close()
  }

  it.each([
    ['the record is gone', (db: Level) => db.del('meta')],
    ['everything is gone', (db: Level) => db.clear()],
    [
      'one character differs',
      async (db: Level) => db.put('meta', (await db.get('meta')).replace('"current":1', '"current":2'))
    ],
    ['it is garbage', (db: Level) => db.put('meta', 'x')]
  ])('is damaged, never fresh, when %s', async (_, how) => {
    await open(init(join(directory, 's')))
    await damage(how)
    await expect(open(init(join(directory, 's')))).rejects.toMatchObject({ code: 'StateDamaged' })
  })

  it('of another network or class is refused', async () => {
    await open(init(join(directory, 's')))
    await expect(open({ ...init(join(directory, 's')), network: '1'.repeat(64) })).rejects.toMatchObject({
      code: 'WrongNetwork'
    })
    const other = defineClass(defineContract('Other', methods), Store)
    const asOther = { ...init(join(directory, 's'), { className: 'Other' }), load: async () => other }
    await expect(open(asOther)).rejects.toMatchObject({ code: 'StateDamaged' })
  })

  const serving = async (): Promise<HostRuntime> => {
    const host = createHostRuntime(init(join(directory, 's')))
    await host.load()
    await host.open(new AbortController().signal)
    return host
  }
  const request = (method: string, ...args: string[]): CallRequest => ({
    ...{ revision: 1, version: 1, method, args: encodeValue(args), seq: 0, doneBelow: 0, remainingMs: 1000 },
    caller: 'a test',
    signal: new AbortController().signal
  })

  it('that is open elsewhere is waited for, and refused in the end', async () => {
    const host = await serving()
    const soon = { ...init(join(directory, 's')), limits: { lockedMsMax: 20 } }
    await expect(open(soon)).rejects.toMatchObject({ code: 'DataDirectoryInUse' })
    await host.close()
  })

  it('opens as soon as the host before has written its last, with all of that', async () => {
    const host = await serving()
    await host.call(request('put', 'k', 'v'))
    const opening: Promise<HostRuntime>[] = []
    await host.close(() => opening.push(serving()))
    const [next] = await Promise.all(opening)
    expect(await next?.call(request('get', 'k'))).toEqual(encodeValue('v'))
    await next?.close()
  })

  it('for which the plan has no way is refused', async () => {
    await open(init(join(directory, 's')))
    const object = { bundle: 'b', entry: '1', version: 3, revision: 3 }
    await expect(open(init(join(directory, 's'), { object }))).rejects.toMatchObject({ code: 'HostFailed' })
  })

  it('that cannot be made is one clear sentence', async () => {
    await writeFile(join(directory, 'file'), '')
    await expect(open(init(join(directory, 'file')))).rejects.toMatchObject({ code: 'StateDamaged' })
  })

  it.each([
    ['throws when it is imported', () => Promise.reject(new Error('no such module')), 'no such module'],
    ['exports nothing of ours', async () => ({ default: 1 }), 'defineClass'],
    ['lacks a method', async () => defineClass(store1, Date as never), 'lacks the method'],
    ['was made by later authoring functions', async () => ({ ...v1, format: 2 }), 'format 2'],
    ['is of another class', async () => defineClass(defineContract('Other', methods), Store), 'Other']
  ])('code that %s is not loaded', async (_, load, message) => {
    const host = createHostRuntime({ ...init(join(directory, 's')), load })
    await expect(host.load()).rejects.toMatchObject({
      code: 'BundleLoadFailed',
      message: expect.stringContaining(message) as unknown
    })
    await expect(host.load()).rejects.toMatchObject({ message: expect.stringContaining('Store version 1') as unknown })
  })
})
