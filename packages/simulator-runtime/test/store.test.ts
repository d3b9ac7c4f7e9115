import { describe, expect, it } from 'vitest'
import { Layer } from '../src/host/state/layer.js'
import type { Database } from '../src/host/state/merged-entries.js'
import { Store } from '../src/host/state/store.js'

/** A database that writes when it is told to, and fails when it is told to. */
function fakeDatabase() {
  const batches: Array<{ size: number; sync: boolean; done: () => void; fail: (error: Error) => void }> = []
  let snapshots = 0
  const db = {
    getSync: () => undefined,
    snapshot: () => {
      snapshots++
      return {
        close: async () => {
          snapshots--
        }
      }
    },
    batch: (operations: unknown[], { sync }: { sync: boolean }) =>
      new Promise<void>((done, fail) => batches.push({ size: operations.length, sync, done, fail }))
  }
  return { db: db as unknown as Database, batches, openSnapshots: () => snapshots }
}

const layerOf = (...keys: string[]): Layer => {
  const layer = new Layer()
  for (const key of keys) layer.entries.set(key, Buffer.from(key))
  return layer
}
const never = (): void => expect.unreachable()
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('group commit', () => {
  it('writes the commands of one turn in one batch, and answers after it', async () => {
    const { db, batches } = fakeDatabase()
    const store = new Store(db, { sync: true, onBroken: () => undefined })
    const answered: string[] = []
    for (const key of ['a', 'b', 'c']) store.commit(layerOf(key), () => answered.push(key), never)
    await turn()
    expect(batches).toMatchObject([{ size: 3, sync: true }])
    store.commit(layerOf('d'), () => answered.push('d'), never)
    expect(store.read('d')?.toString()).toBe('d')
    expect(answered).toEqual([])
    batches[0]!.done()
    await turn()
    expect(answered).toEqual(['a', 'b', 'c'])
    batches[1]!.done()
    await store.idle()
    expect(answered).toEqual(['a', 'b', 'c', 'd'])
  })

  it('answers one that wrote nothing only after what it may have read is written', async () => {
    const { db, batches } = fakeDatabase()
    const store = new Store(db, { sync: false, onBroken: () => undefined })
    const answered: string[] = []
    store.commit(layerOf(), () => answered.push('alone'), never)
    expect(answered).toEqual(['alone'])
    store.commit(layerOf('a'), () => answered.push('a'), never)
    store.commit(layerOf(), () => answered.push('reader'), never)
    await turn()
    expect(answered).toEqual(['alone'])
    batches[0]!.done()
    await store.idle()
    expect(answered).toEqual(['alone', 'a', 'reader'])
  })

  it('holds a snapshot no longer than its last reader', async () => {
    const { db, batches, openSnapshots } = fakeDatabase()
    const store = new Store(db, { sync: false, onBroken: () => undefined })
    const epoch = store.acquire()
    store.commit(layerOf('a'), () => undefined, never)
    await turn()
    batches[0]!.done()
    await store.idle()
    expect(openSnapshots()).toBe(1)
    store.release(epoch)
    expect(openSnapshots()).toBe(0)
  })

  it('builds nothing on a batch that failed, and refuses what comes after it', async () => {
    const { db, batches } = fakeDatabase()
    const told: unknown[] = []
    const store = new Store(db, { sync: false, onBroken: error => told.push(error) })
    const failed: string[] = []
    const commit = (key: string): void => store.commit(layerOf(key), never, () => failed.push(key))
    commit('a')
    await turn()
    commit('b')
    const full = new Error('IO error: no space left on device')
    batches[0]!.fail(full)
    await store.idle()
    commit('c')
    expect(failed).toEqual(['a', 'b', 'c'])
    expect(told).toEqual([full])
    expect(store.read('a')).toBeUndefined()
    expect(store.broken).toBe(true)
  })

  it('acknowledges nothing behind a write beside it that has failed: nobody would find it again', async () => {
    const { db, batches } = fakeDatabase()
    const broken: unknown[] = []
    const store = new Store(db, { sync: false, onBroken: error => broken.push(error) })
    const failed: string[] = []
    const commit = (key: string): void => store.commit(layerOf(key), never, () => failed.push(key))
    commit('under way')
    await turn()
    commit('waiting')
    const cause = new Error('IO error')
    await expect(store.aside(() => Promise.reject(cause))).rejects.toThrow(cause)
    batches[0]!.done()
    await store.idle()
    commit('later')
    await expect(store.aside(() => Promise.resolve())).rejects.toThrow(cause)
    expect(failed.sort()).toEqual(['later', 'under way', 'waiting'])
    expect(broken).toEqual([cause])
    expect(batches).toHaveLength(1)
  })
})
