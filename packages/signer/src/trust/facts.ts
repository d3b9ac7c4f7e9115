import { isDeepStrictEqual } from 'node:util'
import type { HaltOrder } from '../metadata/halt.js'
import { sameAdmission } from './admission.js'
import { haltsOf } from './halts.js'
import { freshUntilMs, trustedUpgrades } from './reading.js'
import type { TrustFact, TrustState } from './state.js'

/**
 * What changed from one state to the next. What stops comes first: who learns of a version must know already that it is frozen (R20) or
 * halted.
 */
export function factsBetween(before: TrustState, after: TrustState): readonly TrustFact[] {
  return [
    ...forkFacts(before, after),
    ...decisionFacts(before, after),
    ...haltFacts(before, after),
    ...rootFacts(before, after),
    ...versionFacts(before, after),
    ...resumeFacts(before, after),
    ...(sameAdmission(before, after) ? [] : [{ fact: 'admissionChanged' } as const]),
    ...freshFacts(before, after)
  ]
}

function forkFacts(before: TrustState, after: TrustState): readonly TrustFact[] {
  if (before.named.forks === after.named.forks) return []
  const known = new Set(before.named.forks.map(each => each.version))
  return after.named.forks
    .filter(each => !known.has(each.version))
    .map(({ version, hashes }) => ({ fact: 'forked', version, hashes }))
}

function decisionFacts({ named: before }: TrustState, { named: after }: TrustState): readonly TrustFact[] {
  return [...after.decisions]
    .filter(([version, keep]) => before.decisions.get(version) !== keep)
    .map(([version, keep]) => ({ fact: 'decided', version, keep }))
}

function haltFacts(before: TrustState, after: TrustState): readonly TrustFact[] {
  return changedHalts(before, after).flatMap(({ version, order }) =>
    order?.order === 'halt' ? [{ fact: 'halted', version, unload: order.unload, reason: order.reason }] : []
  )
}

/** Also of a version whose halt no longer verifies: its signer lost the key. */
function resumeFacts(before: TrustState, after: TrustState): readonly TrustFact[] {
  return changedHalts(before, after).flatMap(({ version, order, was }) =>
    order?.order === 'resume' || (order === undefined && was?.order === 'halt') ? [{ fact: 'resumed', version }] : []
  )
}

interface ChangedHalt {
  readonly version: number
  readonly was: HaltOrder | undefined
  readonly order: HaltOrder | undefined
}

function changedHalts(before: TrustState, after: TrustState): readonly ChangedHalt[] {
  if (before.halt === undefined && after.halt === undefined) return []
  const [known, now] = [haltsOf(before), haltsOf(after)]
  return [...new Set([...known.keys(), ...now.keys()])]
    .map(version => ({ version, was: known.get(version), order: now.get(version) }))
    .filter(({ was, order }) => !isDeepStrictEqual(was, order))
}

function rootFacts(before: TrustState, after: TrustState): readonly TrustFact[] {
  const version = after.roots.length
  return version > 1 && version > before.roots.length ? [{ fact: 'rootRotated', version }] : []
}

function versionFacts(before: TrustState, after: TrustState): readonly TrustFact[] {
  if (before.named === after.named && before.descriptors === after.descriptors) return []
  const known = trustedUpgrades(before)
  return trustedUpgrades(after)
    .filter((each, i) => known[i]?.descriptorHash !== each.descriptorHash)
    .map(({ version, descriptorHash, descriptorBytes }) => ({
      fact: 'versionTrusted',
      version,
      descriptorHash,
      descriptorBytes
    }))
}

function freshFacts(before: TrustState, after: TrustState): readonly TrustFact[] {
  const untilMs = freshUntilMs(after)
  return untilMs === freshUntilMs(before) ? [] : [{ fact: 'freshUntil', untilMs }]
}
