import { lstat, readdir, readFile, rm } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { messageOf, type OldState } from '@instar/core'
import type { Logger } from 'pino'
import type { BundleStore } from '../bundles/bundle-store.js'
import type { HostManager } from '../host/host-manager.js'
import { sizeWithin } from '../store/folder-size.js'
import type { DataPaths } from '../store/data-paths.js'
import { errorCodeOf } from '../store/disk-errors.js'
import { replaceFile } from '../store/durable-file.js'
import type { ScratchFolder } from '../store/scratch-folder.js'

/** Something on this peer's disk that may go, or that stays. */
export interface Found {
  readonly kind: 'bundle' | 'state' | 'file'
  /** A bundle's id; a state's version and since when it is not the object's; a path within the data directory. */
  readonly name: string
  readonly bytes: number
}

/** Something that nothing needs any more. */
export interface LeftOver extends Found {
  /** Of a state. */
  readonly generation?: number
  /** Wall clock when it goes at the earliest; absent: now. */
  readonly fromMs?: number
}

export interface Cleaning {
  readonly removed: readonly LeftOver[]
  /** What nothing needs, and is not old enough. */
  readonly later: readonly LeftOver[]
  /** What nothing needs and could not be removed, each with its cause. */
  readonly failed: ReadonlyArray<LeftOver & { readonly cause: string }>
}

/** What must stay, as the core says (`clean`): everything else of these kinds may go. */
export interface Keep {
  readonly bundles: readonly string[] | 'all'
  readonly states: readonly number[] | 'all'
  /** The operator waits for it: what nothing needs goes now, unless it has only just come. */
  readonly isAsked: boolean
}

export interface Cleaner {
  /**
   * Removes what may go. A bundle that {@link wanted} names meanwhile stays. Never rejects: what cannot be removed is left for the next
   * time.
   */
  clean(keep: Keep): Promise<Cleaning>
  /** What {@link clean} would do now. */
  look(keep: Keep): Promise<Cleaning>
  /** What the next clean that is asked for, and begins after this call, comes to. */
  nextAsked(): Promise<Cleaning>
  /** A bundle is asked for: a clean under way leaves it. */
  wanted(bundle: string): void
}

export interface CleanerInit {
  readonly bundles: BundleStore
  readonly host: Pick<HostManager, 'keepStates'>
  readonly paths: Pick<DataPaths, 'root' | 'bundles' | 'state'>
  readonly scratch: ScratchFolder
  readonly wallMs: () => number
  readonly log: Pick<Logger, 'info' | 'warn'>
  /** What the host still keeps, after every clean. */
  readonly onStates: (states: readonly OldState[]) => void
  /** How long a bundle stays that nothing needs. */
  readonly retentionMs?: number
}

/** §14: a bundle may have been uploaded before its version is known here, and a peer that nobody had heard of may come for it. */
const retentionMsDefault = 86_400_000
/** What is written aside is renamed within seconds; older than this, its writer is dead. */
const asideMsMax = 86_400_000
/** An operator who asks need not wait for days; what came within this time may belong to a version that is being published. */
const youngMs = 3_600_000

/**
 * Removes what nothing needs any more: bundles, old states (through the host, which has the database), and what killed processes have left
 * aside. What is kept, and why, is the core's decision.
 */
export function createCleaner(init: CleanerInit): Cleaner {
  const { bundles, host, paths, scratch, wallMs, log } = init
  const retentionMs = init.retentionMs ?? retentionMsDefault
  const since = createUnneededRecord(join(paths.bundles, '.unneeded'))
  let asked = new Set<string>()
  let waiting: Array<(cleaning: Cleaning) => void> = []

  const goingAt = (fromMs: number): Pick<LeftOver, 'fromMs'> => (fromMs <= wallMs() ? {} : { fromMs })

  async function bundlesNow({ bundles: stay, isAsked }: Keep): Promise<LeftOver[]> {
    if (stay === 'all') return []
    const needed = new Set(stay)
    const known = await since.read()
    const found: LeftOver[] = []
    for (const bundle of await bundles.onDisk()) {
      if (needed.has(bundle)) continue
      const folder = bundles.folderOf(bundle)
      // A clock that was set back makes it stay longer, never shorter than it seems.
      const fromMs = isAsked ? (await lastWrittenMs(folder)) + youngMs : (known.get(bundle) ?? wallMs()) + retentionMs
      found.push({ kind: 'bundle', name: bundle, bytes: await bytesAt(folder), ...goingAt(fromMs) })
    }
    return found
  }

  async function filesNow({ isAsked }: Keep): Promise<LeftOver[]> {
    const found: LeftOver[] = []
    const add = async (path: string, fromMs: number): Promise<void> =>
      void found.push({
        kind: 'file',
        name: relative(paths.root, path),
        bytes: await bytesAt(path),
        ...goingAt(fromMs)
      })
    const isAside = (name: string): boolean => name.endsWith('.new') || name === `${basename(paths.state)}.warm-up`
    for (const path of await pathsIn(paths.root, isAside))
      await add(path, (await lastWrittenMs(path)) + (isAsked ? youngMs : asideMsMax))
    // However old: what is in use is known.
    for (const path of await pathsIn(scratch.directory, name => !scratch.isInUse(name))) await add(path, 0)
    return found
  }

  async function statesNow({ states: stay }: Keep): Promise<LeftOver[]> {
    if (stay === 'all') return []
    const states = (await host.keepStates('all')) ?? []
    return states
      .filter(each => !stay.includes(each.generation))
      .map(each => ({ ...toFound(each), generation: each.generation }))
  }

  async function look(keep: Keep): Promise<Cleaning> {
    const all = [...(await bundlesNow(keep)), ...(await filesNow(keep)), ...(await statesNow(keep))]
    return {
      removed: all.filter(each => each.fromMs === undefined),
      later: all.filter(each => each.fromMs !== undefined),
      failed: []
    }
  }

  /** @returns why it is still there, where it is */
  async function remove({ kind, name }: LeftOver): Promise<string | undefined> {
    try {
      if (kind === 'bundle') {
        if (asked.has(name)) return 'it was asked for meanwhile'
        await bundles.remove(name)
      }
      if (kind === 'file') await rm(join(paths.root, name), { recursive: true, force: true })
      return undefined
    } catch (thrown) {
      log.warn({ kind, name }, `what nothing needs any more could not be removed: ${messageOf(thrown)}`)
      return messageOf(thrown)
    }
  }

  /** The host lets go of old states by itself; what it still names afterwards is still there. */
  async function letGo({ states: stay }: Keep): Promise<(each: LeftOver) => string | undefined> {
    const states = await host.keepStates(stay)
    if (states !== undefined) init.onStates(states)
    const left = new Set<number | undefined>(states?.map(each => each.generation))
    return ({ generation }) =>
      states === undefined || left.has(generation) ? 'its host did not let go of it' : undefined
  }

  async function cleanNow(keep: Keep): Promise<Cleaning> {
    asked = new Set()
    const found = await look(keep)
    await since.remember(found.later, wallMs())
    const removed: LeftOver[] = []
    const failed: Array<Cleaning['failed'][number]> = []
    const ofState = await letGo(keep)
    for (const each of found.removed) {
      const cause = each.kind === 'state' ? ofState(each) : await remove(each)
      if (cause === undefined) removed.push(each)
      else failed.push({ ...each, cause })
    }
    if (removed.length > 0) {
      const bytes = removed.reduce((sum, each) => sum + each.bytes, 0)
      log.info(
        { bytes, removed: removed.map(each => `${each.kind} ${each.name}`) },
        'removed what nothing needs any more'
      )
    }
    return { removed, later: found.later, failed }
  }

  return {
    look,
    wanted: bundle => void asked.add(bundle),
    nextAsked: () => new Promise(resolve => waiting.push(resolve)),
    async clean(keep) {
      const waiters = keep.isAsked ? waiting : []
      if (keep.isAsked) waiting = []
      const cleaning = await cleanNow(keep).catch((thrown: unknown): Cleaning => {
        log.warn({ err: thrown }, 'what nothing needs any more could not be looked for')
        const everything = { kind: 'file', name: '.', bytes: 0, cause: messageOf(thrown) } as const
        return { removed: [], later: [], failed: [everything] }
      })
      for (const tell of waiters) tell(cleaning)
      return cleaning
    }
  }
}

/** An old state by the name that it has for people. */
export function toFound({ version, sinceMs, bytes }: OldState): Found {
  return { kind: 'state', name: `version ${version}, left at ${new Date(sinceMs).toISOString()}`, bytes }
}

/** Since when nothing needs a bundle: a small file, so that a restart does not begin to wait anew. What it lost only stays longer. */
function createUnneededRecord(path: string) {
  return {
    async read(): Promise<ReadonlyMap<string, number>> {
      const text = await readFile(path, 'utf8').catch(() => '[]')
      try {
        const parsed: unknown = JSON.parse(text)
        const entries = Array.isArray(parsed) ? (parsed as unknown[]) : []
        return new Map(entries.filter(isEntry))
      } catch {
        return new Map()
      }
    },
    /** Of these, since when nothing needs them: since now, unless it was so before. */
    async remember(found: readonly LeftOver[], nowMs: number): Promise<void> {
      const known = await this.read()
      const entries = found.flatMap(({ kind, name }) =>
        kind === 'bundle' ? [[name, known.get(name) ?? nowMs] as const] : []
      )
      await replaceFile(path, new TextEncoder().encode(JSON.stringify(entries)), 0o600)
    }
  }
}

function isEntry(value: unknown): value is [string, number] {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'number'
}

export async function bytesAt(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isDirectory() !== true) return found?.size ?? 0
  return (await sizeWithin(path, { left: 100_000 })) ?? 0
}

/** When anything in it was written last, two levels deep: as deep as what is being made is laid out. Gone meanwhile: never. */
async function lastWrittenMs(path: string, depth = 2): Promise<number> {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return Infinity
  if (!found.isDirectory() || depth === 0) return found.mtimeMs
  const inside = await Promise.all((await pathsIn(path, () => true)).map(each => lastWrittenMs(each, depth - 1)))
  return Math.max(found.mtimeMs, ...inside.filter(Number.isFinite))
}

export async function pathsIn(folder: string, isMeant: (name: string) => boolean): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter(isMeant).map(name => join(folder, name))
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return []
    throw thrown
  }
}
