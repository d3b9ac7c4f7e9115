import { invariant, type StateMeta } from '@instar/core'
import type { Lane } from '../call/lane.js'
import { rest, restFactor } from '../build/rest.js'
import { openDatabase } from '../open/database.js'
import { markDirectory, putMeta, readMeta } from '../open/meta.js'
import { prefixOf } from '../open/spaces.js'
import { Layer, toBytes } from '../state/layer.js'
import type { Database, Snapshot } from '../state/merged-entries.js'
import { toOperations, type Store } from '../state/store.js'
import { afterPrefix } from '../state/view.js'
import { copyDirectories } from './copy-directories.js'
import type { Pace } from './pace.js'

export interface CopyInit {
  readonly store: Store
  readonly lane: Lane
  /** Where the state is, and where its copy is to be, which is nothing yet. */
  readonly from: string
  readonly to: string
  /** Grows with every call: while nobody calls, the copy takes what time there is. */
  readonly calls: () => number
  readonly signal: AbortSignal
  readonly onProgress: (progress: CopyProgress) => void
}

/** How much of a state has been copied. */
export interface CopyProgress {
  readonly entries: number
  readonly files: number
  readonly bytes: number
}

/** A state as it was at one moment, under a directory of its own. */
export interface CopiedState extends CopyProgress {
  readonly meta: StateMeta
}

/** So much is read and written between two looks at who calls. */
const entriesAtOnce = 256
const bytesAtOnce = 128 * 1024

/**
 * Copies the state of whatever serves here, as it is at one moment, while calls go on: from one snapshot in small parts with pauses, as a
 * state is built beside (§8). Files cannot be had so: they are copied until few have changed meanwhile, and those in a moment without
 * commands. What calls have left for others and for their repetition stays behind: a copy serves nobody.
 */
export async function copyState(init: CopyInit): Promise<CopiedState> {
  const { store, lane, signal } = init
  const progress = { entries: 0, files: 0, bytes: 0 }
  const pace: Pace = {
    signal,
    beside: async work => {
      signal.throwIfAborted()
      const before = init.calls()
      const begun = performance.now()
      await work()
      init.onProgress({ ...progress })
      await rest(performance.now() - begun, init.calls() === before ? 0 : restFactor)
      signal.throwIfAborted()
    }
  }
  const stored = await readMeta(store.db, init.from)
  invariant(stored !== undefined, 'only an open state is copied')
  const copy = await openDatabase(init.to)
  let snapshot: Snapshot | undefined
  try {
    const files = await copyDirectories({ ...init, pace, progress, spaces: namesOf(stored.meta.spaces) })
    // A moment without commands is needed for files only: a snapshot shows no half of a batch.
    snapshot = files === undefined ? store.db.snapshot() : await lane.alone(() => atOnce(init, files))
    const taken = await readMeta(store.db, init.from, snapshot)
    invariant(taken !== undefined, 'a state does not lose its record')
    await copyEntries({ db: store.db, snapshot, copy, pace, progress }, taken.meta)
    // Their states stay behind.
    const { before: _before, prepared: _prepared, kept: _kept, walked: _walked, ...meta } = taken.meta
    const record = new Layer()
    putMeta(record, { className: taken.className, meta })
    await copy.batch(toOperations(record), { sync: true })
    await markDirectory(init.to)
    return { ...progress, meta }
  } finally {
    await snapshot?.close()
    await copy.close()
  }
}

async function atOnce({ store, signal }: CopyInit, lastFiles: () => Promise<void>): Promise<Snapshot> {
  signal.throwIfAborted()
  await store.idle()
  await lastFiles()
  return store.db.snapshot()
}

function namesOf({ object, past, future }: StateMeta['spaces']): readonly string[] {
  return [...new Set([object, ...Object.values(past), ...Object.values(future)])].sort()
}

interface EntriesCopy {
  readonly db: Database
  readonly snapshot: Snapshot
  readonly copy: Database
  readonly pace: Pace
  readonly progress: { entries: number; bytes: number }
}

/** In the order of keys, which spares the copy every compaction. */
async function copyEntries({ db, snapshot, copy, pace, progress }: EntriesCopy, { spaces }: StateMeta): Promise<void> {
  for (const space of namesOf(spaces)) {
    const prefix = prefixOf(space)
    const range = { gte: toBytes(prefix), lt: toBytes(afterPrefix(prefix)) }
    const iterator = db.iterator({ ...range, snapshot, highWaterMarkBytes: bytesAtOnce } as typeof range)
    try {
      let count = entriesAtOnce
      while (count > 0) {
        await pace.beside(async () => {
          const part = await iterator.nextv(entriesAtOnce)
          count = part.length
          if (count > 0) await copy.batch(part.map(([key, value]) => ({ type: 'put', key, value })))
          progress.entries += count
          for (const [key, value] of part) progress.bytes += key.byteLength + value.byteLength
        })
      }
    } finally {
      await iterator.close()
    }
  }
}
