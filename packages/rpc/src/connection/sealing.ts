import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import type { ICryptoInterface } from '@chainsafe/libp2p-noise'
import { asCrypto, defaultCrypto } from '@chainsafe/libp2p-noise/crypto'

/**
 * ChaCha20-Poly1305 for Noise as Noise's own, which goes to OpenSSL with the key as bytes: for every packet the key is made into OpenSSL's form again, which costs more than encrypting
 * a few kilobytes. Here that is done once per key. Everything else of the handshake is Noise's.
 */
export const sealing: ICryptoInterface = {
  ...defaultCrypto,

  chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
    if (plaintext.byteLength < nativeBytesMin) return asCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key)
    const cipher = createCipheriv(algorithm, keyObjectOf(key), nonce, { authTagLength: tagBytes })
    if (ad.byteLength > 0) cipher.setAAD(ad, { plaintextLength: plaintext.byteLength })
    if (plaintext instanceof Uint8Array) {
      const sealed = cipher.update(plaintext)
      cipher.final()
      return Buffer.concat([sealed, cipher.getAuthTag()])
    }
    // An empty list of the kind that Noise uses.
    const sealed = plaintext.sublist(0, 0)
    for (const piece of plaintext) sealed.append(cipher.update(piece))
    cipher.final()
    sealed.append(cipher.getAuthTag())
    return sealed
  },

  chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst) {
    if (ciphertext.byteLength < nativeBytesMin) {
      return asCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst)
    }
    const end = ciphertext.byteLength - tagBytes
    const decipher = createDecipheriv(algorithm, keyObjectOf(key), nonce, { authTagLength: tagBytes })
    if (ad.byteLength > 0) decipher.setAAD(ad, { plaintextLength: end })
    decipher.setAuthTag(ciphertext.subarray(end))
    const opened = decipher.update(dst?.byteLength === end ? dst : ciphertext.subarray(0, end))
    // Throws where the tag is not that of these bytes; nothing of them has left this function then.
    decipher.final()
    return opened
  }
}

const algorithm = 'chacha20-poly1305'
const tagBytes = 16
/** Below it the WebAssembly implementation is done before OpenSSL has begun. */
const nativeBytesMin = 400

const keyObjects = new WeakMap<Uint8Array, KeyObject>()

/** A cipher state of Noise has one key, always in the same array, until it is dropped. */
function keyObjectOf(key: Uint8Array): KeyObject {
  let made = keyObjects.get(key)
  if (made === undefined) {
    made = createSecretKey(key)
    keyObjects.set(key, made)
  }
  return made
}
