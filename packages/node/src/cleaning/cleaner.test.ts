import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { encodeManifest, sha256Hex, type OldState } from '@instar/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createBundleStore, type BundleStore } from '../bundles/bundle-store.js'
import { createScratchFolder, type ScratchFolder } from '../store/scratch-folder.js'
import { createCleaner, type Cleaner } from './cleaner.js'

const dayMs = 86_400_000
let root: string
let bundles: BundleStore
let nowMs: number
let states: readonly OldState[]
let told: ReadonlyArray<readonly OldState[]>
let scratch: ScratchFolder
let holdsOn: boolean

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'instar-cleaner-'))
  bundles = createBundleStore({ directory: join(root, 'bundles') })
  await bundles.start()
  nowMs = Date.now()
  states = []
  told = []
  holdsOn = false
  scratch = createScratchFolder(join(root, 'scratch'))
  await mkdir(scratch.directory)
})

afterEach(() => rm(root, { recursive: true }))

function cleaner(): Cleaner {
  return createCleaner({
    bundles,
    host: {
      keepStates: stay => {
        if (stay !== 'all' && !holdsOn) states = states.filter(each => stay.includes(each.generation))
        return Promise.resolve(states)
      }
    },
    paths: { root, bundles: join(root, 'bundles'), state: join(root, 'state') },
    scratch,
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
  const keep = { bundles: [current], states: 'all', isAsked: false } as const
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
  await cleaner().clean({ bundles: [], states: 'all', isAsked: false })
  nowMs += dayMs
  expect((await cleaner().clean({ bundles: 'all', states: 'all', isAsked: false })).removed).toEqual([])
  const one = cleaner()
  await one.clean({ bundles: [], states: 'all', isAsked: false })
  nowMs += dayMs
  const cleaning = one.clean({ bundles: [], states: 'all', isAsked: false })
  one.wanted(old)
  expect((await cleaning).removed).toEqual([])
  expect(bundles.has(old)).toBe(true)
})

test('lets go of the old states that the policy does not leave, and tells which are left', async () => {
  const state = (generation: number): OldState => ({ generation, version: 1, chainId: '', sinceMs: 0, bytes: 7 })
  states = [state(3), state(5)]
  const keep = { bundles: 'all', states: [5], isAsked: false } as const
  expect((await cleaner().look(keep)).removed).toMatchObject([{ kind: 'state', bytes: 7 }])
  expect(states).toHaveLength(2)
  expect((await cleaner().clean(keep)).removed).toMatchObject([{ kind: 'state', bytes: 7 }])
  expect(told).toEqual([[state(5)]])
})

test('says of an old state that its host does not let go of that it is still there', async () => {
  states = [{ generation: 3, version: 1, chainId: '', sinceMs: 0, bytes: 7 }]
  holdsOn = true
  const { removed, failed } = await cleaner().clean({ bundles: 'all', states: [], isAsked: false })
  expect(removed).toEqual([])
  expect(failed).toMatchObject([{ kind: 'state', cause: 'its host did not let go of it' }])
})

test('removes what dead processes left aside, and nothing that is young', async () => {
  await writeFile(join(root, 'journal.new'), 'x')
  await writeFile(join(root, 'config.json'), 'x')
  const keep = { bundles: 'all', states: 'all', isAsked: false } as const
  expect((await cleaner().clean(keep)).removed).toEqual([])
  const old = new Date(Date.now() - 2 * dayMs)
  for (const path of ['journal.new', 'config.json']) await utimes(join(root, path), old, old)
  expect((await cleaner().clean(keep)).removed.map(each => each.name)).toEqual(['journal.new'])
  expect(await readdir(root)).toEqual(expect.arrayContaining(['bundles', 'config.json', 'scratch']))
})

test('leaves a trial that lasts for days where it is, and removes what a trial that is over has left', async () => {
  const [long, over] = [await scratch.make('copy-'), join(scratch.directory, 'rehearsal-over')]
  await mkdir(over)
  const old = new Date(Date.now() - 2 * dayMs)
  await utimes(long, old, old)
  const keep = { bundles: 'all', states: 'all', isAsked: false } as const
  expect((await cleaner().clean(keep)).removed.map(each => each.name)).toEqual(['scratch/rehearsal-over'])
  expect(await readdir(scratch.directory)).toEqual([basename(long)])
  await scratch.remove(long)
  expect(await readdir(scratch.directory)).toEqual([])
})

test('where an operator asks, waits a day for nothing, but leaves what has only just come', async () => {
  const [old, young] = [await put('old'), await put('young')]
  const before = new Date(Date.now() - 2 * 3_600_000)
  const folder = bundles.folderOf(old)
  for (const path of [folder, ...(await readdir(folder, { recursive: true })).map(each => join(folder, each))])
    await utimes(path, before, before)
  const keep = { bundles: [], states: 'all', isAsked: true } as const
  const one = cleaner()
  const waiting = one.nextAsked()
  // A scheduled one is not what the operator waits for.
  expect((await one.clean({ ...keep, isAsked: false })).removed).toEqual([])
  const cleaned = await one.clean(keep)
  expect(cleaned).toMatchObject({ removed: [{ name: old }], later: [{ name: young }] })
  expect(await waiting).toBe(cleaned)
  expect(bundles.list()).toEqual([young])
})
