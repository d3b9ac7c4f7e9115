import { constants, createPublicKey, verify } from 'node:crypto'
import type { Json } from '@instar/core'
import { publicKeyOf, verifies, type Scheme } from '../keys/public-key.js'
import { field, isObject, type JsonObject } from '../metadata/canonical.js'

/** A key as a repository names it. Its id is whatever the delegator calls it; `identity` says whether two of them are one key. */
export interface RepositoryKey {
  /** The key itself, in its one form: two ids of one key never count twice toward a threshold. */
  readonly identity: string
  /** Never throws. */
  verifies(bytes: Uint8Array, sig: string): boolean
}

/** Smaller ones can be broken, larger ones cost seconds. */
const rsaBits = { min: 2048, max: 8192 }

/**
 * Reads one of the three kinds of keys that the TUF specification names, in the forms in which repositories publish them: hexadecimal or
 * PEM. Undefined for any other: such a key signs nothing here, which is no reason to refuse who names it.
 *
 * @throws TypeError when it is not a key at all
 */
export function readRepositoryKey(json: Json): RepositoryKey | undefined {
  if (!isObject(json)) throw new TypeError('a key is not an object')
  const scheme = field(json, 'scheme')
  const value = field(json, 'keyval')
  const text = isObject(value) ? field(value, 'public') : undefined
  if (typeof field(json, 'keytype') !== 'string' || typeof scheme !== 'string' || typeof text !== 'string') {
    throw new TypeError('a key has no type, no scheme or no public half')
  }
  try {
    return toKey(json, scheme, text)
  } catch {
    // OpenSSL cannot read it: it is of no use, like one of a kind that nobody knows.
    return undefined
  }
}

function toKey(json: JsonObject, scheme: string, text: string): RepositoryKey | undefined {
  const type = field(json, 'keytype')
  if (type === 'ed25519' && scheme === 'ed25519') return curveKey(scheme, text, ed25519Prefix)
  if ((type === 'ecdsa' || type === 'ecdsa-sha2-nistp256') && scheme === 'ecdsa-sha2-nistp256')
    return curveKey(scheme, text, p256Prefix)
  if (type === 'rsa' && scheme === 'rsassa-pss-sha256') return rsa(text)
  return undefined
}

/** What comes before the key itself in a SubjectPublicKeyInfo. */
const ed25519Prefix = '302a300506032b6570032100'
const p256Prefix = '3059301306072a8648ce3d020106082a8648ce3d030107034200'

/** Read in any of its forms, and from there on the same as a key of gossip. */
function curveKey(scheme: Scheme, text: string, prefix: string): RepositoryKey | undefined {
  const isHex = /^[0-9a-f]+$/i.test(text)
  const key = publicKeyOf(
    createPublicKey(isHex ? { key: Buffer.from(prefix + text, 'hex'), format: 'der', type: 'spki' } : text)
  )
  if (key.scheme !== scheme) return undefined
  return { identity: key.keyId, verifies: (bytes, sig) => verifies(key, bytes, sig.toLowerCase()) }
}

const wholeBytes = /^(?:[0-9a-f]{2})+$/i

function rsa(text: string): RepositoryKey | undefined {
  const key = createPublicKey(text)
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (key.asymmetricKeyType !== 'rsa' || bits < rsaBits.min || bits > rsaBits.max) return undefined
  const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
  return {
    identity: key.export({ format: 'der', type: 'spki' }).toString('hex'),
    verifies(bytes, sig) {
      try {
        return wholeBytes.test(sig) && verify('sha256', bytes, options, Buffer.from(sig, 'hex'))
      } catch {
        return false
      }
    }
  }
}
