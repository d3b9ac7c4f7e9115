import type { Held } from '../metadata/document.js'
import type { SnapshotMetadata } from '../metadata/snapshot.js'
import type { TargetsMetadata } from '../metadata/targets.js'
import type { TimestampMetadata } from '../metadata/timestamp.js'
import { nameUpgrades } from './named.js'
import { settleOnline } from './online-registers.js'
import type { TrustState } from './state.js'
import { settleTargets } from './targets-register.js'

/** All verified documents below the root that may still count. */
export interface Candidates {
  readonly targets: readonly Held<TargetsMetadata>[]
  readonly snapshots: readonly Held<SnapshotMetadata>[]
  readonly timestamps: readonly Held<TimestampMetadata>[]
}

export function candidatesOf(state: TrustState): Candidates {
  return {
    targets: present([state.targets, ...state.witnesses]),
    snapshots: present([state.snapshot]),
    timestamps: present([state.timestamp, state.timestampAhead])
  }
}

function present<T>(list: readonly (T | undefined)[]): readonly T[] {
  return list.filter(each => each !== undefined)
}

/** The state in which exactly these documents were verified. What no longer counts is left behind. */
export function settle(state: TrustState, candidates: Candidates): TrustState {
  const register =
    candidates.targets.length === 1
      ? { targets: candidates.targets[0], witnesses: [] }
      : settleTargets(candidates.targets)
  const changed = register.targets !== state.targets || !sameList(register.witnesses, state.witnesses)
  return Object.freeze({
    ...state,
    ...register,
    ...settleOnline(register.targets, candidates.snapshots, candidates.timestamps),
    named: changed
      ? nameUpgrades(state.network, present([register.targets, ...register.witnesses]), state.named)
      : state.named
  })
}

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i])
}

/** Every document of the state that is metadata below the root. */
export function heldDocuments(state: TrustState): readonly Held<unknown>[] {
  const { targets, snapshots, timestamps } = candidatesOf(state)
  return [...targets, ...snapshots, ...timestamps]
}
