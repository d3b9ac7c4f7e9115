import { InstarError, type StateMeta } from '@instar/core'
import { Layer } from '../state/layer.js'
import { toOperations } from '../state/store.js'
import { openDatabase } from './database.js'
import { keep } from './kept-states.js'
import { WholeTables } from './level-table/whole-tables.js'
import { putMeta, readMeta } from './meta.js'

/** Which kept state is to be the object's again, and where. */
export interface RestoreInit {
  /** Of the state database; no host may have it open. */
  readonly directory: string
  /** Which of the states that are kept, by its name. */
  readonly generation: number
  /** Of its class, as the network calls it at that version. */
  readonly className: string
  readonly nowMs: number
  /** What is brought back was not used for long: it is read before. */
  readonly tables?: WholeTables
}

/**
 * Makes a kept state the object's again, in one synced batch; the one that was is kept in its stead. What only simulation objects knew is not
 * part of it. The caller has written down before what it is about to do (start table).
 *
 * @throws InstarError BadInput when there is no such state, StateDamaged, DataDirectoryInUse, DiskFull
 */
export async function restoreState({
  directory,
  generation,
  className,
  nowMs,
  tables = new WholeTables()
}: RestoreInit): Promise<StateMeta> {
  const db = await openDatabase(directory, { tables })
  try {
    const stored = await readMeta(db, directory)
    const chosen = stored?.meta.kept?.find(each => each.generation === generation)
    if (stored === undefined || chosen === undefined)
      throw new InstarError('BadInput', `The state in ${directory} is not kept any more: ask again which are.`)
    const { format, network, current, chainId, revision, spaces, kept = [] } = stored.meta
    const rest = kept.filter(each => each !== chosen)
    const meta: StateMeta = {
      format,
      network,
      current: chosen.current,
      chainId: chosen.chainId,
      revision: chosen.revision,
      generation: stored.meta.generation + 1,
      // What older versions saw is not known of this state: they are not served from it.
      spaces: { object: chosen.spaces.object, past: {}, future: {} },
      kept: rest
    }
    const layer = new Layer()
    const left = { current, chainId, revision, spaces: { object: spaces.object, past: {}, future: {} } }
    putMeta(layer, { className, meta: keep(meta, left, nowMs) })
    await db.batch(toOperations(layer), { sync: true })
    return meta
  } finally {
    await db.close()
  }
}
