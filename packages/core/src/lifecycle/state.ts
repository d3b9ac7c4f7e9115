import type { AnnouncementContent, VersionRef } from '../announcement/announcement.js'
import type { Roster } from '../roster/roster.js'
import type { Lineage, VersionLog } from '../version-log/version-log.js'
import type { PeerConfig } from './config.js'
import type { TrialWatch } from './health.js'
import { createHostState, type HostState } from './host-state.js'
import type { Phase } from './phase.js'
import type { RehearsedState } from './rehearsed-state.js'
import type { OldState } from './old-state.js'
import type { PolicyOverrides } from './local-policy.js'
import type { Lack, Machine } from './machine.js'

/**
 * Everything that one peer knows and has decided. Made by {@link createPeerState}, changed only by `step`, which consumes it: the
 * caller goes on with the state that `step` returns.
 */
export interface PeerState {
  readonly config: PeerConfig
  started: boolean
  /** Journal and state contradict each other: the sentence for the operator. Nothing is begun until it is mended. */
  damage: string | undefined
  epoch: number
  /** Counter for effect ids; ids of earlier boots can not come back because results die with the process. */
  lastEffect: number

  // What is known of the network
  /** The history that this peer follows: what runs here stands in it, also where the network has taken another one (§6). */
  log: VersionLog
  /** The network's history, as the trust documents tell it now. */
  trusted: VersionLog
  /** Until when the trust metadata are fresh, wall clock; 0: never were. */
  freshUntilMs: number
  /** Versions with two valid descriptors, on which the root has not decided (R20). */
  frozen: Set<number>
  /** What the root has decided on such versions: the hash of the descriptor that counts, or that none does. */
  decided: Map<number, string>
  halted: Map<number, Halt>
  /** The order by which each version was resumed last; its name. */
  resumed: Map<number, string>
  /** The resumptions that have had their effect here, by version. */
  heeded: Map<number, Heeded>
  roster: Roster
  /** Grows with every change of what schedules may read. */
  rosterRevision: number
  /** Wall clock at which the next certificate of the roster begins or ends, or earlier. */
  admissionChangesAtMs: number
  /** Neighbours with whom a complete exchange has taken place since the start. */
  synced: boolean

  // What this peer is
  /** It has been reset, and has not joined again: others know where it belongs, and it waits for them. */
  isReset: boolean
  lineage: Lineage | undefined
  /** Version at which it joined; nothing below was ever served here. */
  joinedAt: number
  /** Version of the object; on trial while its phase is `trial`. */
  running: number
  /** One entry per version above `joinedAt` that is known, and per version below `running` that is still served. */
  versions: Map<number, VersionProgress>
  /** All versions below are retired. */
  lowest: number
  /** What the operator has said at run time; see `effectivePolicy`. */
  policy: PolicyOverrides

  /** Versions of which the state may still hold a simulation object of another history (§6); until a host has started without them. */
  foreign: Set<number>

  /** What the operator has begun to bring back, as the journal says; decided at the start (start table). */
  restoring: VersionRef | undefined
  /** The states of earlier versions that are kept; undefined until the host has told. */
  oldStates: readonly OldState[] | undefined
  /** Several versions that are being taken in one switch (§14), from before their rehearsal to the end of their trial. */
  walk: Walk | undefined
  /** Versions that are taken one by one, because a walk through them could not be made. */
  singly: { readonly first: number; readonly last: number } | undefined

  host: HostState
  bundles: Map<string, BundleState>
  /** Since when nobody has called a version, as far as this peer knows. */
  quiet: Map<number, Quiet>
  startedMonoMs: number
  /** What this machine has, as it was measured last. */
  machine: Machine
  /** Of what is removed because nothing needs it. */
  clean: { effect: number | undefined; isAsked: boolean; dueMonoMs: number }

  /** What was said last. */
  announced: AnnouncementContent | undefined
}

/** The halt of one version, as the holders of the halt role signed it (§4). */
export interface Halt {
  /** Its simulation objects stop serving too. */
  readonly unload: boolean
  readonly reason: string
}

/** A version was given another chance here, by the halt role or by the operator. */
interface Heeded {
  /** The signed order, so that it is heeded once; absent: the operator's word. */
  readonly order: string | undefined
  /** Failures of other peers that were heard of before do not count against the version any more (§1). Monotonic clock. */
  readonly monoMs: number
}

/** A way through several versions in one switch (§14). */
export interface Walk {
  /** The version that runs, to which going back leads. */
  readonly from: number
  readonly to: number
  /** Written down: its switch is under way, or its last version on trial. */
  isBegun: boolean
  isRehearsed: boolean
  /** The rehearsal that is under way. */
  effect: number | undefined
  /** Rehearsals that could not take place, and the pause before the next, monotonic clock. */
  attempt: number
  retryMonoMs: number
}

/** What a peer knows of its way through one version. */
export interface VersionProgress {
  readonly version: number
  phase: Phase
  /** Wall clock of the last change of phase, for people. */
  sinceWallMs: number
  /** Why it waits, in words (R18). */
  reason: string | undefined
  /** What went wrong last. */
  cause: string | undefined
  /** Failed tries of the transition under way. */
  attempt: number
  /** Not tried again before this, monotonic clock. */
  retryMonoMs: number
  /** The effect whose result this phase waits for. */
  effect: number | undefined
  approved: boolean
  held: boolean
  goNow: boolean
  /** Roster revision that the evaluation under way reads. */
  evaluating: number
  /** The schedule's last answer and what it had read. */
  schedule: ScheduleAnswer | undefined
  /** A scratch host has loaded it, and it waits for its turn to be introduced. */
  isRehearsed: boolean
  /** Its introduction failed because the host kept failing with it in, and nobody knows whose doing that was. */
  isSuspected: boolean
  /** Where it stands in the order of introduction (§2b), from when it was ready. */
  ramp: Ramp | undefined
  /** What this machine lacked for its next step when that was looked at last (preflight), and how often in a row it did. */
  lack: Lack | undefined
  /** Monotonic clock from which probation, or the stable time of a trial, counts. */
  watchedMonoMs: number
  rehearsal: StateRehearsal
  /** While it is on trial: what its judgement is drawn from (§15). */
  trial: TrialWatch | undefined
  /** Trials of it that failed and that it came back from. */
  returns: number
  /** It is tried again by itself when the monotonic clock reads this (§15, *retry*). */
  retryTrialMonoMs: number | undefined
  /** Its health policy's probe: the effect under way, when it is asked next, and what the version before it last came to. */
  probe: ProbeState
}

interface ScheduleAnswer {
  readonly decision: 'upgrade' | 'wait'
  readonly reason: string
  /** When it wants to be asked again: by the wall clock, as it said, or by the monotonic one, should the wall clock be set back meanwhile. */
  readonly lookAgainAtMs: number
  readonly lookAgainMonoMs: number
  readonly rosterRevision: number
}

/** Where the trial of a transform on a copy of the real state is (R13). */
export interface StateRehearsal {
  /** The effect whose result is waited for. */
  effect: number | undefined
  /** How often it could not take place, in a row, and why it could not last. */
  attempt: number
  retryMonoMs: number
  cause: string | undefined
  passed: RehearsedState | undefined
}

interface ProbeState {
  effect: number | undefined
  nextMonoMs: number
  before: 'answered' | 'missed' | undefined
}

/** A peer's wait for its turn. */
interface Ramp {
  /** Monotonic clock from which it was ready. */
  readonly sinceMonoMs: number
  /** The moment of its turn, once enough peers had passed: monotonic clock, and for people by the wall clock. */
  turn: { readonly monoMs: number; readonly wallMs: number } | undefined
  /** Its turn has come, and is not taken away again. */
  isOpen: boolean
}

/** What a peer knows of the calls of one version. */
export interface Quiet {
  /** Since when nobody has called it, by the monotonic clock of this boot; before the boot where earlier boots have seen quiet time. */
  fromMonoMs: number
  /** When it was called last, by the wall clock, for people; undefined: not as far as this peer knows. */
  usedAtMs: number | undefined
  /** When this was written down last, monotonic clock. */
  writtenMonoMs: number
  /** The quiet time that the journal knows of began here. */
  writtenFromMonoMs: number
}

export interface BundleState {
  status: 'wanted' | 'fetching' | 'ready'
  effect: number | undefined
  attempt: number
  retryMonoMs: number
  cause: string | undefined
}

/** The state before the first input of a boot. */
export function createPeerState(config: PeerConfig): PeerState {
  return {
    config,
    started: false,
    damage: undefined,
    epoch: 0,
    lastEffect: 0,
    log: [],
    trusted: [],
    freshUntilMs: 0,
    frozen: new Set(),
    decided: new Map(),
    halted: new Map(),
    resumed: new Map(),
    heeded: new Map(),
    roster: new Map(),
    rosterRevision: 0,
    admissionChangesAtMs: Number.POSITIVE_INFINITY,
    synced: false,
    isReset: false,
    lineage: undefined,
    joinedAt: 0,
    running: 0,
    versions: new Map(),
    lowest: 0,
    policy: {},
    foreign: new Set(),
    walk: undefined,
    singly: undefined,
    host: createHostState(),
    restoring: undefined,
    oldStates: undefined,
    bundles: new Map(),
    quiet: new Map(),
    startedMonoMs: 0,
    machine: { measuring: undefined, facts: undefined, measuredMonoMs: -Infinity },
    clean: { effect: undefined, isAsked: false, dueMonoMs: Number.POSITIVE_INFINITY },
    announced: undefined
  }
}
