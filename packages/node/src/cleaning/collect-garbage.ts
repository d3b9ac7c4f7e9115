import { relative } from 'node:path'
import {
  durationWords,
  effectivePolicy,
  InstarError,
  whatStays,
  whyNotCleaned,
  type Fact,
  type PeerState,
  type Staying
} from '@instar/core'
import type { BundleStore } from '../bundles/bundle-store.js'
import type { Garbage, GarbageReport } from '../control/peer-control.js'
import type { HostManager } from '../host/host-manager.js'
import type { DataPaths } from '../store/data-paths.js'
import type { ScratchFolder } from '../store/scratch-folder.js'
import { bytesAt, pathsIn, toFound, type Cleaner, type Found, type LeftOver } from './cleaner.js'

/** Cleaning at an operator's word, and what there is to say about it. */
export interface GarbageCollection {
  /** @throws InstarError BadInput while nothing can be cleaned; Stopped when `signal` fires first, which ends only the waiting */
  collect(options: { readonly dryRun: boolean }, signal: AbortSignal): Promise<GarbageReport>
}

export interface GarbageCollectionInit {
  readonly state: () => Readonly<PeerState>
  readonly input: (fact: Fact) => void
  readonly cleaner: Cleaner
  readonly bundles: Pick<BundleStore, 'onDisk' | 'folderOf'>
  readonly host: Pick<HostManager, 'keepStates'>
  readonly paths: Pick<DataPaths, 'root' | 'aside'>
  readonly scratch: ScratchFolder
  readonly wallMs: () => number
  readonly monoMs: () => number
}

export function createGarbageCollection(init: GarbageCollectionInit): GarbageCollection {
  const { state, input, cleaner, wallMs, monoMs } = init

  return {
    async collect({ dryRun }, signal) {
      const obstacle = whyNotCleaned(state())
      if (obstacle !== undefined)
        throw new InstarError('BadInput', `Nothing can be cleaned now: ${obstacle}. Try again when that has ended.`)
      const stays = whatStays(state(), { wallMs: wallMs(), monoMs: monoMs() })
      const { bundles } = stays.bundles
      const keep = { bundles: bundles === 'all' ? bundles : [...bundles], states: stays.states, isAsked: true }
      if (dryRun) return report(init, stays, true, await cleaner.look(keep))
      const cleaned = cleaner.nextAsked()
      input({ fact: 'clean' })
      return report(init, stays, false, await orGone(cleaned, signal))
    }
  }
}

async function orGone<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  const gone = Promise.withResolvers<never>()
  const leave = (): void =>
    gone.reject(new InstarError('Stopped', 'Nobody waits for the cleaning any more; it goes on by itself.'))
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  try {
    return await Promise.race([result, gone.promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

type Cleaned = Awaited<ReturnType<Cleaner['look']>>

async function report(
  init: GarbageCollectionInit,
  stays: Staying,
  dryRun: boolean,
  { removed, later, failed }: Cleaned
): Promise<GarbageReport> {
  const state = init.state()
  const why = (each: Found): Garbage => ({
    kind: each.kind,
    name: each.name,
    bytes: each.bytes,
    because: whyUnneeded(state, each)
  })
  const going = new Set([...removed, ...later, ...failed].map(each => each.name))
  return {
    dryRun,
    removed: removed.map(why),
    later: later.map(each => toLater(each, state)),
    failed: failed.map(each => ({ ...why(each), because: each.cause })),
    kept: [...(await keptBundles(init, stays, going)), ...(await keptStates(init, going)), ...(await keptFiles(init))]
  }
}

function toLater(
  { kind, name, bytes, fromMs = 0 }: LeftOver,
  state: Readonly<PeerState>
): GarbageReport['later'][number] {
  const young =
    kind === 'bundle'
      ? 'and it came less than an hour ago, so that a version which is being published may name it'
      : 'and it was written less than an hour ago'
  const from = new Date(fromMs).toISOString()
  return { kind, name, bytes, because: `${whyUnneeded(state, { kind, name, bytes })}, ${young}`, from }
}

function whyUnneeded(state: Readonly<PeerState>, { kind, name }: Found): string {
  if (kind === 'file') return 'a process that has ended left it'
  if (kind === 'state')
    return `the policy keeps old states for ${durationWords(effectivePolicy(state).oldStates.keepMs)}, as many as fit`
  const named = [...state.log, ...state.trusted].flatMap(({ version, descriptor }) =>
    descriptor.classes
      .filter(each => each.bundle === name)
      .map(({ newClass }) => `the ${newClass} of version ${version}`)
  )
  const [first] = named
  return first === undefined ? 'no version that is known here names it' : `nobody who counts may need ${first} any more`
}

async function keptBundles(
  init: GarbageCollectionInit,
  { bundles }: Staying,
  going: ReadonlySet<string>
): Promise<Garbage[]> {
  const kept = (await init.bundles.onDisk()).filter(each => !going.has(each))
  if (kept.length === 0) return []
  let bytes = 0
  for (const each of kept) bytes += await bytesAt(init.bundles.folderOf(each))
  const name = kept.length === 1 ? '1 bundle' : `${kept.length} bundles`
  return [{ kind: 'bundle', name, bytes, because: bundles.because }]
}

async function keptStates({ host, state }: GarbageCollectionInit, going: ReadonlySet<string>): Promise<Garbage[]> {
  const states = await host.keepStates('all')
  if (states === undefined)
    return [{ kind: 'state', name: 'old states', bytes: 0, because: 'no host serves that could say which there are' }]
  const { keepMs } = effectivePolicy(state()).oldStates
  return states
    .map(each => ({ ...toFound(each), because: `the policy keeps it until ${toTime(each.sinceMs + keepMs)}` }))
    .filter(({ name }) => !going.has(name))
}

async function keptFiles({ paths, scratch }: GarbageCollectionInit): Promise<Garbage[]> {
  const kept: Garbage[] = []
  const add = async (path: string, because: string): Promise<void> =>
    void kept.push({ kind: 'file', name: relative(paths.root, path), bytes: await bytesAt(path), because })
  for (const path of await pathsIn(paths.aside, () => true))
    await add(path, '`instar peer reset` has moved it aside; delete it by hand when nobody wants it back')
  for (const path of await pathsIn(scratch.directory, name => scratch.isInUse(name)))
    await add(path, 'a rehearsal uses it')
  return kept
}

function toTime(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
