import { accept, ignore, parseDescriptor, reject, sha256Hex, type Verdict } from '@instar/core'
import { flawOfPlace } from './reading.js'
import type { HeldDescriptor, TrustState } from './state.js'

export interface JudgedDescriptor {
  readonly state: TrustState
  readonly version: number
  readonly hash: string
}

/**
 * Judges a descriptor. It carries no signature of its own: it is trusted because verified targets name its hash at its version, every
 * version below is named too, and it follows the one before (§6).
 */
export function judgeDescriptor(state: TrustState, bytes: Uint8Array): Verdict<JudgedDescriptor> {
  const parsed = parseDescriptor(bytes)
  if (parsed.verdict !== 'accept') return parsed
  const { network, version, previous } = parsed.value
  if (network !== state.network) return reject('WrongNetwork', 'the descriptor is of another network')
  // Own copy: the caller's buffer may be a view of a frame that lives on, or be written to.
  const held = { version, previous, hash: sha256Hex(bytes), bytes: bytes.slice() }
  const named = state.named.run.find(each => each.hash === held.hash)
  if (named === undefined) return ignore(...whyUnnamed(state, held))
  const flaw = flawOfPlace(state, named, held)
  if (flaw !== undefined) return ignore(flaw, `the descriptor of version ${version} is not what targets name`)
  return accept({ state: keepDescriptor(state, held), version, hash: held.hash })
}

function whyUnnamed(state: TrustState, { version, hash }: HeldDescriptor): [code: string, detail: string] {
  const fork = state.named.forks.find(each => each.version === version)
  return fork?.hashes.includes(hash) === true
    ? ['Forked', `version ${version} is frozen, and this peer saw another descriptor for it first`]
    : ['NeedsNewerTrust', `no trusted targets name this descriptor as version ${version}`]
}

function keepDescriptor(state: TrustState, held: HeldDescriptor): TrustState {
  return Object.freeze({ ...state, descriptors: new Map(state.descriptors).set(held.hash, held) })
}

/**
 * Takes back a descriptor from the peer's own store, named or not. Safe, because it counts only where trusted targets name its hash; and
 * needed, because after a rotation that dropped the targets nobody else may have it any more.
 */
export function restoreDescriptor(state: TrustState, bytes: Uint8Array): TrustState {
  const parsed = parseDescriptor(bytes)
  if (parsed.verdict !== 'accept' || parsed.value.network !== state.network) return state
  const { version, previous } = parsed.value
  return keepDescriptor(state, { version, previous, hash: sha256Hex(bytes), bytes: bytes.slice() })
}
