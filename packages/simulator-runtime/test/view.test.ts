import fc from 'fast-check'
import { Level } from 'level'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BuildAccess } from '../src/host/build/build-access.js'
import type { Database } from '../src/host/state/merged-entries.js'
import { CommandAccess, QueryAccess } from '../src/host/state/request-access.js'
import { Store } from '../src/host/state/store.js'
import { View } from '../src/host/state/view.js'

let directory: string
let db: Database
let oracle: Level
let round = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'instar-view-'))
  db = new Level<Buffer, Buffer>(join(directory, 'mine'), { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  oracle = new Level(join(directory, 'oracle'))
  await db.open()
  await oracle.open()
})

afterAll(async () => {
  await db.close()
  await oracle.close()
  await rm(directory, { recursive: true })
})

// Keys whose order differs between UTF-16 and UTF-8, keys that begin like others, and the first and last bytes.
const keys = ['a', 'aa', 'ab', 'b', '', '!', '"', '~', 'ä', '\u{1f600}', '\uffee', 'z\u0000', 'key', 'kez']
const key = fc.constantFrom(...keys)
const value = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant({ deep: ['x', null] }))
const range = fc.record(
  { gt: key, gte: key, lt: key, lte: key, reverse: fc.boolean(), limit: fc.integer({ min: -1, max: 6 }) },
  { requiredKeys: [] }
)
const place = fc.constantFrom<string[]>([], ['x'], ['x', 'y'])

type Operation =
  | { op: 'put'; at: string[]; key: string; value: unknown }
  | { op: 'del'; at: string[]; key: string }
  | { op: 'batch'; at: string[]; entries: [string, unknown][] }
  | { op: 'clear'; at: string[]; range: object }
  | { op: 'read'; at: string[]; key: string; range: object }
  | { op: 'command' }
  | { op: 'flush' }

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constant('put' as const), at: place, key, value }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('del' as const), at: place, key }) },
  fc.record({
    op: fc.constant('batch' as const),
    at: place,
    entries: fc.array(fc.tuple(key, value), { maxLength: 4 })
  }),
  fc.record({ op: fc.constant('clear' as const), at: place, range }),
  { weight: 5, arbitrary: fc.record({ op: fc.constant('read' as const), at: place, key, range }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('command' as const) }) },
  fc.record({ op: fc.constant('flush' as const) })
)

interface Anything {
  get(key: string): Promise<unknown>
  getMany(keys: string[]): Promise<unknown[]>
  has(key: string): Promise<boolean>
  put(key: string, value: unknown): Promise<void>
  del(key: string): Promise<void>
  batch(operations: object[]): Promise<void>
  clear(range: object): Promise<void>
  iterator(range: object): {
    all(): Promise<unknown[]>
    nextv(count: number): Promise<unknown[]>
    close(): Promise<void>
  }
  keys(range: object): AsyncIterable<unknown>
  values(range: object): { all(): Promise<unknown[]> }
  sublevel(name: string, options: object): Anything
}

async function perform(target: Anything, operation: Operation): Promise<unknown> {
  switch (operation.op) {
    case 'put':
      return target.put(operation.key, operation.value)
    case 'del':
      return target.del(operation.key)
    case 'batch':
      return target.batch(operation.entries.map(([key, value]) => ({ type: 'put', key, value })))
    case 'clear':
      return target.clear(operation.range)
    case 'read': {
      const found: unknown[] = []
      for await (const key of target.keys(operation.range)) found.push(key)
      const some = target.iterator(operation.range)
      const first = await some.nextv(2)
      await some.close()
      return [
        await target.get(operation.key),
        await target.has(operation.key),
        await target.getMany([operation.key, 'a', 'none']),
        await target.iterator(operation.range).all(),
        await target.values(operation.range).all(),
        found,
        first
      ]
    }
    default:
      return undefined
  }
}

const inPlace = (target: Anything, at: string[]): Anything =>
  at.reduce((each, name) => each.sublevel(name, { valueEncoding: 'json' }), target)

describe('a state view', () => {
  it('answers every operation as a database does, over overlays, uncommitted commands and half-written batches', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async operations => {
        const name = `r${++round}`
        const truth = oracle.sublevel(name, { valueEncoding: 'json' }) as unknown as Anything
        const store = new Store(db, { sync: false, onBroken: () => undefined })
        let access = new CommandAccess(store)
        for (const operation of operations) {
          if (operation.op === 'command' || operation.op === 'flush') {
            store.commit(
              access.layer,
              () => undefined,
              () => undefined
            )
            if (operation.op === 'flush') await store.idle()
            access = new CommandAccess(store)
            continue
          }
          const mine = new View(access, `d!${name}!`) as unknown as Anything
          expect(await perform(inPlace(mine, operation.at), operation)).toEqual(
            await perform(inPlace(truth, operation.at), operation)
          )
        }
        store.commit(
          access.layer,
          () => undefined,
          () => undefined
        )
        await store.idle()
        const query = new QueryAccess(store)
        const left = await new View(query, `d!${name}!`).iterator().all()
        query.release()
        expect(left).toEqual(await truth.iterator({}).all())
      })
    )
  })

  it('answers as a database does while a state is being built', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async operations => {
        const name = `b${++round}`
        const truth = oracle.sublevel(name, { valueEncoding: 'json' }) as unknown as Anything
        const access = new BuildAccess(db, () => undefined)
        const mine = new View(access, `d!${name}!`) as unknown as Anything
        for (const operation of operations) {
          if (operation.op === 'command' || operation.op === 'flush') void access.flush()
          else {
            expect(await perform(inPlace(mine, operation.at), operation)).toEqual(
              await perform(inPlace(truth, operation.at), operation)
            )
          }
        }
        await access.flush()
      }),
      { numRuns: 40 }
    )
  })

  it('takes binary keys and values and every named encoding', async () => {
    const store = new Store(db, { sync: false, onBroken: () => undefined })
    const view = new View(new CommandAccess(store), 'd!binary!').sublevel<Buffer, Buffer>('x', {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer'
    })
    const bytes = Buffer.from([0, 255, 128])
    await view.put(bytes, bytes)
    bytes[0] = 7
    expect(await view.get(Buffer.from([0, 255, 128]))).toEqual(Buffer.from([0, 255, 128]))
    await view.put('ff00', 'text', { keyEncoding: 'hex', valueEncoding: 'utf8' })
    expect(await view.keys().all()).toEqual([Buffer.from([0, 255, 128]), Buffer.from([255, 0])])
    expect(await view.get('ff00', { keyEncoding: 'hex', valueEncoding: 'utf8' })).toBe('text')
  })

  it('refuses keys and values that are null or undefined, and names of sublevels that could run into another', async () => {
    const store = new Store(db, { sync: false, onBroken: () => undefined })
    const view = new View(new CommandAccess(store), 'd!invalid!')
    await expect(view.put('a', null)).rejects.toMatchObject({ code: 'LEVEL_INVALID_VALUE' })
    await expect(view.get(undefined)).rejects.toMatchObject({ code: 'LEVEL_INVALID_KEY' })
    await expect(view.put(null, 1)).rejects.toMatchObject({ code: 'LEVEL_INVALID_KEY' })
    for (const name of ['', '!', 'a!b', 'ä', 'a b']) {
      expect(() => view.sublevel(name)).toThrow(expect.objectContaining({ code: 'LEVEL_INVALID_PREFIX' }))
    }
  })

  it('leaves nothing of a batch that has one bad operation', async () => {
    const store = new Store(db, { sync: false, onBroken: () => undefined })
    const view = new View(new CommandAccess(store), 'd!half!')
    const bad = [
      { type: 'put' as const, key: 'a', value: 1 as unknown },
      { type: 'put' as const, key: 'b', value: undefined }
    ]
    await expect(view.batch(bad)).rejects.toThrow()
    expect(await view.has('a')).toBe(false)
  })
})
