import type { MetaEntry } from './meta-entry.js'

export interface SnapshotMetadata {
  readonly targets: MetaEntry
}
