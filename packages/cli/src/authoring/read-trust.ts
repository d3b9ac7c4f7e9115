import { InstarError, parseDescriptor, type Descriptor } from '@instar/core'
import type { TrustState } from '@instar/signer'
import type { ControlClient } from '../control/control-client.js'

/** What a peer trusts, verified again here: the author's tool believes no one's word for it, its own peer's included (R19). */
export interface ReadTrust {
  readonly network: string
  readonly trusted: { readonly state: TrustState; readonly freshUntilMs: number }
  readonly upgrades: readonly ReadUpgrade[]
  /** In words. */
  readonly lines: readonly string[]
}

interface ReadUpgrade {
  readonly version: number
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
  readonly forked: boolean
}

/** What a peer trusts, whether or not that is a whole version: a rotation may have dropped what named the versions. */
export async function readTrustState(client: ControlClient): Promise<TrustState> {
  const { restoreTrust } = await import('@instar/signer')
  const { network } = await client.status()
  const { documents, descriptors } = await client.trustDocuments()
  return restoreTrust(network, [...documents, ...descriptors])
}

/** @throws InstarError NotTrusted while the peer holds no version */
export async function readTrust(client: ControlClient, nowMs: number): Promise<ReadTrust> {
  const trust = await readAnyTrust(client, nowMs)
  if (trust.upgrades.length > 0) return trust
  throw new InstarError(
    'NotTrusted',
    'The peer does not hold a whole trusted version: try again when it has synced. Where a rotation dropped the targets, they are to be signed again first (instar network renew --role targets).'
  )
}

/** The same, also while there is no version: for whoever looks, or mends it. */
export async function readAnyTrust(client: ControlClient, nowMs: number): Promise<ReadTrust> {
  const { explainTrust, freshUntilMs, trustedUpgrades } = await import('@instar/signer')
  const state = await readTrustState(client)
  const upgrades = trustedUpgrades(state).map(({ version, descriptorBytes, forked }) => {
    const descriptor = parseDescriptor(descriptorBytes)
    if (descriptor.verdict !== 'accept')
      throw new InstarError('NotTrusted', `The descriptor of version ${version} cannot be read: ${descriptor.detail}.`)
    return { version, descriptor: descriptor.value, bytes: descriptorBytes, forked }
  })
  const { network } = state
  return { network, trusted: { state, freshUntilMs: freshUntilMs(state) }, upgrades, lines: explainTrust(state, nowMs) }
}
