import type { MaintenanceWindow } from '../gates/maintenance-window.js'

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
