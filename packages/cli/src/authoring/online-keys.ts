import { InstarError } from '@instar/core'
import type { Keystore, OnlineKeys, TrustState } from '@instar/signer'

/** The keys of a keystore that the network's root lets sign snapshots and timestamps. @throws InstarError KeyNotAuthorized */
export async function onlineKeysOf(keystore: Keystore, trusted: TrustState): Promise<OnlineKeys> {
  const { authorizedKeys } = await import('@instar/signer')
  const find = (role: 'snapshot' | 'timestamp') => {
    const authorized = authorizedKeys(trusted, role)
    const pair = keystore.keysFor(role).find(({ key }) => authorized.includes(key.keyId))
    if (pair !== undefined) return pair
    throw new InstarError(
      'KeyNotAuthorized',
      `${keystore.directory} holds no ${role} key of this network: ask someone who holds its online keys.`
    )
  }
  return { snapshot: find('snapshot'), timestamp: find('timestamp') }
}
