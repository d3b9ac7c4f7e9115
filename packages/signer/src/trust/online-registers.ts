import type { AdmissionMetadata } from '../metadata/admission.js'
import { delegatedRoles, type Held } from '../metadata/document.js'
import type { HaltMetadata } from '../metadata/halt.js'
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

/** The registers that a snapshot vouches for (§5). */
export interface NamedRegisters {
  readonly targets: Held<TargetsMetadata> | undefined
  readonly halt: Held<HaltMetadata> | undefined
  readonly admission: Held<AdmissionMetadata> | undefined
}

/**
 * The snapshot and the timestamps that count beside the given registers (§5). A snapshot behind any of them is *dominated*: its signer
 * had not seen a document that is known here. That is no offence, but it vouches for nothing, and any other replaces it. While there is
 * no other it stays, because its number must not be used again.
 */
export function settleOnline(
  registers: NamedRegisters,
  snapshots: readonly Snapshot[],
  timestamps: readonly Timestamp[]
): OnlineRegisters {
  const dominated = (each: Snapshot) => isDominated(each, registers)
  const snapshot = highest(
    snapshots,
    (a, b) =>
      Number(dominated(b)) - Number(dominated(a)) ||
      a.version - b.version ||
      a.model.targets.version - b.model.targets.version ||
      numberIn(a, 'halt') - numberIn(b, 'halt') ||
      numberIn(a, 'admission') - numberIn(b, 'admission') ||
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

/** Of a delegated role that the snapshot does not name: 0. */
function numberIn({ model }: Snapshot, role: RegisterRole): number {
  return model[role]?.version ?? 0
}

/** Whether it lies behind some register. */
export function isDominated(snapshot: Snapshot, registers: NamedRegisters): boolean {
  return registerRoles.some(role => numberIn(snapshot, role) < (activeOf(registers, role)?.version ?? 0))
}

/** The registers of which it names a higher document than is held. */
export function namesAbsent(snapshot: Snapshot, registers: NamedRegisters): readonly RegisterRole[] {
  return registerRoles.filter(role => numberIn(snapshot, role) > (activeOf(registers, role)?.version ?? 0))
}

/** Whether the snapshot names the very documents that are held, all of them. */
export function namesAll({ model }: Snapshot, registers: NamedRegisters): boolean {
  return registerRoles.every(role => {
    const [entry, held] = [model[role], activeOf(registers, role)]
    return entry === undefined || held === undefined ? entry === undefined && held === undefined : names(entry, held)
  })
}

/** The monotone registers below the root, in feeding order. */
export const registerRoles = ['targets', ...delegatedRoles] as const
type RegisterRole = (typeof registerRoles)[number]

/** A delegated register counts only beside the targets that delegate it. */
export function activeOf(
  registers: NamedRegisters,
  role: RegisterRole
): Held<TargetsMetadata> | Held<HaltMetadata> | Held<AdmissionMetadata> | undefined {
  return registers.targets === undefined ? undefined : registers[role]
}

function highest<T>(list: readonly T[], compare: (a: T, b: T) => number): T | undefined {
  return list.reduce<T | undefined>(
    (best, each) => (best === undefined || compare(each, best) > 0 ? each : best),
    undefined
  )
}
