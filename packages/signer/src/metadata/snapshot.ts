import { Snapshot } from '@tufjs/models'
import { field, type JsonObject } from './canonical.js'
import { readMetaEntry, type MetaEntry } from './meta-entry.js'
import { assertSame } from './model.js'

export interface SnapshotMetadata {
  readonly targets: MetaEntry
}

/** @throws TypeError when the body is no snapshot metadata */
export function readSnapshot(signed: JsonObject): SnapshotMetadata {
  assertSame(Snapshot.fromJSON(signed as Parameters<typeof Snapshot.fromJSON>[0]).toJSON(), signed)
  return { targets: readMetaEntry(field(signed, 'meta'), 'targets.json') }
}
