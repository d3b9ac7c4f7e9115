import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { z } from 'zod'

/**
 * A private key encrypted with a passphrase: scrypt makes the key of AES-256-GCM, which also covers what the key file says beside it,
 * so that nobody passes a key off as one of another role. The parameters lie in the file and age with it.
 */
export const sealedSchema = z.strictObject({
  protection: z.literal('passphrase'),
  kdf: z.strictObject({
    name: z.literal('scrypt'),
    /** log₂ of the cost. Bounded, because a file that somebody planted must not take all memory: 2^20 needs 1 GiB. */
    logN: z.int().min(10).max(20),
    r: z.literal(8),
    p: z.literal(1),
    salt: z.string().regex(/^[0-9a-f]{64}$/)
  }),
  cipher: z.strictObject({
    name: z.literal('aes-256-gcm'),
    nonce: z.string().regex(/^[0-9a-f]{24}$/),
    tag: z.string().regex(/^[0-9a-f]{32}$/)
  }),
  /** The encrypted PKCS#8, DER. */
  data: z
    .string()
    .max(1000)
    .regex(/^(?:[0-9a-f]{2})+$/)
})

export type SealedKey = z.infer<typeof sealedSchema>
export type Kdf = SealedKey['kdf']

/** 128 MiB, and about half a second: once per command for its user, once per guess for a thief. */
const standardLogN = 17

/** Parameters for a new passphrase, or for keys that are made together and share one. */
export function createKdf(logN = standardLogN): Kdf {
  return { name: 'scrypt', logN, r: 8, p: 1, salt: randomBytes(32).toString('hex') }
}

/** The key of the cipher. Takes its time, off the event loop. */
export function deriveKey({ logN, r, p, salt }: Kdf, passphrase: string): Promise<Buffer> {
  const cost = 2 ** logN
  // Keyboards and systems compose the same letters from different characters.
  const text = Buffer.from(passphrase.normalize('NFKC'), 'utf8')
  return new Promise((resolve, reject) => {
    // Node refuses what needs more than maxmem; the parameters are bounded, so this is twice what they need.
    scrypt(text, Buffer.from(salt, 'hex'), 32, { N: cost, r, p, maxmem: 256 * cost * r }, (error, key) =>
      error === null ? resolve(key) : reject(error)
    )
  })
}

/** Encrypts PKCS#8. `label` is what else the file says of the key. */
export function sealKey(pkcs8: Buffer, label: Uint8Array, kdf: Kdf, cipherKey: Buffer): SealedKey {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', cipherKey, nonce).setAAD(label)
  const data = Buffer.concat([cipher.update(pkcs8), cipher.final()])
  return {
    protection: 'passphrase',
    kdf,
    cipher: { name: 'aes-256-gcm', nonce: nonce.toString('hex'), tag: cipher.getAuthTag().toString('hex') },
    data: data.toString('hex')
  }
}

/** The PKCS#8; undefined when the passphrase is another one, or the file was changed. */
export function openSealedKey({ cipher, data }: SealedKey, label: Uint8Array, cipherKey: Buffer): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-gcm', cipherKey, Buffer.from(cipher.nonce, 'hex'))
  decipher.setAAD(label).setAuthTag(Buffer.from(cipher.tag, 'hex'))
  try {
    return Buffer.concat([decipher.update(Buffer.from(data, 'hex')), decipher.final()])
  } catch {
    // The one thing that GCM says: not this key, or not these bytes.
    return undefined
  }
}
