import type { AdmissionMetadata } from '../metadata/admission.js'
import type { Held } from '../metadata/document.js'
import { compareDocuments } from '../metadata/meta-entry.js'

type Admission = Held<AdmissionMetadata>

/** The highest verified admission document, and its twin of the same number, where there is one. */
export interface AdmissionRegister {
  readonly admission: Admission | undefined
  readonly admissionWitnesses: readonly Admission[]
}

/** The register of a set of verified admission documents (§5). Each says everything, so the highest number has the word alone. */
export function settleAdmission(documents: readonly Admission[]): AdmissionRegister {
  const [winner, ...others] = [...documents].sort((a, b) => compareDocuments(b, a))
  const twin = others.find(each => each.version === winner?.version)
  return { admission: winner, admissionWitnesses: twin === undefined ? [] : [twin] }
}
