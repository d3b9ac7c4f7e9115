import { Timestamp } from '@tufjs/models'
import { field, type JsonObject } from './canonical.js'
import { readMetaEntry, type MetaEntry } from './meta-entry.js'
import { assertSame } from './model.js'

export interface TimestampMetadata {
  readonly snapshot: MetaEntry
}

/** @throws TypeError when the body is no timestamp metadata */
export function readTimestamp(signed: JsonObject): TimestampMetadata {
  assertSame(Timestamp.fromJSON(signed as Parameters<typeof Timestamp.fromJSON>[0]).toJSON(), signed)
  return { snapshot: readMetaEntry(field(signed, 'meta'), 'snapshot.json') }
}
