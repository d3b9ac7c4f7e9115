import type { AdmissionMetadata } from '../metadata/admission.js'
import { hold, isDelegated, type Held, type MetadataRole } from '../metadata/document.js'
import type { HaltMetadata } from '../metadata/halt.js'
import type { Delegator } from '../metadata/role-keys.js'
import type { SnapshotMetadata } from '../metadata/snapshot.js'
import type { TargetsMetadata } from '../metadata/targets.js'
import { verifyThreshold } from '../metadata/threshold.js'
import type { TimestampMetadata } from '../metadata/timestamp.js'
import { settleAdmission } from './admission-register.js'
import { settleHalts } from './halt-register.js'
import { nameUpgrades } from './named.js'
import { settleOnline } from './online-registers.js'
import type { TrustState } from './state.js'
import { settleTargets } from './targets-register.js'

/** All verified documents below the root that may still count. */
export interface Candidates {
  readonly targets: readonly Held<TargetsMetadata>[]
  readonly halts: readonly Held<HaltMetadata>[]
  readonly admissions: readonly Held<AdmissionMetadata>[]
  readonly snapshots: readonly Held<SnapshotMetadata>[]
  readonly timestamps: readonly Held<TimestampMetadata>[]
}

export function candidatesOf(state: TrustState): Candidates {
  return {
    targets: present([state.targets, ...state.witnesses]),
    halts: present([state.halt, ...state.haltWitnesses]),
    admissions: present([state.admission, ...state.admissionWitnesses]),
    snapshots: present([state.snapshot]),
    timestamps: present([state.timestamp, state.timestampAhead])
  }
}

function present<T>(list: readonly (T | undefined)[]): readonly T[] {
  return list.filter(each => each !== undefined)
}

/** The state in which exactly these documents were verified. What no longer counts is left behind. */
export function settle(state: TrustState, candidates: Candidates): TrustState {
  const decisions = state.roots.at(-1)?.model.decisions ?? new Map<number, string>()
  const register = settleTargets(candidates.targets, decisions)
  const { halts, admissions } = delegatedBy(register.targets, state.targets, candidates)
  const delegated = { ...settleHalts(halts), ...settleAdmission(admissions) }
  const changed =
    register.targets !== state.targets ||
    !sameList(register.witnesses, state.witnesses) ||
    decisions !== state.named.decisions
  return Object.freeze({
    ...state,
    ...register,
    ...delegated,
    ...settleOnline({ ...register, ...delegated }, candidates.snapshots, candidates.timestamps),
    named: changed
      ? nameUpgrades(state.network, present([register.targets, ...register.witnesses]), state.named, decisions)
      : state.named
  })
}

/**
 * What halt and admission are worth under the targets that delegate them now. While there are none (a rotation of the root dropped
 * them) the documents wait for the next: whoever signed them may be gone by then, and a halt must not be lost on the way.
 */
function delegatedBy(
  targets: Held<TargetsMetadata> | undefined,
  before: Held<TargetsMetadata> | undefined,
  { halts, admissions }: Candidates
): Pick<Candidates, 'halts' | 'admissions'> {
  if (targets === undefined || targets === before) return { halts, admissions }
  const { delegations } = targets.model
  return {
    halts: halts.flatMap(each => verifyAgain(each, 'halt', delegations)),
    admissions: admissions.flatMap(each => verifyAgain(each, 'admission', delegations))
  }
}

/** The document with the signatures that count under this delegator; nothing when they are too few. */
export function verifyAgain<Model>(
  held: Held<Model>,
  role: MetadataRole,
  delegator: Delegator
): readonly Held<Model>[] {
  const verified = verifyThreshold(held, role, delegator)
  if (verified.verdict !== 'accept') return []
  return verified.value.length === held.signatures.length ? [held] : [hold(held, verified.value, held.model)]
}

/** Who says which keys hold a role: the newest root, or the newest targets. */
export function delegatorOf({ roots, targets }: TrustState, role: MetadataRole): Delegator | undefined {
  return isDelegated(role) ? targets?.model.delegations : roots.at(-1)?.model
}

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i])
}

/** Every document of the state that is metadata below the root. */
export function heldDocuments(state: TrustState): readonly Held<unknown>[] {
  const { targets, halts, admissions, snapshots, timestamps } = candidatesOf(state)
  return [...targets, ...halts, ...admissions, ...snapshots, ...timestamps]
}

/** Documents that are kept because they contradict what is trusted, of all registers (R20). */
export function evidenceOf({ witnesses, haltWitnesses, admissionWitnesses }: TrustState): readonly Held<unknown>[] {
  return [...witnesses, ...haltWitnesses, ...admissionWitnesses]
}
