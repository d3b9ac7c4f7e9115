import { accept, ignore, type Verdict } from '@instar/core'
import { hold, type Document, type Held, type Signature } from '../metadata/document.js'
import { readModel } from '../metadata/model.js'
import { readSnapshot } from '../metadata/snapshot.js'
import { readTargets } from '../metadata/targets.js'
import { verifyThreshold } from '../metadata/threshold.js'
import { readTimestamp } from '../metadata/timestamp.js'
import { candidatesOf, heldDocuments, settle } from './settle.js'
import type { TrustState } from './state.js'

/**
 * Judges targets, a snapshot or a timestamp. Order matters (R19): signatures first, the model only of what verified, and then the
 * registers decide whether the document counts.
 */
export function judgeRegister(state: TrustState, document: Document): Verdict<TrustState> {
  const root = state.roots.at(-1)
  if (root === undefined) return ignore('NeedsNewerTrust', 'root 1 of this network is not known here yet')
  const verified = verifyThreshold(document, document.role, root.model)
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
  const candidates = candidatesOf(state)
  switch (document.role) {
    case 'targets': {
      const model = readModel(document, readTargets)
      if (model.verdict !== 'accept') return model
      const targets = replace(candidates.targets, hold(document, signatures, model.value))
      return accept(settle(state, { ...candidates, targets }))
    }
    case 'snapshot': {
      const model = readModel(document, readSnapshot)
      if (model.verdict !== 'accept') return model
      const snapshots = replace(candidates.snapshots, hold(document, signatures, model.value))
      return accept(settle(state, { ...candidates, snapshots }))
    }
    case 'timestamp': {
      const model = readModel(document, readTimestamp)
      if (model.verdict !== 'accept') return model
      const timestamps = replace(candidates.timestamps, hold(document, signatures, model.value))
      return accept(settle(state, { ...candidates, timestamps }))
    }
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

function older({ targets, snapshot }: TrustState, { role, version }: Document): [code: string, detail: string] {
  const dominated =
    role === 'snapshot'
      ? 'it does not name the newest targets known here, or a newer snapshot does'
      : role === 'timestamp'
        ? `it vouches for no longer than what is held, or for a snapshot behind ${snapshot?.version ?? 0}`
        : `revision ${targets?.version ?? 0} is here`
  return ['Older', `${role} ${version} is behind: ${dominated}`]
}
