import type { Held } from '../metadata/document.js'
import { compareDocuments, names } from '../metadata/meta-entry.js'
import type { SnapshotMetadata } from '../metadata/snapshot.js'
import type { TargetsMetadata } from '../metadata/targets.js'
import type { TimestampMetadata } from '../metadata/timestamp.js'

type Snapshot = Held<SnapshotMetadata>
type Timestamp = Held<TimestampMetadata>

export interface OnlineRegisters {
  readonly snapshot: Snapshot | undefined
  /** Vouches for the snapshot that is held. */
  readonly timestamp: Timestamp | undefined
  /** Names a snapshot that is not here yet. */
  readonly timestampAhead: Timestamp | undefined
}

/**
 * The snapshot and the timestamps that count beside the given targets (§5). A snapshot behind the register is *dominated*: its signer
 * had not seen a revision that is known here. That is no offence, but it vouches for nothing, and any other replaces it. While there is
 * no other it stays, because its number must not be used again.
 */
export function settleOnline(
  targets: Held<TargetsMetadata> | undefined,
  snapshots: readonly Snapshot[],
  timestamps: readonly Timestamp[]
): OnlineRegisters {
  const dominated = (each: Snapshot) => each.model.targets.version < (targets?.version ?? 0)
  const snapshot = highest(
    snapshots,
    (a, b) =>
      Number(dominated(b)) - Number(dominated(a)) ||
      a.version - b.version ||
      a.model.targets.version - b.model.targets.version ||
      compareDocuments(a, b)
  )
  const vouching = timestamps.filter(each => snapshot !== undefined && names(each.model.snapshot, snapshot))
  const ahead = timestamps.filter(
    each => !vouching.includes(each) && each.model.snapshot.version >= (snapshot?.version ?? 0)
  )
  return {
    snapshot,
    // Not the highest number: fresh until the *latest expiry* among those that vouch for what is held.
    timestamp: highest(vouching, (a, b) => a.expiresMs - b.expiresMs || compareDocuments(a, b)),
    timestampAhead: highest(
      ahead,
      (a, b) => a.model.snapshot.version - b.model.snapshot.version || compareDocuments(a, b)
    )
  }
}

function highest<T>(list: readonly T[], compare: (a: T, b: T) => number): T | undefined {
  return list.reduce<T | undefined>(
    (best, each) => (best === undefined || compare(each, best) > 0 ? each : best),
    undefined
  )
}
