import { accept, ignore, type Verdict } from '@instar/core'
import { field, hashOf } from '../metadata/canonical.js'
import { canonicalise, documentBytesMax, parseEnvelope, parseShape, type Document } from '../metadata/document.js'
import { claims } from '../metadata/threshold.js'
import { judgeDescriptor } from './descriptors.js'
import { factsBetween } from './facts.js'
import { judgeRegister } from './registers.js'
import { judgeRoot } from './root-chain.js'
import { delegatorOf, evidenceOf, heldDocuments } from './settle.js'
import type { DocumentInfo, TrustFact, TrustState } from './state.js'

/** The verdict on one document, and what is trusted after it. */
export interface TrustResult {
  readonly verdict: Verdict<DocumentInfo>
  readonly state: TrustState
  /** Differences that matter to the peer, forks first. */
  readonly facts: readonly TrustFact[]
}

/**
 * Judges one document, whatever its role and whoever sent it, and returns what is trusted with it. Pure; never throws; spends only
 * linear time before a signature has verified (R19).
 *
 * `accept`: the state changed, store and relay it. `ignore` with code `Known`: it is here already; with `NeedsNewerTrust`: pull
 * from the sender, then ask again; with `Older`: the sender is behind. `reject`: wrong under every trust state.
 */
export function trust(state: TrustState, document: Uint8Array, nowMs: number): TrustResult {
  const judged = judge(state, document, nowMs)
  if (judged.verdict !== 'accept') return { verdict: judged, state, facts: [] }
  const { info, next } = judged.value
  return { verdict: accept(info), state: next, facts: factsBetween(state, next) }
}

interface Judged {
  readonly info: DocumentInfo
  readonly next: TrustState
}

function judge(state: TrustState, bytes: Uint8Array, nowMs: number): Verdict<Judged> {
  if (isHeld(state, bytes)) return ignore('Known', 'this document is here already')
  const shape = parseShape(bytes)
  if (shape.verdict !== 'accept') return shape
  if (field(shape.value, 'signed') === undefined) return judgeAsDescriptor(state, bytes)
  const envelope = parseEnvelope(shape.value, bytes.byteLength)
  if (envelope.verdict !== 'accept') return envelope
  const { role } = envelope.value
  const delegator = role === 'root' ? undefined : delegatorOf(state, role)
  if (delegator !== undefined) {
    const claimed = claims(envelope.value, role, delegator)
    if (claimed.verdict !== 'accept') return claimed
  }
  const document = canonicalise(envelope.value)
  if (document.verdict !== 'accept') return document
  const next = role === 'root' ? judgeRoot(state, document.value) : judgeRegister(state, document.value)
  if (next.verdict !== 'accept') return next
  return accept({ info: infoOf(next.value, document.value, nowMs), next: next.value })
}

/** Gossip brings each document several times; a hash is all that a copy costs. */
function isHeld(state: TrustState, bytes: Uint8Array): boolean {
  if (bytes.byteLength > documentBytesMax.targets) return false
  const hash = hashOf(bytes)
  return state.descriptors.has(hash) || [...state.roots, ...heldDocuments(state)].some(each => each.hash === hash)
}

function judgeAsDescriptor(state: TrustState, bytes: Uint8Array): Verdict<Judged> {
  const judged = judgeDescriptor(state, bytes)
  if (judged.verdict !== 'accept') return judged
  const { version, hash, state: next } = judged.value
  return accept({ info: { role: 'descriptor', version, hash, as: 'trusted', expired: false }, next })
}

function infoOf(next: TrustState, document: Document, nowMs: number): DocumentInfo {
  const held = [...next.roots, ...heldDocuments(next)].find(each => each.bodyHash === document.bodyHash)
  const witness = evidenceOf(next).some(each => each.bodyHash === document.bodyHash)
  return {
    role: document.role,
    version: document.version,
    hash: held?.hash ?? document.bodyHash,
    as: witness ? 'evidence' : 'trusted',
    expired: document.expiresMs <= nowMs
  }
}
