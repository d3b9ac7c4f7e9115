import type { Announcement, VersionRef } from '../announcement/announcement.js'
import type { CallErrorCode } from '../call/call-error.js'
import type { Descriptor } from '../descriptor/descriptor.js'
import type { ScheduleDecision } from '../gates/schedule-inputs.js'
import type { SwitchStage } from '../host-plan/host-plan.js'
import type { JournalEntry, OperatorWord } from '../journal/entries.js'
import type { MachineFacts } from './machine.js'
import type { Admission } from '../roster/admission.js'
import type { RehearsedState } from './rehearsed-state.js'
import type { OldState } from './old-state.js'
import type { PolicyField, PolicyOverrides } from './local-policy.js'
import type { CallFigures } from './health.js'

/** The time at which an input reaches the core; it has no other clock (§11). */
export interface Now {
  /** Milliseconds since 1970; may jump. For deadlines and dates only. */
  readonly wallMs: number
  /** Milliseconds since some moment in this boot; never falls. For durations. */
  readonly monoMs: number
}

/** The version that the state's `meta` names (§10), and how far a walk has come that it does not name yet (§14). */
export type FoundState = VersionRef & { readonly walkedTo?: number }

/** A fact that reaches the peer. Facts about other peers have been verified before they come here. */
export type Fact =
  /** First input of every boot. `found` is the version that the state's `meta` names (§10); undefined: there is no state yet. */
  | {
      readonly fact: 'start'
      readonly epoch: number
      readonly entries: readonly JournalEntry[]
      readonly found: FoundState | undefined
      readonly bundles: readonly string[]
      /** Descriptors that the peer holds and the network does not count: what runs here may stand on one (§6). */
      readonly others?: readonly Descriptor[]
    }
  /** A version of the network is trusted. In order; one that was told before with another descriptor ends the history from there on. */
  | { readonly fact: 'versionTrusted'; readonly descriptor: Descriptor }
  | { readonly fact: 'freshUntil'; readonly untilMs: number }
  /** Two valid descriptors of a version are known (R20). */
  | { readonly fact: 'forked'; readonly version: number }
  /** The evidence of a fork does not count any more: who had signed it is not trusted now. */
  | { readonly fact: 'unforked'; readonly version: number }
  /**
   * The root has decided which descriptor of a version counts (§6). The versions from there on that were trusted before and are not of that
   * history any more follow as `versionTrusted`, as far as they are known.
   */
  | { readonly fact: 'decided'; readonly version: number; readonly keep: string }
  /** Signed by the halt role; acts on receipt, however old the other metadata are (P1, §4). The version need not be known yet. */
  | { readonly fact: 'halt'; readonly version: number; readonly unload: boolean; readonly reason: string }
  /** The halt does not stand any more. `order` names what ended it, so that it is heeded once although it is told at every start. */
  | { readonly fact: 'resume'; readonly version: number; readonly order: string }
  /** `ageMs`: how long ago it was heard (stored ones are fed back at the start). */
  | {
      readonly fact: 'announcement'
      readonly announcement: Announcement
      readonly ageMs: number
      readonly admission: Admission
    }
  /** The admission role has spoken: these peers are judged anew (R21). */
  | { readonly fact: 'admissions'; readonly admissions: ReadonlyMap<string, Admission> }
  /** A complete exchange with a neighbour has taken place. */
  | { readonly fact: 'synced' }
  | { readonly fact: 'operator'; readonly word: OperatorWord; readonly version?: number }
  /** The operator sets rules of the local policy, or takes back what was said of them at run time. */
  | { readonly fact: 'policy'; readonly set: PolicyOverrides; readonly unset: readonly PolicyField[] }
  /**
   * The host of this plan cannot write its state any more, and another one could: what it lacked (room on the disk) is there again. It goes
   * on answering queries until then.
   */
  | { readonly fact: 'hostSpent'; readonly plan: number }
  /** The operator lets a parked host start again. */
  | { readonly fact: 'unpark' }
  /** A call at this version was answered or refused here just now. */
  | { readonly fact: 'used'; readonly version: number }
  /** A bundle that was complete is damaged or gone: it is fetched again before anything loads it. */
  | { readonly fact: 'bundleLost'; readonly bundle: string }
  /**
   * The running host ended by itself. `suspect`: the revision of the façade whose code brought it down, where that is known. `crash`: it was its
   * code, not somebody outside; `caller`: the calls that did it were all of this one.
   */
  | {
      readonly fact: 'hostExited'
      readonly plan: number
      readonly cause: string
      readonly suspect?: number
      readonly crash?: { readonly caller?: string }
    }
  /**
   * A simulation object of the running host failed (§7): the host has withdrawn it, or waits for the peer to go back. `revision` names the
   * contract that it served. May be told again. `transient`: its state could not be built for want of room or by a failing disk; nothing is
   * wrong with its code, and trying again can help.
   */
  | {
      readonly fact: 'simulationFailed'
      readonly plan: number
      readonly revision: number
      readonly cause: string
      readonly transient?: boolean
    }
  /** The state of a twin is complete, and its version is served (§8): what its introduction waits for. */
  | { readonly fact: 'simulationBuilt'; readonly plan: number; readonly revision: number }
  /**
   * What calls to the object on trial have come to so far (§15): told while there is news, every second or so. `before`: what was measured until
   * the switch, where the shell was there to measure it. `round`: of which round of the trial the figures are.
   */
  | {
      readonly fact: 'health'
      readonly version: number
      readonly round: number
      readonly figures: CallFigures
      /** Calls that went well since the trial began. */
      readonly answered: number
      readonly before?: CallFigures
    }
  | { readonly fact: 'switchStage'; readonly id: number; readonly stage: SwitchStage }
  /** An operator has had the upgrade to a version tried on a copy of the state. */
  | { readonly fact: 'stateRehearsed'; readonly version: number; readonly outcome: RehearsalOutcome }
  /** The states of earlier versions that the host keeps, whenever they have changed. */
  | { readonly fact: 'oldStates'; readonly states: readonly OldState[] }
  /** The operator asks for what nothing needs any more to be removed now. */
  | { readonly fact: 'clean' }
  | { readonly fact: 'done'; readonly id: number; readonly outcome: Outcome }
  | { readonly fact: 'tick' }

/** The result of an effect. Unknown and old ids are ignored. */
export type Outcome =
  | LoadOutcome
  | PreflightOutcome
  | SwitchOutcome
  | ScheduleOutcome
  | RehearsalOutcome
  | ProbeOutcome
  | { readonly of: 'clean'; readonly ok: true }

export type LoadOutcome =
  | { readonly of: 'fetchBundle' | 'rehearse'; readonly ok: true }
  /** `transient`: nothing is wrong with the code, trying again can help. */
  | {
      readonly of: 'fetchBundle' | 'rehearse'
      readonly ok: false
      readonly cause: string
      readonly transient: boolean
      /** The version whose step failed, where that is known. */
      readonly step?: number
    }

interface PreflightOutcome {
  readonly of: 'preflight'
  readonly ok: true
  readonly facts: MachineFacts
}

export type SwitchOutcome =
  /** `building`: the revisions of twins whose state is still being built beside the object. */
  | {
      readonly of: 'switchHost'
      readonly ok: true
      readonly stateVersion: number
      readonly building: readonly number[]
    }
  /** `restored`: the last good plan is running again. `stateVersion`: what the state's `meta` was last seen to name. */
  | {
      readonly of: 'switchHost'
      readonly ok: false
      readonly cause: string
      /** Nothing is wrong with the code, the machine had no room: trying again can help. Absent: no. */
      readonly transient?: boolean
      readonly stage: SwitchStage | undefined
      readonly restored: boolean
      readonly stateVersion: number | undefined
      /** The version whose step failed, where that is known. */
      readonly step?: number
    }

/** What trying a transform on a copy of the state came to (R13). */
export type RehearsalOutcome =
  | { readonly of: 'rehearseState'; readonly ok: true; readonly rehearsed: RehearsedState }
  /** `transient`: it could not take place, which says nothing about the transform. */
  | { readonly of: 'rehearseState'; readonly ok: false; readonly cause: string; readonly transient: boolean }

export type ScheduleOutcome =
  | { readonly of: 'evaluateSchedule'; readonly ok: true; readonly decision: ScheduleDecision }
  | { readonly of: 'evaluateSchedule'; readonly ok: false; readonly cause: string }

/** What a probe of an object on trial came to (§15). */
export type ProbeOutcome =
  | { readonly of: 'probe'; readonly ok: true }
  | { readonly of: 'probe'; readonly ok: false; readonly code: CallErrorCode; readonly cause: string }

/** A fact and the time at which it arrived. */
export type Input = Fact & { readonly now: Now }
