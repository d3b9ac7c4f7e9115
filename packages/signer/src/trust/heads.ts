import { reject, type Verdict } from '@instar/core'
import type { TrustState } from './state.js'

/** What a peer holds, in a few hundred bytes: goes into hello and gossip. JSON-able. */
export interface Heads {
  readonly format: 1
  readonly network: string
  readonly root?: Head
  readonly targets?: Head
  readonly snapshot?: Head
  readonly timestamp?: Head
  /** 0 when nothing vouches for what is held. */
  readonly freshUntilMs: number
  /** How many descriptors are held without a gap from 1. */
  readonly descriptors: number
  /** Body hashes of the targets revisions kept as evidence. */
  readonly evidence: readonly string[]
}

export interface Head {
  readonly version: number
  /** sha-256 of the canonical `signed` body: equal however many signatures a copy carries. */
  readonly hash: string
}

export function headsOf(state: TrustState): Heads {
  return { format: 1, network: state.network, freshUntilMs: 0, descriptors: 0, evidence: [] }
}

/** Checks heads that a peer sent (already parsed from its frame). Never throws. */
export function parseHeads(_value: unknown): Verdict<Heads> {
  return reject('NotHeads', 'not yet')
}

/** What a peer with these heads lacks, in feeding order: root chain, targets, snapshot, timestamp, descriptors. */
export function documentsAhead(_state: TrustState, _heads: Heads): readonly Uint8Array[] {
  return []
}

/** Whether a peer with these heads may hold something that I lack: then pull from it. */
export function isBehind(_state: TrustState, _heads: Heads): boolean {
  return false
}
