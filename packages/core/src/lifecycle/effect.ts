import type { AnnouncementContent } from '../announcement/announcement.js'
import type { Schedule } from '../descriptor/schedule.js'
import type { ScheduleInputs } from '../gates/schedule-inputs.js'
import type { CodeRef, HostPlan } from '../host-plan/host-plan.js'
import type { JournalEntry } from '../journal/entries.js'
import type { SwitchPurpose } from './host-state.js'

/**
 * What the shell is to do, in order, without waiting for any but `persist`, which is on disk before the others of its step start (§11).
 * Those with an id are answered by `done`; every one but `persist` may be repeated.
 */
export type Effect =
  | { readonly effect: 'persist'; readonly entries: readonly JournalEntry[] }
  | { readonly effect: 'fetchBundle'; readonly id: number; readonly bundle: string }
  /** Say what this machine has, and look whether these bundles are whole as they lie on disk; one that is not is told as lost before. */
  | { readonly effect: 'preflight'; readonly id: number; readonly version: number; readonly code: readonly CodeRef[] }
  /** Load the plans one after the other in a scratch host on one empty state (§2a). */
  | { readonly effect: 'rehearse'; readonly id: number; readonly version: number; readonly plans: readonly HostPlan[] }
  | {
      readonly effect: 'switchHost'
      readonly id: number
      readonly plan: HostPlan
      readonly purpose: SwitchPurpose
      readonly version: number | undefined
    }
  /** Stop at the next safe point; the switch still ends with its `done`. */
  | { readonly effect: 'cancelSwitch'; readonly id: number }
  /** Try the transform to a version on a copy of the real state, which goes on serving (R13). */
  | {
      readonly effect: 'rehearseState'
      readonly id: number
      readonly version: number
      readonly plan: HostPlan
      /** The way back from it, where that is code. */
      readonly back?: HostPlan
    }
  /** End a rehearsal, of either kind, whose outcome nobody waits for any more. */
  | { readonly effect: 'cancelRehearsal'; readonly id: number }
  | {
      readonly effect: 'evaluateSchedule'
      readonly id: number
      readonly schedule: Schedule
      readonly inputs: ScheduleInputs
    }
  /**
   * Ask the object a query of its own as a caller would (§15). Not sent, and answered at once, where no host takes calls.
   *
   * `args` is the text of a JSON array.
   */
  | {
      readonly effect: 'probe'
      readonly id: number
      readonly version: number
      readonly className: string
      readonly revision: number
      readonly method: string
      readonly args: string
      readonly timeoutMs: number
    }
  /**
   * Remove every bundle and every old state but these, in the background, and whatever else is left over on the disk. What one of the later
   * effects asks for stays. Answered by `done` whatever could not be removed.
   */
  | {
      readonly effect: 'clean'
      readonly id: number
      readonly bundles: readonly string[] | 'all'
      /** Generations. */
      readonly states: readonly number[] | 'all'
      /** The operator waits for it: what nothing needs goes now, and not when it has been so for a while. */
      readonly isAsked: boolean
    }
  | { readonly effect: 'announce'; readonly content: AnnouncementContent }
  /** Come back with a `tick` after this time; replaces the wake of the step before. */
  | { readonly effect: 'wake'; readonly afterMs: number }
