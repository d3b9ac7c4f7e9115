import type { ReadOnlyStateView, StateView } from '../state/state-view.js'
import type { Initialize } from './define-class.js'
import type { MappedEntry, MappingReads, MappingWrites } from './twin.js'

/**
 * A way back by code (§8), for an upgrade that is no twin: what is run when its trial ends badly, as a part of the switch back. Under the
 * conditions of a transform: what it reads never changes, what it writes counts only when it has resolved (R13), it makes no remote call (R14).
 */
export interface ReverseInit {
  /** A function is called once, in the pause; of entries each is taken by itself. */
  readonly transform: ReverseTransform | ReverseEntries
  /** What going back by it loses, one short sentence: whoever plans, signs or operates the upgrade reads it (R22). */
  readonly loses: string
  /** Methods of the old version that may be answered otherwise for what is lost: `instar upgrade check` compares all others. Absent: none. */
  readonly changes?: readonly string[]
}

/** Builds the old object's state from the new object's and the past simulation object's. */
export type ReverseTransform = (states: ReverseStates) => void | Promise<void>

/** The states that a reverse transform reads and builds. */
export interface ReverseStates {
  /** Of a new class with managed state; asked for the other kind, each of these throws. */
  readonly newState: ReadOnlyStateView
  /** Of a new class with directory state: its directory, to be read only. */
  readonly newDirectory: string
  /** Empty when this peer served the old version by no simulation object. */
  readonly pastState: ReadOnlyStateView
  readonly oldState: StateView
  /** Of an old class with directory state: a directory for it, empty. What is written there is on disk before it counts. */
  readonly oldDirectory: string
  /** Aborted when the peer stops or the transform has used up its time. */
  readonly signal: AbortSignal
}

/**
 * Says of each entry by itself what it was. The old object begins with its class's initial state, where `from` is the class and not the
 * contract alone; two entries must not write the same key.
 */
export interface ReverseEntries {
  /** Called for each entry of the new object's state. */
  readonly entries: ReverseEntry
  /** Called for each entry of the past simulation object's state, for what the new object knows nothing of. */
  readonly pastEntries?: ReverseEntry
}

/** Writes what one entry was; the same whenever it is asked. */
export type ReverseEntry = (entry: MappedEntry, states: ReverseEntryStates) => void | Promise<void>

/** The states as a {@link ReverseEntry} sees them: those of the trial by key, the old one to be written only. */
export interface ReverseEntryStates {
  readonly newState: MappingReads
  /** Empty when this peer served the old version by no simulation object. */
  readonly pastState: MappingReads
  readonly oldState: MappingWrites
}

/** As the host reads it from a bundle: one of the two functions. */
export interface ReverseDefinition {
  readonly transform?: ReverseTransform
  readonly entries?: ReverseEntries
  readonly loses: string
  readonly changes?: readonly string[]
  /** Of the old class, where the upgrade names it. */
  readonly initialize?: Initialize
}
