import { join } from 'node:path'
import { InstarError } from '@instar/core'
import type { AdmissionLedger, Signer, TrustState } from '@instar/signer'
import type { Io } from '../io.js'
import type { PassphraseOptions } from '../options/passphrase.js'
import { openKeystore } from './open-keystore.js'

/** The admission keys at hand, and the record of what they have signed. */
export interface AdmissionKeys {
  /** No more than must sign; fewer where others have to sign as well. */
  readonly signers: readonly Signer[]
  readonly threshold: number
  readonly ledger: AdmissionLedger
}

export const admissionLedgerFile = 'admissions'

/** @throws InstarError KeyNotAuthorized when none of the keystore's keys holds the admission role */
export async function admissionKeysOf(
  options: PassphraseOptions & { readonly keys: string },
  trusted: TrustState,
  io: Io
): Promise<AdmissionKeys> {
  const { authorizedKeys, openAdmissionLedger, thresholdOf } = await import('@instar/signer')
  const keystore = await openKeystore(options, io)
  const holders = authorizedKeys(trusted, 'admission')
  const threshold = thresholdOf(trusted, 'admission')
  const signers = keystore.keys.flatMap(({ key, signer }) =>
    signer !== undefined && holders.includes(key.keyId) ? [signer] : []
  )
  if (signers.length === 0)
    throw new InstarError(
      'KeyNotAuthorized',
      holders.length === 0
        ? 'Nobody holds the admission role in this network: the authors give it to a key with instar network rotate --add <file>.'
        : `${options.keys} holds no key that this network names for admission.`,
      { detail: { role: 'admission' } }
    )
  const ledger = openAdmissionLedger(join(keystore.directory, admissionLedgerFile))
  return { signers: signers.slice(0, threshold), threshold, ledger }
}

/** A typing error in a class would admit nobody to anything. @throws InstarError BadInput */
export function assertClassIsKnown(
  className: string,
  upgrades: readonly { readonly descriptor: { readonly classes: readonly { readonly newClass: string }[] } }[]
): void {
  const known = [...new Set(upgrades.flatMap(({ descriptor }) => descriptor.classes.map(each => each.newClass)))]
  if (known.includes(className)) return
  throw new InstarError('BadInput', `The network has no class ${className}; it knows ${known.join(', ')}.`)
}
