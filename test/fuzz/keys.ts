import { createECDH, createHash, createPrivateKey } from 'node:crypto'
import { importKeyPair, type KeyPair } from '@instar/signer'

/** Bytes that look random and are always the same. */
export function bytesOf(word: string): Buffer {
  return createHash('sha256').update(word).digest()
}

/** Always the same Ed25519 key for a word: a mutant of a document must be the same in the next run. */
export function keyPairOf(word: string): KeyPair {
  return importKeyPair(Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), bytesOf(word)]))
}

/** For ECDSA P-256. Its signatures differ each time. */
export function ecdsaKeyPairOf(word: string): KeyPair {
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(bytesOf(word))
  const point = curve.getPublicKey()
  const text = (bytes: Buffer) => bytes.toString('base64url')
  const [x, y] = [text(point.subarray(1, 33)), text(point.subarray(33))]
  const key = createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x, y, d: text(bytesOf(word)) }, format: 'jwk' })
  return importKeyPair(key.export({ format: 'der', type: 'pkcs8' }))
}
