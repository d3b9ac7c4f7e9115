import type { AdmissionMetadata } from '../metadata/admission.js'
import type { TrustState } from './state.js'

const nothing = { revoked: new Set<string>(), groups: new Map<string, never>() }
const open: AdmissionMetadata = Object.freeze({ policy: 'open', ...nothing })
const closed: AdmissionMetadata = Object.freeze({ policy: 'certificate', ...nothing })

/**
 * Who counts as admitted (§5). Where targets delegate admission to nobody, everyone does. Where they delegate it and no document of it
 * verifies here, nobody does: whoever keeps that document from a peer must not open its door.
 */
export function admissionOf({ targets, admission }: TrustState): AdmissionMetadata {
  if (targets === undefined) return closed
  return admission?.model ?? (targets.model.delegations.roles.admission === undefined ? open : closed)
}

/** Whether two states could judge some peer differently. */
export function sameAdmission(a: TrustState, b: TrustState): boolean {
  if (a.targets === b.targets && a.admission === b.admission) return true
  return admissionOf(a) === admissionOf(b) && holders(a) === holders(b)
}

/** The ids are hashes of the keys, so equal texts mean equal keys. */
function holders({ targets }: TrustState): string {
  return JSON.stringify(targets?.model.delegations.roles.admission ?? {})
}
