import { accept, ignore, type Verdict } from '@instar/core'
import { readAdmission } from '../metadata/admission.js'
import type { JsonObject } from '../metadata/canonical.js'
import { hold, type Document, type Held, type MetadataRole, type Signature } from '../metadata/document.js'
import { readHalt } from '../metadata/halt.js'
import { readModel } from '../metadata/model.js'
import { readSnapshot } from '../metadata/snapshot.js'
import { readTargets } from '../metadata/targets.js'
import { verifyThreshold } from '../metadata/threshold.js'
import { readTimestamp } from '../metadata/timestamp.js'
import { candidatesOf, delegatorOf, heldDocuments, settle, type Candidates } from './settle.js'
import type { TrustState } from './state.js'

/**
 * Judges a document of any role below the root. Order matters (R19): signatures first, the model only of what verified, and then the
 * registers decide whether the document counts.
 */
export function judgeRegister(state: TrustState, document: Document): Verdict<TrustState> {
  const delegator = delegatorOf(state, document.role)
  if (delegator === undefined) return ignore('NeedsNewerTrust', 'who holds this role is not known here yet')
  const verified = verifyThreshold(document, document.role, delegator)
  if (verified.verdict !== 'accept') return verified
  const known = heldDocuments(state).find(each => each.role === document.role && each.bodyHash === document.bodyHash)
  const signatures = joinSignatures(known?.signatures ?? [], verified.value)
  if (known !== undefined && signatures.length === known.signatures.length) {
    return ignore('Known', `${document.role} ${document.version} is here already`)
  }
  const next = insert(state, document, signatures)
  if (next.verdict !== 'accept') return next
  // R19: an older number never replaces a newer one. Whoever sent it is behind, which is no offence.
  const counts = heldDocuments(next.value).some(
    each => each.role === document.role && each.bodyHash === document.bodyHash
  )
  return counts ? next : ignore(...older(state, document))
}

function insert(state: TrustState, document: Document, signatures: readonly Signature[]): Verdict<TrustState> {
  const candidates = withDocument(candidatesOf(state), document, signatures)
  return candidates.verdict === 'accept' ? accept(settle(state, candidates.value)) : candidates
}

/** Adds a document whose signatures have verified. */
export function withDocument(
  candidates: Candidates,
  document: Document,
  signatures: readonly Signature[]
): Verdict<Candidates> {
  const among = <Model>(read: (signed: JsonObject) => Model, list: readonly Held<Model>[]) => {
    const model = readModel(document, read)
    return model.verdict === 'accept' ? accept(replace(list, hold(document, signatures, model.value))) : model
  }
  const put = <Name extends keyof Candidates>(name: Name, list: Verdict<Candidates[Name]>): Verdict<Candidates> =>
    list.verdict === 'accept' ? accept({ ...candidates, [name]: list.value }) : list
  switch (document.role) {
    case 'targets':
      return put('targets', among(readTargets, candidates.targets))
    case 'halt':
      return put('halts', among(readHalt, candidates.halts))
    case 'admission':
      return put('admissions', among(readAdmission, candidates.admissions))
    case 'snapshot':
      return put('snapshots', among(readSnapshot, candidates.snapshots))
    case 'timestamp':
      return put('timestamps', among(readTimestamp, candidates.timestamps))
    case 'root':
      return ignore('Known', 'roots are judged by their chain')
  }
}

/** Other subsets of valid signatures over one body are the same document (§5): the held copy gets their union. */
function joinSignatures(held: readonly Signature[], more: readonly Signature[]): readonly Signature[] {
  return [...held, ...more.filter(each => !held.some(({ keyId }) => keyId === each.keyId))]
}

function replace<Model>(list: readonly Held<Model>[], held: Held<Model>): readonly Held<Model>[] {
  return [...list.filter(each => each.bodyHash !== held.bodyHash), held]
}

function older(state: TrustState, { role, version }: Document): [code: string, detail: string] {
  return ['Older', `${role} ${version} is behind: ${whyOlder(state, role)}`]
}

function whyOlder({ targets, halt, admission, snapshot }: TrustState, role: MetadataRole): string {
  switch (role) {
    case 'snapshot':
      return 'it does not name the newest documents known here, or a newer snapshot does'
    case 'timestamp':
      return `it vouches for no longer than what is held, or for a snapshot behind ${snapshot?.version ?? 0}`
    default: {
      const held = role === 'halt' ? halt : role === 'admission' ? admission : targets
      return `number ${held?.version ?? 0} is here`
    }
  }
}
