import { randomBytes } from 'node:crypto'
import { defaultCrypto } from '@chainsafe/libp2p-noise/crypto'
import { Uint8ArrayList } from 'uint8arraylist'
import { expect, test } from 'vitest'
import { sealing } from './sealing.js'

const key = randomBytes(32)
const nonce = randomBytes(12)
const ad = new Uint8Array(0)
const sizes = [0, 1, 383, 384, 385, 399, 400, 1199, 1200, 40_000, 65_519]

type Pieces = Exclude<Parameters<typeof sealing.chaCha20Poly1305Encrypt>[0], Uint8Array>

/** As Noise gives them: in pieces. */
function inPieces(bytes: Uint8Array): Pieces {
  const at = bytes.byteLength >> 1
  const list: unknown = new Uint8ArrayList(bytes.subarray(0, at), bytes.subarray(at))
  return list as Pieces
}

test.each(sizes)('Noise opens %i bytes that were sealed here, and the other way round', size => {
  const bytes = randomBytes(size)
  for (const plaintext of [bytes, inPieces(bytes)]) {
    const sealed = sealing.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key).subarray()
    expect(Buffer.compare(sealed, defaultCrypto.chaCha20Poly1305Encrypt(bytes, nonce, ad, key).subarray())).toBe(0)
    for (const ciphertext of [sealed.slice(), inPieces(sealed.slice())]) {
      const dst = ciphertext.subarray(0, size)
      expect(Buffer.compare(sealing.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst).subarray(), bytes)).toBe(0)
    }
  }
})

test.each(sizes)('refuses %i bytes of which one bit was changed, or that were sealed under another key', size => {
  const sealed = sealing.chaCha20Poly1305Encrypt(randomBytes(size), nonce, ad, key).subarray()
  const open = (bytes: Uint8Array, by = key) =>
    sealing.chaCha20Poly1305Decrypt(bytes, nonce, ad, by, bytes.slice(0, size))
  for (const at of new Set([0, size >> 1, size, size + 15])) {
    const changed = sealed.slice()
    changed[at] = (changed[at] as number) ^ 1
    expect(() => open(changed)).toThrow()
  }
  expect(() => open(sealed.slice(), randomBytes(32))).toThrow()
})

test('what is sealed with data beside it is opened only with the same', () => {
  const beside = randomBytes(32)
  const bytes = randomBytes(1000)
  const sealed = sealing.chaCha20Poly1305Encrypt(bytes, nonce, beside, key).subarray()
  expect(Buffer.compare(sealing.chaCha20Poly1305Decrypt(sealed.slice(), nonce, beside, key).subarray(), bytes)).toBe(0)
  expect(() => sealing.chaCha20Poly1305Decrypt(sealed.slice(), nonce, ad, key)).toThrow()
})
