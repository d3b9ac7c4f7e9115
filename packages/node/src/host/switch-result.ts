import type { BuildProgress, FacadeDescription } from '@instar/simulator-runtime/host'
import type { InstarError, StateMeta, SwitchStage } from '@instar/core'

/** How one `switchHost` ended. It never throws but for a mistake of ours: every failure of a host is a value. */
export type SwitchResult = SwitchSuccess | SwitchFailure

interface SwitchSuccess {
  readonly ok: true
  /** What the state database names after the switch: the truth about which version runs (§10). */
  readonly meta: StateMeta
  /** What is served now, for routing and for people. */
  readonly facades: readonly FacadeDescription[]
  /** Twins that are not served yet, because their state is being built; kept true while the host lives. */
  readonly building: ReadonlyMap<number, BuildProgress>
  readonly timings: SwitchTimings
}

interface SwitchFailure {
  readonly ok: false
  readonly error: InstarError
  /** The last stage that was reached; absent when not even the process came up. */
  readonly stage?: SwitchStage
  /** Whether the host of the plan before serves again. Also true when it was never stopped. */
  readonly restored: boolean
  /** What the state names, where a host is open on it: the restored one. */
  readonly meta?: StateMeta
  /**
   * The version that the state was last seen to be of. When it is the new plan's although the switch failed, the upgrade has happened (its
   * process died after meta had moved, R13) and there is nothing to go back to: the same switch has to be made again.
   */
  readonly stateVersion?: number
  readonly timings: SwitchTimings
}

export interface SwitchTimings {
  /** Milliseconds from the start of the switch until each stage was reached. */
  readonly stagesMs: Readonly<Partial<Record<SwitchStage, number>>>
  /** From the moment when calls were held until they were released; 0 when none was ever held. */
  readonly pauseMs: number
  /** Calls that waited in the queue during this switch. */
  readonly held: number
  /** Calls that were running and were cut at the drain deadline or with their process. */
  readonly cut: number
}

/** What a stage tells while it is under way, for status and log. */
export interface StageDetail {
  readonly transform?: { readonly to: number; readonly done?: number; readonly total?: number }
}
