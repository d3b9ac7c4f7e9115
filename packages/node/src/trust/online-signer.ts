import { InstarError } from '@instar/core'
import {
  authorizedKeys,
  loadKeystore,
  thresholdOf,
  type OnlineKeys,
  type PassphraseSource,
  type TrustState
} from '@instar/signer'

/** Where a peer finds the online keys that it signs with, and which of the signers of its network it is. */
export interface OnlineKeysOptions {
  /** A keystore with a snapshot key and a timestamp key; no other key of it is used. */
  readonly directory: string
  /** Asked once, while the peer starts. */
  readonly passphrase?: PassphraseSource
  /** Signer `index` of `signers` uses only numbers ≡ index (mod signers), §5. Default 0 of 1. */
  readonly index?: number
  readonly signers?: number
}

export interface OnlineSigner {
  readonly index: number
  readonly signers: number
  /** Those of the keystore that the newest root names. @throws InstarError KeyNotAuthorized */
  keysFor(state: TrustState): OnlineKeys
}

const onlineRoles = ['snapshot', 'timestamp'] as const

/** Signed and thrown away: no document begins like this. */
const trial = new TextEncoder().encode('instar: may this key be used?')

/**
 * Opens the keys, once for the life of the peer; a wrong passphrase shows now, not when the documents are half a week old.
 *
 * @throws InstarError KeyNotFound, KeyUnsafe, KeyLocked, BadInput
 */
export async function openOnlineSigner(options: OnlineKeysOptions): Promise<OnlineSigner> {
  const { directory, index = 0, signers = 1, passphrase } = options
  const keystore = await loadKeystore(directory, passphrase === undefined ? {} : { passphrase })
  for (const role of onlineRoles) {
    if (keystore.keysFor(role).length > 0) continue
    throw new InstarError(
      'KeyNotFound',
      `${directory} has no ${role} key: online keys are one of each, snapshot and timestamp.`
    )
  }
  for (const { role, protection, signer } of keystore.keys) {
    if (protection === 'passphrase' && onlineRoles.some(each => each === role)) await signer?.sign(trial)
  }
  return {
    index,
    signers,
    keysFor(state) {
      const find = (role: (typeof onlineRoles)[number]) => {
        const threshold = thresholdOf(state, role)
        if (threshold > 1)
          throw new InstarError(
            'KeyNotAuthorized',
            `the newest root wants ${threshold} signatures on each ${role}, and a peer gives one: online keys need a root that wants one of each.`
          )
        const authorized = authorizedKeys(state, role)
        const found = keystore.keysFor(role).find(({ key }) => authorized.includes(key.keyId))
        if (found !== undefined) return found
        throw new InstarError(
          'KeyNotAuthorized',
          `the newest root names none of the ${role} keys in ${directory}: start the peer with the new ones, or without --online-keys.`
        )
      }
      return { snapshot: find('snapshot'), timestamp: find('timestamp'), index, signers }
    }
  }
}
