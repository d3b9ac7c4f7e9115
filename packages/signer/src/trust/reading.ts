import type { MetadataRole } from '../metadata/document.js'
import { namesAll } from './online-registers.js'
import type { HeldDescriptor, NamedUpgrade, TrustState } from './state.js'

/** A version of the network whose descriptor is here and named by trusted targets. */
export interface TrustedUpgrade {
  readonly version: number
  readonly descriptorHash: string
  readonly descriptorBytes: Uint8Array
  /** Two descriptors are known for it: it may go on where it runs and starts nowhere (R20). */
  readonly forked: boolean
}

/** The gapless run of versions from 1 that trusted targets name and whose descriptors are held. */
export function trustedUpgrades(state: TrustState): readonly TrustedUpgrade[] {
  const forked = new Set(state.named.forks.map(each => each.version))
  const upgrades: TrustedUpgrade[] = []
  for (const named of state.named.run) {
    const { version, hash } = named
    const held = state.descriptors.get(hash)
    // One that was kept through a rotation may be named at another place now.
    if (held === undefined || flawOfPlace(state, named, held) !== undefined) break
    upgrades.push({ version, descriptorHash: hash, descriptorBytes: held.bytes, forked: forked.has(version) })
  }
  return upgrades
}

/** Why a descriptor is not the one of this version; undefined when it is. */
export function flawOfPlace(
  state: TrustState,
  { version, byteLength }: NamedUpgrade,
  { version: said, previous, bytes }: HeldDescriptor
): 'WrongVersion' | 'WrongLength' | 'WrongPredecessor' | undefined {
  if (said !== version) return 'WrongVersion'
  if (bytes.byteLength !== byteLength) return 'WrongLength'
  return previous === (state.named.run[version - 2]?.chainId ?? state.network) ? undefined : 'WrongPredecessor'
}

/** The versions that trusted targets name and whose descriptor is not here yet, ascending. */
export function missingDescriptors(state: TrustState): readonly NamedUpgrade[] {
  return state.named.run.filter(each => !state.descriptors.has(each.hash))
}

/** The documents that are held and have expired: who signs for these roles has to sign again before anything new starts. */
export function expiredRoles(state: TrustState, nowMs: number): readonly MetadataRole[] {
  const { targets, snapshot, timestamp, halt, admission } = state
  return [state.roots.at(-1), targets, halt, admission, snapshot, timestamp].flatMap(each =>
    each !== undefined && each.expiresMs <= nowMs ? [each.role] : []
  )
}

/**
 * Until when trust counts as fresh (§5): 0 when no timestamp vouches for what is held, and never longer than the other documents that it
 * vouches for. Compare it with the wall clock; the past means stale: reported, blocks starting, hides nothing.
 */
export function freshUntilMs(state: TrustState): number {
  const { roots, targets, snapshot, timestamp, halt, admission } = state
  const root = roots.at(-1)
  if (root === undefined || targets === undefined || snapshot === undefined || timestamp === undefined) return 0
  // The snapshot names a document that has not come yet, or one that it does not name is here: what is held is not what it vouches for.
  if (!namesAll(snapshot, state)) return 0
  const all = [root, targets, snapshot, timestamp, halt, admission]
  return Math.min(...all.map(each => each?.expiresMs ?? Infinity))
}
