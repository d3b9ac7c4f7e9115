import type { Fact, PeerConfig } from '@instar/core'
import { filePolicy } from '../policy/policy-schema.js'
import type { TrustFact } from '../trust/trust-news.js'
import { instarVersion } from '../version.js'
import type { PeerConfiguration } from './options.js'

/** What the core has to know of the peer that it lives in. */
export function coreConfig(peer: string, config: PeerConfiguration, isFirst: boolean): PeerConfig {
  return {
    peer,
    className: config.className,
    groups: config.groups,
    instar: instarVersion,
    // The first peer of a network has nobody to ask; nor has one that names no other.
    alone: isFirst || config.bootstrap.length === 0,
    timing: config.timing,
    policy: filePolicy(config.policy),
    archive: config.archive
  }
}

/** What trust has found out, as the core hears it; undefined for what it does not act on. */
export function toCoreFact(fact: TrustFact): Fact | undefined {
  switch (fact.type) {
    case 'versionTrusted':
      return { fact: 'versionTrusted', descriptor: fact.descriptor }
    case 'freshUntil':
      return { fact: 'freshUntil', untilMs: fact.untilMs }
    case 'forked':
      return { fact: 'forked', version: fact.version }
    case 'unforked':
      return { fact: 'unforked', version: fact.version }
    case 'decided':
      return { fact: 'decided', version: fact.version, keep: fact.keep }
    case 'halted':
      return { fact: 'halt', version: fact.version, unload: fact.unload, reason: fact.reason }
    case 'resumed':
      return { fact: 'resume', version: fact.version, order: fact.order }
    case 'admissionChanged':
      return undefined
  }
}
