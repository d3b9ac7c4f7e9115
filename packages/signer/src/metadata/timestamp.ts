import type { MetaEntry } from './meta-entry.js'

export interface TimestampMetadata {
  readonly snapshot: MetaEntry
}
