import type { MaintenanceWindow } from '../gates/maintenance-window.js'
import type { PeerState } from './state.js'
import type { Turn } from './turn.js'

/**
 * What the operator of a peer allows it, whatever version comes: from its configuration file, and said at run time. It stands above the
 * schedule and its deadline, and below halts, health and limits (§1); nothing of it stops an upgrade that is under way, or a going-back.
 */
export interface LocalPolicy {
  /** No version is upgraded to. */
  readonly hold: boolean
  /** Every version has the approval that a schedule may wait for. */
  readonly approve: boolean
  /** No version waits for its schedule; for a highest version and for a maintenance window it does. */
  readonly goNow: boolean
  /** No version above this one is upgraded to. Absent: no bound. */
  readonly highestVersion?: number
  /** Upgrades begin only while one of these is open. Absent: at any time. */
  readonly windows?: readonly MaintenanceWindow[]
  /** How long, and up to how many bytes together, states of before an upgrade are kept for the operator. */
  readonly oldStates: { readonly keepMs: number; readonly bytesMax: number }
  /** So many crashes in a row of a committed version leave its host down until the operator says otherwise. Absent: never. */
  readonly parkAfterCrashes?: number
}

/** One rule of a {@link LocalPolicy}, by name. */
export type PolicyField = keyof LocalPolicy

/** What was said at run time: per field a value, or `null` for none. A field that is not there is the configuration file's. */
export type PolicyOverrides = { readonly [Field in PolicyField]?: LocalPolicy[Field] | null }

/** The policy of a peer of which nothing else is said. */
export const defaultPolicy: LocalPolicy = Object.freeze({
  hold: false,
  approve: false,
  goNow: false,
  oldStates: Object.freeze({ keepMs: 7 * 86_400_000, bytesMax: 10 * 2 ** 30 })
})

/** What holds now: what was said at run time wins over the configuration file, field by field, until it is taken back. */
export function effectivePolicy({ config, policy }: Readonly<Pick<PeerState, 'config' | 'policy'>>): LocalPolicy {
  const said = Object.entries(policy).map(([field, value]) => [field, value ?? defaultPolicy[field as PolicyField]])
  return { ...config.policy, ...(Object.fromEntries(said) as Partial<LocalPolicy>) }
}

/** The operator has said something about these fields, or taken back (`unset`) what was said before. Survives a restart. */
export function changePolicy(turn: Turn, set: PolicyOverrides, unset: readonly PolicyField[] = []): void {
  const { state } = turn
  const kept = Object.entries({ ...state.policy, ...set }).filter(([field]) => !unset.includes(field as PolicyField))
  state.policy = Object.fromEntries(kept)
  // Whole, so that the last one is all there is to know.
  turn.entries.push({ type: 'policy', set: state.policy })
  // What the schedules said, and are about to say, was said under other rules.
  state.rosterRevision++
  for (const progress of state.versions.values()) progress.schedule = undefined
}

/** `hold` and `resume` without a version. */
export function holdAll(turn: Turn, isHeld: boolean): void {
  if (isHeld || turn.state.config.policy.hold) changePolicy(turn, { hold: isHeld })
  else changePolicy(turn, {}, ['hold'])
}
