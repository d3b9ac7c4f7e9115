import { readFile, statfs } from 'node:fs/promises'
import { freemem } from 'node:os'
import { dirname, join } from 'node:path'
import type { MachineFacts } from '@instar/core'
import type { Logger } from 'pino'
import { errorCodeOf } from '../store/disk-errors.js'
import type { StateSize } from './state-size.js'

export interface MachineInit {
  /** The disk that is asked for its free space. */
  readonly directory: string
  readonly stateSize: Pick<StateSize, 'measureNow'>
  readonly log: Pick<Logger, 'warn'>
  /** Where the kernel tells of control groups; elsewhere in tests. */
  readonly system?: { readonly proc: string; readonly cgroup: string }
}

/** Measures what the machine has for an upgrade (preflight). What cannot be measured is left out; never rejects. */
export async function measureMachine({ directory, stateSize, log, system }: MachineInit): Promise<MachineFacts> {
  const known = async (what: string, measure: () => Promise<number | undefined>): Promise<number | undefined> => {
    try {
      return await measure()
    } catch (error) {
      log.warn({ err: error }, `${what} cannot be measured, so no upgrade is held back for it`)
      return undefined
    }
  }
  const [freeDiskBytes, stateBytes, freeMemoryBytes] = await Promise.all([
    known('the free disk', async () => {
      // What is kept for the superuser is not free to a peer.
      const { bavail, bsize } = await statfs(directory)
      return bavail * bsize
    }),
    known('the size of the state', () => stateSize.measureNow()),
    known('the free memory', async () => Math.min(freemem(), await freeInGroup(system)))
  ])
  return {
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    ...(freeDiskBytes === undefined ? {} : { freeDiskBytes }),
    ...(stateBytes === undefined ? {} : { stateBytes }),
    ...(freeMemoryBytes === undefined ? {} : { freeMemoryBytes })
  }
}

/**
 * What the control groups of this process leave it, the tightest of them; Infinity where none limits it (version 2 of control groups only).
 * The cache of files counts as used there, and the kernel gives it up when somebody needs it: it is free here. `process.availableMemory`
 * does not say so, and finds no memory in a container that has only read files for long enough.
 */
async function freeInGroup(system = { proc: '/proc', cgroup: '/sys/fs/cgroup' }): Promise<number> {
  const own = await readText(join(system.proc, 'self/cgroup'))
  const path = own === undefined ? undefined : /^0::(\/.*)$/m.exec(own)?.[1]
  if (path === undefined) return Infinity
  let free = Infinity
  for (let group = path; ; group = dirname(group)) {
    free = Math.min(free, await freeIn(join(system.cgroup, group)))
    if (group === '/') return free
  }
}

async function freeIn(folder: string): Promise<number> {
  const limit = Number(await readText(join(folder, 'memory.max')))
  const used = Number(await readText(join(folder, 'memory.current')))
  // `max` is no number, and where a file is missing nothing is limited.
  if (!Number.isFinite(limit) || !Number.isFinite(used)) return Infinity
  const stat = (await readText(join(folder, 'memory.stat'))) ?? ''
  const cached = [/^active_file (\d+)$/m, /^inactive_file (\d+)$/m].map(each => Number(each.exec(stat)?.[1] ?? 0))
  return Math.max(0, limit - used + cached.reduce((sum, each) => sum + each, 0))
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    // Another operating system, another version of control groups, or the root of them, which has no limit.
    if (errorCodeOf(thrown) === 'ENOENT' || errorCodeOf(thrown) === 'EACCES') return undefined
    throw thrown
  }
}
