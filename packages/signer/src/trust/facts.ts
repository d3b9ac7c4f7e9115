import { freshUntilMs, trustedUpgrades } from './reading.js'
import type { TrustFact, TrustState } from './state.js'

/** What changed from one state to the next. Forks come first: who learns of a version must know already that it is frozen (R20). */
export function factsBetween(before: TrustState, after: TrustState): readonly TrustFact[] {
  return [
    ...forkFacts(before, after),
    ...rootFacts(before, after),
    ...versionFacts(before, after),
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
