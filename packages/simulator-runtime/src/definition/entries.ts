import type { MappedEntry, MappingReads, MappingWrites } from './twin.js'

/**
 * A transform that says of each entry by itself what it amounts to (§8). It is built beside the version that serves, before callers wait,
 * so that the pause does not grow with the state: in the pause only what has changed meanwhile is built once more.
 *
 * New object and past simulation object begin with their classes' initial state. What a call writes belongs to its entry, under the same
 * conditions as with a {@link Mapping}: when the entry, or another one that the call has read, changes, what it wrote is taken back and the
 * call is made again; two entries must not write the same key.
 */
export interface EntriesTransform {
  /** Called for each entry of the old object's state. */
  readonly entries: EntryTransform
  /** Called for each entry of the future simulation object's state, for what the old object knows nothing of. */
  readonly futureEntries?: EntryTransform
}

/** Writes what one entry amounts to. Makes no remote call (R14), and is the same whenever it is asked. */
export type EntryTransform = (entry: MappedEntry, states: EntryTransformStates) => void | Promise<void>

/** The states as an {@link EntryTransform} sees them: the old ones by key, the new ones to be written only. */
export interface EntryTransformStates {
  readonly oldState: MappingReads
  /** Empty when this peer served the new version by no simulation object. */
  readonly futureState: MappingReads
  readonly newState: MappingWrites
  /** Dropped when this peer will serve the old version by no simulation object. */
  readonly pastState: MappingWrites
}
