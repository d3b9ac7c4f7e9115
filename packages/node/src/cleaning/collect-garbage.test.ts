import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPeerState, defaultPolicy, defaultTiming, type Fact, type PeerState } from '@instar/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createScratchFolder } from '../store/scratch-folder.js'
import type { Cleaning, Keep } from './cleaner.js'
import { createGarbageCollection } from './collect-garbage.js'

let root: string
let state: PeerState
let facts: Fact[]
let kept: Keep | undefined
let end: (cleaning: Cleaning) => void

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'instar-gc-'))
  await mkdir(join(root, 'scratch'))
  facts = []
  kept = undefined
  state = createPeerState({
    ...{ peer: 'p', className: 'Counter', groups: [], instar: '1', alone: true, archive: true },
    ...{ timing: defaultTiming, policy: defaultPolicy }
  })
  Object.assign(state, { started: true, lineage: { className: 'Counter', since: 1 } })
})
afterEach(() => rm(root, { recursive: true }))

const bundle = 'a'.repeat(64)
const oldState = { generation: 3, version: 1, chainId: '', sinceMs: 0, bytes: 7 }

function collection() {
  const cleaned = new Promise<Cleaning>(resolve => (end = resolve))
  return createGarbageCollection({
    state: () => state,
    input: fact => facts.push(fact),
    cleaner: {
      look: async keep => {
        kept = keep
        return { removed: [{ kind: 'bundle', name: 'b'.repeat(64), bytes: 5 }], later: [], failed: [] }
      },
      clean: () => cleaned,
      nextAsked: () => cleaned,
      wanted: () => undefined
    },
    bundles: { onDisk: async () => [bundle], folderOf: id => join(root, id) },
    host: { keepStates: async () => [oldState] },
    paths: { root, aside: join(root, 'aside') },
    scratch: createScratchFolder(join(root, 'scratch')),
    wallMs: () => 0,
    monoMs: () => 0
  })
}

const here = new AbortController().signal

test('says what would be removed and asks for nothing, and what stays and why', async () => {
  await mkdir(join(root, 'aside', 'reset'), { recursive: true })
  await writeFile(join(root, 'aside', 'reset', 'journal'), '12345')
  const report = await collection().collect({ dryRun: true }, here)
  expect(facts).toEqual([])
  expect(kept).toEqual({ bundles: 'all', states: 'all', isAsked: true })
  expect(report).toMatchObject({
    dryRun: true,
    removed: [{ kind: 'bundle', because: 'no version that is known here names it' }],
    kept: [
      { name: '1 bundle', because: expect.stringContaining('not compared') as unknown },
      { name: /version 1, left at 1970/, because: 'the policy keeps it until 1970-01-08T00:00:00.000Z' },
      { name: 'aside/reset', bytes: 5, because: expect.stringContaining('peer reset') as unknown }
    ].map(each => ({ ...each, name: expect.stringMatching(each.name) as unknown }))
  })
})

test('asks the core, and answers when that has been done', async () => {
  const asked = collection().collect({ dryRun: false }, here)
  expect(facts).toEqual([{ fact: 'clean' }])
  const failed = { kind: 'state', name: 'version 1', bytes: 7, cause: 'no' } as const
  end({ removed: [], later: [{ kind: 'bundle', name: 'c', bytes: 1, fromMs: 1000 }], failed: [failed] })
  expect(await asked).toMatchObject({
    dryRun: false,
    later: [{ from: '1970-01-01T00:00:01.000Z', because: expect.stringContaining('less than an hour ago') as unknown }],
    failed: [{ because: 'no' }]
  })
})

test('refuses while the host is being switched, and waits no longer than whoever asked', async () => {
  const gone = new AbortController()
  const asked = collection().collect({ dryRun: false }, gone.signal)
  gone.abort()
  await expect(asked).rejects.toMatchObject({ code: 'Stopped' })
  Object.assign(state.host, { switching: {} })
  await expect(collection().collect({ dryRun: true }, here)).rejects.toMatchObject({
    ...{ code: 'BadInput', message: expect.stringContaining('its host is being switched') as unknown }
  })
})
