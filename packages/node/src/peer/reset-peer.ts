import { access, mkdir, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { InstarError } from '@instar/core'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { toRecord } from '../engine/engine.js'
import { openDataDirectory } from '../store/data-directory.js'
import { dataPaths } from '../store/data-paths.js'
import { errorCodeOf, onDisk } from '../store/disk-errors.js'
import { syncDirectory } from '../store/durable-file.js'
import { openJournal } from '../store/journal.js'

export interface PeerReset {
  readonly peer: string
  /** Where the old state and journal lie now. */
  readonly aside: string
  /** What was moved there, by name. */
  readonly moved: readonly string[]
  /** It waits for a neighbour before it begins; otherwise nobody else is known, and it begins at version 1. */
  readonly joinsAsNewcomer: boolean
}

export interface ResetInit {
  readonly dataDirectory: string
  readonly now?: () => number
}

/**
 * Lets the peer of a data directory begin anew (§6): its object's state and its journal are moved aside, never deleted; its identity, what
 * it trusts, its bundles and its audit log stay. The peer must not run. Killed at any moment, it can be asked for again.
 *
 * @throws InstarError BadInput when there is no peer, DataDirectoryInUse, DataDirectoryDamaged, KeyUnsafe, DiskFull
 */
export async function resetPeer({ dataDirectory, now = Date.now }: ResetInit): Promise<PeerReset> {
  const { identityKey } = dataPaths(dataDirectory)
  if (!(await isThere(identityKey))) {
    throw new InstarError(
      'BadInput',
      `${dataDirectory} holds no peer that has ever started: there is nothing to reset.`
    )
  }
  const directory = await openDataDirectory(dataDirectory, { now })
  try {
    const { paths, store, audit, identity } = directory
    const at = new Date(now())
    const aside = join(paths.aside, at.toISOString().replaceAll(':', '-'))
    const moved: string[] = []
    await onDisk(aside, async () => {
      await mkdir(aside, { recursive: true, mode: 0o700 })
      // The state first: a journal without its state is refused at a start, and says so; so is what a kill leaves here.
      for (const path of [paths.state, paths.journal]) if (await moveInto(aside, path)) moved.push(basename(path))
      await syncDirectory(aside)
      await syncDirectory(paths.root)
    })
    const joinsAsNewcomer = (await store.readKnownPeers()).length > 0
    if (joinsAsNewcomer) {
      const journal = await openJournal(paths.journal)
      try {
        await journal.append([toRecord({ type: 'reset', atMs: at.getTime() })])
      } finally {
        await journal.close()
      }
    }
    await audit.append({ event: 'reset', aside, moved })
    return { peer: peerIdFromPrivateKey(identity).toString(), aside, moved, joinsAsNewcomer }
  } finally {
    await directory.close()
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  )
}

/** @returns whether there was anything to move */
async function moveInto(folder: string, path: string): Promise<boolean> {
  try {
    await rename(path, join(folder, basename(path)))
    return true
  } catch (thrown) {
    if (errorCodeOf(thrown) === 'ENOENT') return false
    throw thrown
  }
}
