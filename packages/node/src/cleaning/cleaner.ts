import { lstat, readdir, readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { messageOf, type OldState } from '@instar/core'
import type { Logger } from 'pino'
import type { BundleStore } from '../bundles/bundle-store.js'
import type { HostManager } from '../host/host-manager.js'
import { sizeWithin } from '../store/folder-size.js'
import type { DataPaths } from '../store/data-paths.js'
import { errorCodeOf } from '../store/disk-errors.js'
import { replaceFile } from '../store/durable-file.js'

/** Something on this peer's disk that nothing needs any more. */
interface LeftOver {
  readonly kind: 'bundle' | 'state' | 'file'
  /** A bundle's id; a state's version and since when it is not the object's; a path within the data directory. */
  readonly name: string
  readonly bytes: number
  /** Wall clock when it goes at the earliest; absent: now. */
  readonly fromMs?: number
}

interface Cleaning {
  readonly removed: readonly LeftOver[]
  /** What nothing needs, and is not old enough. */
  readonly later: readonly LeftOver[]
}

/** What must stay, as the core says (`clean`): everything else of these kinds may go. */
interface Keep {
  readonly bundles: readonly string[] | 'all'
  readonly states: readonly number[] | 'all'
}

export interface Cleaner {
  /** Removes what may go. A bundle that {@link wanted} names meanwhile stays. Never rejects: what cannot be removed is left for the next time. */
  clean(keep: Keep): Promise<Cleaning>
  /** What {@link clean} would do now. */
  look(keep: Keep): Promise<Cleaning>
  /** A bundle is asked for: a clean under way leaves it. */
  wanted(bundle: string): void
}

export interface CleanerInit {
  readonly bundles: BundleStore
  readonly host: Pick<HostManager, 'keepStates'>
  readonly paths: Pick<DataPaths, 'root' | 'bundles' | 'scratch' | 'state'>
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

/**
 * Removes what nothing needs any more: bundles, old states (through the host, which has the database), and what killed processes have left
 * aside. What is kept, and why, is the core's decision.
 */
export function createCleaner(init: CleanerInit): Cleaner {
  const { bundles, host, paths, wallMs, log } = init
  const retentionMs = init.retentionMs ?? retentionMsDefault
  const since = createUnneededRecord(join(paths.bundles, '.unneeded'))
  let asked = new Set<string>()

  async function bundlesNow(keep: Keep): Promise<LeftOver[]> {
    if (keep.bundles === 'all') return []
    const needed = new Set(keep.bundles)
    const now = wallMs()
    const known = await since.read()
    const found: LeftOver[] = []
    for (const bundle of await bundles.onDisk()) {
      if (needed.has(bundle)) continue
      // A clock that was set back makes it stay longer, never shorter than it seems.
      const fromMs = (known.get(bundle) ?? now) + retentionMs
      const bytes = await bytesAt(bundles.folderOf(bundle))
      found.push({ kind: 'bundle', name: bundle, bytes, ...(fromMs <= now ? {} : { fromMs }) })
    }
    return found
  }

  async function filesNow(): Promise<LeftOver[]> {
    const aside = await namesIn(
      paths.root,
      name => name.endsWith('.new') || name === `${basename(paths.state)}.warm-up`
    )
    const scratch = await namesIn(paths.scratch, () => true)
    const found: LeftOver[] = []
    for (const path of [...aside, ...scratch]) {
      const fromMs = (await modifiedAt(path)) + asideMsMax
      if (fromMs <= wallMs())
        found.push({ kind: 'file', name: path.slice(paths.root.length + 1), bytes: await bytesAt(path) })
    }
    return found
  }

  async function statesNow(keep: Keep): Promise<LeftOver[]> {
    const states = await host.keepStates('all')
    if (states === undefined || keep.states === 'all') return []
    const { states: stay } = keep
    return states.filter(each => !stay.includes(each.generation)).map(toLeftOver)
  }

  async function look(keep: Keep): Promise<Cleaning> {
    const all = [...(await bundlesNow(keep)), ...(await filesNow()), ...(await statesNow(keep))]
    return {
      removed: all.filter(each => each.fromMs === undefined),
      later: all.filter(each => each.fromMs !== undefined)
    }
  }

  async function remove({ kind, name }: LeftOver): Promise<boolean> {
    try {
      if (kind === 'bundle') {
        if (asked.has(name)) return false
        await bundles.remove(name)
      }
      if (kind === 'file') await rm(join(paths.root, name), { recursive: true, force: true })
      return true
    } catch (thrown) {
      log.warn({ kind, name }, `what nothing needs any more could not be removed: ${messageOf(thrown)}`)
      return false
    }
  }

  async function cleanNow(keep: Keep): Promise<Cleaning> {
    asked = new Set()
    const found = await look(keep)
    await since.write(
      found.later.filter(each => each.kind === 'bundle').map(({ name, fromMs = 0 }) => [name, fromMs - retentionMs])
    )
    const removed: LeftOver[] = []
    for (const each of found.removed) if (await remove(each)) removed.push(each)
    const states = await host.keepStates(keep.states)
    if (states !== undefined) init.onStates(states)
    if (removed.length > 0) {
      const bytes = removed.reduce((sum, each) => sum + each.bytes, 0)
      log.info(
        { bytes, removed: removed.map(each => `${each.kind} ${each.name}`) },
        'removed what nothing needs any more'
      )
    }
    return { removed, later: found.later }
  }

  return {
    look,
    wanted: bundle => void asked.add(bundle),
    clean: keep =>
      cleanNow(keep).catch((thrown: unknown) => {
        log.warn({ err: thrown }, 'what nothing needs any more could not be looked for')
        return { removed: [], later: [] }
      })
  }
}

function toLeftOver({ version, sinceMs, bytes }: OldState): LeftOver {
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
    write: (entries: ReadonlyArray<readonly [string, number]>) =>
      replaceFile(path, new TextEncoder().encode(JSON.stringify(entries)), 0o600)
  }
}

function isEntry(value: unknown): value is [string, number] {
  return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'number'
}

async function bytesAt(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isDirectory() !== true) return found?.size ?? 0
  return (await sizeWithin(path, { left: 100_000 })) ?? 0
}

async function modifiedAt(path: string): Promise<number> {
  return lstat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Infinity
  )
}

async function namesIn(folder: string, isMeant: (name: string) => boolean): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter(isMeant).map(name => join(folder, name))
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return []
    throw thrown
  }
}
