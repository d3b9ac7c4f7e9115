import { accept, ignore, messageOf, reject, type Verdict } from '@instar/core'
import { hold, type Document, type Held } from '../metadata/document.js'
import { readModel } from '../metadata/model.js'
import { readRoot, readRootKeys, type RootMetadata } from '../metadata/root.js'
import { verifyThreshold } from '../metadata/threshold.js'
import { candidatesOf, settle, verifyAgain } from './settle.js'
import type { TrustState } from './state.js'

/**
 * Judges a root. Root 1 is the one whose body hashes to the network's id; each later one is signed by the threshold of the root before
 * it and by its own, so that nobody can skip a rotation or rotate to keys that nobody holds.
 */
export function judgeRoot(state: TrustState, document: Document): Verdict<TrustState> {
  const newest = state.roots.length
  if (document.version <= newest) return judgeOldRoot(state, document)
  if (document.version > newest + 1) {
    return ignore('NeedsNewerTrust', `root ${document.version} cannot be checked before root ${newest + 1}`)
  }
  const before = state.roots.at(-1)
  if (before === undefined && document.bodyHash !== state.network) {
    return reject('WrongNetwork', 'this root 1 is the root of another network')
  }
  const own = readKeys(document)
  if (own.verdict !== 'accept') return own
  const byOld = final(verifyThreshold(document, 'root', before?.model ?? own.value))
  if (byOld.verdict !== 'accept') return byOld
  const byNew = final(verifyThreshold(document, 'root', own.value))
  if (byNew.verdict !== 'accept') return byNew
  const model = readModel(document, readRoot)
  if (model.verdict !== 'accept') return model
  // Both thresholds must be met by whoever reads the copy that is kept, so signatures of both sets stay.
  const verified = [...new Map([...byOld.value, ...byNew.value].map(each => [each.keyId, each])).values()]
  return accept(rotate(state, hold(document, verified, model.value)))
}

function judgeOldRoot(state: TrustState, document: Document): Verdict<never> {
  const held = state.roots[document.version - 1]
  return held?.bodyHash === document.bodyHash
    ? ignore('Known', `root ${document.version} is here already`)
    : ignore('OtherRoot', `another root ${document.version} is trusted; the chain of roots does not branch`)
}

function readKeys(document: Document): Verdict<RootMetadata> {
  try {
    return accept(readRootKeys(document.signed))
  } catch (cause) {
    return reject('BadMetadata', `root ${document.version}: ${messageOf(cause)}`)
  }
}

/** For root n+1, root n is the last word: no newer trust will make too few signatures enough. */
function final<T>(verdict: Verdict<T>): Verdict<T> {
  return verdict.verdict === 'ignore' ? reject('ThresholdNotMet', verdict.detail) : verdict
}

/**
 * The state under a new root. Each register is verified again and dropped when it no longer does: this is how a network recovers from a
 * stolen key that signed absurdly high numbers (fast-forward). Halt and admission follow the targets that delegate them.
 */
function rotate(state: TrustState, root: Held<RootMetadata>): TrustState {
  const candidates = candidatesOf(state)
  return settle(
    { ...state, roots: [...state.roots, root] },
    {
      ...candidates,
      targets: candidates.targets.flatMap(each => verifyAgain(each, 'targets', root.model)),
      snapshots: candidates.snapshots.flatMap(each => verifyAgain(each, 'snapshot', root.model)),
      timestamps: candidates.timestamps.flatMap(each => verifyAgain(each, 'timestamp', root.model))
    }
  )
}
