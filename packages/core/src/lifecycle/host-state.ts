import type { HostPlan, SwitchStage } from '../host-plan/host-plan.js'

/** What the host is to serve: the object's version, and up and down to which versions. Plans are derived from it. */
export interface Goal {
  readonly object: number
  readonly high: number
  readonly low: number
  readonly goBack: boolean
}

/** Why one host takes the place of another. */
export type SwitchPurpose = 'start' | 'introduce' | 'withdraw' | 'upgrade' | 'goBack' | 'commit' | 'retire' | 'renew'

/** The host process as the core knows it. */
export interface HostState {
  /** `down`: never started, crashed, or could not be restored. */
  status: 'down' | 'up'
  /** The object has had a state at least once. */
  began: boolean
  /** What the running host serves. */
  goal: Goal | undefined
  plan: HostPlan | undefined
  /** Revisions of twins in the plan whose state is not complete yet. */
  building: Set<number>
  /** The version that the state's `meta` names, as last seen; undefined: there is no state yet. */
  stateVersion: number | undefined
  /** It cannot write its state any more: another one of the same plan takes its place. */
  isSpent: boolean
  /** Number of the last plan. */
  lastPlan: number
  switching:
    | {
        effect: number
        goal: Goal
        plan: HostPlan
        purpose: SwitchPurpose
        version: number | undefined
        stage: SwitchStage | undefined
        /** It was asked to stop; what becomes of it is nobody's failure. */
        isCancelled: boolean
      }
    | undefined
  /** Crashes and failed starts in a row: the longer the row, the longer the pause before the next start. */
  failures: number
  /** Whose code brought it down last, and how often in a row. */
  suspect: { readonly revision: number; readonly times: number } | undefined
  /** Monotonic clock of its last start. */
  upMonoMs: number
  /** Crashes since the boot. */
  crashes: number
  /** Monotonic clock of the last times that the object itself brought it down, oldest first; a few. */
  broughtDownMonoMs: number[]
  /** Crashes and failed starts in a row while nothing but committed code was in it; see `supervise`. */
  committedCrashes: number
  /** What the last of them was. */
  loopCause: string | undefined
  /** It stays down until the operator says otherwise, or another version runs in it. */
  parked: { readonly crashes: number; readonly cause: string; readonly sinceWallMs: number } | undefined
  retryMonoMs: number
  lastError: string | undefined
}

/** The host of a peer that has started none yet. */
export function createHostState(): HostState {
  return {
    status: 'down',
    began: false,
    goal: undefined,
    plan: undefined,
    building: new Set(),
    stateVersion: undefined,
    isSpent: false,
    lastPlan: 0,
    switching: undefined,
    failures: 0,
    suspect: undefined,
    upMonoMs: 0,
    crashes: 0,
    broughtDownMonoMs: [],
    committedCrashes: 0,
    loopCause: undefined,
    parked: undefined,
    retryMonoMs: 0,
    lastError: undefined
  }
}
