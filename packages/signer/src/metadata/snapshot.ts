import { Snapshot } from '@tufjs/models'
import { field, isObject, type JsonObject } from './canonical.js'
import type { DelegatedRole } from './document.js'
import { readMetaEntry, type MetaEntry } from './meta-entry.js'
import { assertSame } from './model.js'

/** What a snapshot names, register by register; one of a delegated role only where there was a document. */
export interface SnapshotMetadata extends Readonly<Partial<Record<DelegatedRole, MetaEntry>>> {
  readonly targets: MetaEntry
}

/** @throws TypeError when the body is no snapshot metadata */
export function readSnapshot(signed: JsonObject): SnapshotMetadata {
  assertSame(Snapshot.fromJSON(signed as Parameters<typeof Snapshot.fromJSON>[0]).toJSON(), signed)
  const meta = field(signed, 'meta')
  const delegated = (role: DelegatedRole) =>
    isObject(meta) && Object.hasOwn(meta, `${role}.json`) ? { [role]: readMetaEntry(meta, `${role}.json`) } : {}
  return { targets: readMetaEntry(meta, 'targets.json'), ...delegated('halt'), ...delegated('admission') }
}
