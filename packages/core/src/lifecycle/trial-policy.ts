import { healthPolicyOf, type HealthPolicy } from '../descriptor/health.js'
import { upgradeAt } from '../version-log/version-log.js'
import type { PeerState } from './state.js'

/** The health policy of this peer's class at a version. */
export function trialPolicy({ lineage, log }: Readonly<PeerState>, version: number): HealthPolicy {
  return healthPolicyOf(lineage === undefined ? undefined : upgradeAt(log, lineage, version))
}
