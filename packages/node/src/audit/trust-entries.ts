import type { TrustFact, TrustState } from '@instar/signer'
import { trustedUpgrades } from '@instar/signer'
import type { AuditEntry } from './audit-line.js'

const prefixLength = 16

/** The network's version by this state, with its chain id prefix (R1); nothing before version 1. */
export function newestOf(state: TrustState): { readonly version?: number; readonly chainId?: string } {
  return versionOf(state, trustedUpgrades(state).length)
}

/** What a change of trust means, for the audit log; that a version or a timestamp was trusted is said with its document. */
export function auditOf(fact: TrustFact, state: TrustState): readonly AuditEntry[] {
  switch (fact.fact) {
    case 'forked':
      return [{ event: 'forked', ...versionOf(state, fact.version), hashes: [...fact.hashes] }]
    case 'rootRotated':
      return [{ event: 'rotated', root: fact.version }]
    case 'decided':
      return [{ event: 'decided', ...versionOf(state, fact.version), keep: fact.keep }]
    case 'halted':
      return [{ event: 'halted', ...versionOf(state, fact.version), unload: fact.unload, reason: fact.reason }]
    case 'resumed':
      return [{ event: 'resumed', ...versionOf(state, fact.version) }]
    case 'admissionChanged':
      return [{ event: 'admissionChanged' }]
    case 'versionTrusted':
    case 'freshUntil':
      return []
  }
}

function versionOf(state: TrustState, version: number): { readonly version?: number; readonly chainId?: string } {
  if (version === 0) return {}
  const chainId = state.named.run[version - 1]?.chainId
  return { version, ...(chainId === undefined ? {} : { chainId: chainId.slice(0, prefixLength) }) }
}
