import { setTimeout as wait } from 'node:timers/promises'
import { InstarError, type FoundState } from '@instar/core'
import { readStateMeta, type WholeTables } from '@instar/simulator-runtime/host'

const tries = 100
const pauseMs = 100

/**
 * The version that the state of a peer names (§10), asked before its first host starts; undefined where there is no state yet. A host of
 * the boot before may still be closing the database: it ends by itself when it notices that its peer is gone, and is given ten seconds.
 * Reads all of its tables that are not known to be whole: what LevelDB makes of one that has changed is no state of this peer's.
 *
 * @throws InstarError StateDamaged, DataDirectoryInUse, DiskFull
 */
export async function readStateVersion(directory: string, tables: WholeTables): Promise<FoundState | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      const meta = await readStateMeta(directory, tables)
      if (meta === undefined) return undefined
      const { current: version, chainId, walked } = meta
      return { version, chainId, ...(walked === undefined ? {} : { walkedTo: walked.meta.current }) }
    } catch (thrown) {
      const held = thrown instanceof InstarError && thrown.code === 'DataDirectoryInUse'
      if (!held || attempt === tries) throw thrown
      await wait(pauseMs)
    }
  }
}
