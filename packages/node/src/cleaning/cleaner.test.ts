import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeManifest, sha256Hex, type OldState } from '@instar/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createBundleStore, type BundleStore } from '../bundles/bundle-store.js'
import { createCleaner, type Cleaner } from './cleaner.js'

const dayMs = 86_400_000
let root: string
let bundles: BundleStore
let nowMs: number
let states: readonly OldState[]
let told: ReadonlyArray<readonly OldState[]>

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'instar-cleaner-'))
  bundles = createBundleStore({ directory: join(root, 'bundles') })
  await bundles.start()
  nowMs = Date.now()
  states = []
  told = []
})

afterEach(() => rm(root, { recursive: true }))

function cleaner(): Cleaner {
  return createCleaner({
    bundles,
    host: {
      keepStates: stay => {
        if (stay !== 'all') states = states.filter(each => stay.includes(each.generation))
        return Promise.resolve(states)
      }
    },
    paths: { root, bundles: join(root, 'bundles'), scratch: join(root, 'scratch'), state: join(root, 'state') },
    wallMs: () => nowMs,
    log: { info: () => undefined, warn: () => undefined },
    onStates: now => (told = [...told, now])
  })
}

async function put(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text)
  const hash = sha256Hex(bytes)
  const file = { path: 'index.js', bytes: bytes.length, sha256: hash, chunks: [hash] }
  const manifest = encodeManifest({ format: 1, files: [file] })
  return bundles.put(manifest, new Map([['index.js', bytes]]))
}

test('removes a bundle a day after nothing needed it for the first time, across restarts, and forgets the day when it is needed again', async () => {
  const [old, current] = [await put('old'), await put('current')]
  const keep = { bundles: [current], states: 'all' } as const
  const first = await cleaner().clean(keep)
  expect(first).toMatchObject({ removed: [], later: [{ kind: 'bundle', name: old }] })
  nowMs += dayMs - 1
  expect((await cleaner().clean(keep)).removed).toEqual([])
  await cleaner().clean({ ...keep, bundles: [old, current] })
  nowMs += dayMs
  expect((await cleaner().clean(keep)).removed).toEqual([])
  nowMs += dayMs
  expect((await cleaner().look(keep)).removed).toMatchObject([{ name: old }])
  expect(bundles.has(old)).toBe(true)
  expect((await cleaner().clean(keep)).removed).toMatchObject([{ name: old }])
  expect(bundles.list()).toEqual([current])
  expect(await readdir(join(root, 'bundles', '.partial'))).toEqual([])
  expect(await put('old')).toBe(old)
})

test('keeps every bundle where the core is not sure, and one that is asked for while it looks', async () => {
  const old = await put('old')
  await cleaner().clean({ bundles: [], states: 'all' })
  nowMs += dayMs
  expect((await cleaner().clean({ bundles: 'all', states: 'all' })).removed).toEqual([])
  const one = cleaner()
  await one.clean({ bundles: [], states: 'all' })
  nowMs += dayMs
  const cleaning = one.clean({ bundles: [], states: 'all' })
  one.wanted(old)
  expect((await cleaning).removed).toEqual([])
  expect(bundles.has(old)).toBe(true)
})

test('lets go of the old states that the policy does not leave, and tells which are left', async () => {
  const state = (generation: number): OldState => ({ generation, version: 1, chainId: '', sinceMs: 0, bytes: 7 })
  states = [state(3), state(5)]
  const keep = { bundles: 'all', states: [5] } as const
  expect((await cleaner().look(keep)).removed).toMatchObject([{ kind: 'state', bytes: 7 }])
  expect(states).toHaveLength(2)
  expect((await cleaner().clean(keep)).removed).toMatchObject([{ kind: 'state', bytes: 7 }])
  expect(told).toEqual([[state(5)]])
})

test('removes what dead processes left aside, and nothing that is young', async () => {
  await mkdir(join(root, 'scratch', 'rehearsal-old'), { recursive: true })
  await writeFile(join(root, 'journal.new'), 'x')
  await writeFile(join(root, 'config.json'), 'x')
  const keep = { bundles: 'all', states: 'all' } as const
  expect((await cleaner().clean(keep)).removed).toEqual([])
  const old = new Date(Date.now() - 2 * dayMs)
  for (const path of ['scratch/rehearsal-old', 'journal.new', 'config.json']) await utimes(join(root, path), old, old)
  const { removed } = await cleaner().clean(keep)
  expect(removed.map(each => each.name).sort()).toEqual(['journal.new', 'scratch/rehearsal-old'])
  expect(await readdir(root)).toEqual(expect.arrayContaining(['bundles', 'config.json', 'scratch']))
})
