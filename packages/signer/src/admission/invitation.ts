import { accept, reject, type Verdict } from '@instar/core'
import { z } from 'zod'
import { signBody } from '../authoring/bodies.js'
import { createPublicKeyOf, type PublicKey } from '../keys/public-key.js'
import { createKeyPair, importKeyPair, type KeyPair, type Signer } from '../keys/signer.js'
import { canonicalBytes } from '../metadata/canonical.js'
import { encodeBounded, envelopeJson, readEnvelope, type AdmissionEnvelope } from './envelope.js'
import { parseBoundedCertificate } from './shape.js'
import { flawOf, termsBody, termsFields, termsOf, type AdmissionTerms, type TermsInit } from './terms.js'

/**
 * A bearer invitation: whoever holds its private key admits peers on its terms, as many as it likes, until it ends or its serial is
 * revoked. Certificates that came through it end with it.
 */
export interface Invitation extends AdmissionTerms {
  readonly network: string
  readonly key: PublicKey
}

/** What a ticket carries: the signed invitation, and the private key that makes its holder the bearer. A secret. */
export interface BearerInvitation {
  readonly document: Uint8Array
  /** PKCS#8 in base64. */
  readonly secret: string
}

const invitationSchema = z.strictObject({
  _type: z.literal('invitation'),
  ...termsFields,
  /** An Ed25519 key. */
  key: z.string().regex(/^[0-9a-f]{64}$/)
})

/** What an invitation says, its signatures aside. */
export function readInvitation({ signed }: AdmissionEnvelope): Verdict<Invitation> {
  const parsed = invitationSchema.safeParse(signed)
  if (!parsed.success) return reject('NotACertificate', `its invitation: ${flawOf(parsed.error)}`)
  const terms = termsOf(parsed.data)
  if (terms.verdict !== 'accept') return terms
  try {
    return accept({ ...terms.value, network: parsed.data.network, key: createPublicKeyOf('ed25519', parsed.data.key) })
  } catch {
    return reject('NotACertificate', 'the key of its invitation is none')
  }
}

/** Reads the invitation of a ticket, unverified: its terms, for who is about to use it. Never throws. */
export function parseInvitation(document: Uint8Array, network: string): Verdict<Invitation> {
  const shape = parseBoundedCertificate(document)
  if (shape.verdict !== 'accept') return shape
  const envelope = readEnvelope(shape.value, 'invitation', network)
  return envelope.verdict === 'accept' ? readInvitation(envelope.value) : envelope
}

/** Makes an invitation with a new key, signed by these. @throws InstarError BadInput */
export async function createInvitation(
  init: TermsInit,
  signers: readonly Signer[]
): Promise<{ readonly invitation: Invitation; readonly bearer: BearerInvitation }> {
  const pair = createKeyPair()
  const signed = { ...termsBody('invitation', init), key: pair.key.public }
  const body = canonicalBytes(signed)
  const signatures = await Promise.all(signers.map(signer => signBody(body, signer)))
  const document = encodeBounded('invitation', envelopeJson(signed, signatures))
  const read = readInvitation({ signed, body, signatures })
  if (read.verdict !== 'accept') throw new TypeError(read.detail)
  return { invitation: read.value, bearer: { document, secret: secretOf(pair) } }
}

const pemLine = /-----(BEGIN|END) PRIVATE KEY-----/g

function secretOf(pair: KeyPair): string {
  return pair.exportPrivate().replace(pemLine, '').replace(/\s/g, '')
}

/** The key of who holds an invitation. @throws TypeError when the text is no private key */
export function bearerKey(secret: string): KeyPair {
  return importKeyPair(`-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`)
}
