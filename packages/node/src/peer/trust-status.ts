import { expiredRoles, headsOf } from '@instar/signer'
import type { TrustStatus } from '../control/schema/status.js'
import type { OnlineSigner } from '../trust/online-signer.js'
import type { RenewalStatus } from '../trust/renewal.js'
import type { TrustService } from '../trust/trust-service.js'
import { wallMs } from './clock.js'
import { stopsOf } from './stops-shown.js'

/** Of a peer that holds online keys. */
export interface RenewalSource {
  readonly signer: Pick<OnlineSigner, 'index' | 'signers'>
  readonly status: () => RenewalStatus
}

/** What the status says of the trust documents. */
export function trustStatus(trust: TrustService, renewal: RenewalSource | undefined): TrustStatus {
  const heads = headsOf(trust.state())
  const until = trust.freshUntilMs()
  return {
    root: heads.root?.version ?? 0,
    targets: heads.targets?.version ?? 0,
    timestamp: heads.timestamp?.version ?? 0,
    ...(until === 0 ? {} : { freshUntil: new Date(until).toISOString() }),
    fresh: wallMs() < until,
    expired: [...expiredRoles(trust.state(), wallMs())],
    ...(renewal === undefined ? {} : { renewal: renewalStatus(renewal) }),
    ...stopsOf(trust.state())
  }
}

function renewalStatus({ signer, status }: RenewalSource): NonNullable<TrustStatus['renewal']> {
  const { nextMs } = status()
  return {
    signer: signer.index,
    signers: signer.signers,
    ...(nextMs === undefined ? {} : { next: new Date(Math.max(nextMs, wallMs())).toISOString() })
  }
}
