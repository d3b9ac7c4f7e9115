import { InstarError } from '@instar/core'
import type { Keystore, OnlineKeys, TrustState } from '@instar/signer'

/** The keys of a keystore that the network's root lets sign snapshots and timestamps; undefined when it has not both. */
export async function maybeOnlineKeysOf(keystore: Keystore, trusted: TrustState): Promise<OnlineKeys | undefined> {
  const { authorizedKeys } = await import('@instar/signer')
  const find = (role: 'snapshot' | 'timestamp') => {
    const authorized = authorizedKeys(trusted, role)
    return keystore.keysFor(role).find(({ key }) => authorized.includes(key.keyId))
  }
  const [snapshot, timestamp] = [find('snapshot'), find('timestamp')]
  return snapshot === undefined || timestamp === undefined ? undefined : { snapshot, timestamp }
}

/** @throws InstarError KeyNotAuthorized when the keystore has not both */
export async function onlineKeysOf(keystore: Keystore, trusted: TrustState): Promise<OnlineKeys> {
  const keys = await maybeOnlineKeysOf(keystore, trusted)
  if (keys !== undefined) return keys
  throw new InstarError(
    'KeyNotAuthorized',
    `${keystore.directory} holds no snapshot and timestamp key of this network: ask someone who holds its online keys.`
  )
}
