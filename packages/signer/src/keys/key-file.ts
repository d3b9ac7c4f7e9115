import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InstarError } from '@instar/core'
import { z } from 'zod'
import { canonicalBytes } from '../metadata/canonical.js'
import { metadataRoles, type MetadataRole } from '../metadata/document.js'
import { createCommandSigner } from './command-signer.js'
import { assertPrivate } from './private-file.js'
import { createPublicKeyOf, schemes, type PublicKey } from './public-key.js'
import { sealedSchema, type SealedKey } from './sealed-key.js'
import { importKeyPair, type KeyPair, type Signer } from './signer.js'
import type { Unlock } from './unlocking.js'

/** What guards the private half: a passphrase, the mode of the file alone, or a program. `elsewhere`: it is not here. */
export type KeyProtection = 'passphrase' | 'none' | 'command' | 'elsewhere'

/** A key of a keystore, and the role that it was made for. */
export interface StoredKey {
  readonly role: MetadataRole
  readonly key: PublicKey
  readonly protection: KeyProtection
  readonly file: string
  /** Absent for a key of somebody else. */
  readonly signer?: Signer
}

const unencrypted = z.strictObject({ protection: z.literal('none'), pkcs8: z.string().max(1000) })
export const commandPart = z.strictObject({
  protection: z.literal('command'),
  command: z.array(z.string().min(1).max(4096)).min(1).max(64),
  timeoutMs: z.int().min(1000).max(600_000)
})
const elsewhere = z.strictObject({ protection: z.literal('elsewhere') })

const keyId = z.string().regex(/^[0-9a-f]{64}$/)
const keyFileSchema = z.discriminatedUnion('format', [
  /** As before keys could be encrypted; still read (§16), no longer written. */
  z.strictObject({
    format: z.literal(1),
    role: z.enum(metadataRoles),
    keyId,
    public: z.string().max(200),
    private: unencrypted
  }),
  z.strictObject({
    format: z.literal(2),
    role: z.enum(metadataRoles),
    keyId,
    scheme: z.enum(schemes),
    public: z.string().max(200),
    private: z.discriminatedUnion('protection', [sealedSchema, unencrypted, commandPart, elsewhere])
  })
])

type KeyFile = Extract<z.infer<typeof keyFileSchema>, { format: 2 }>
export type PrivatePart = KeyFile['private']

export function encodeKeyFile(role: MetadataRole, key: PublicKey, part: PrivatePart): string {
  const content: KeyFile = {
    format: 2,
    role,
    keyId: key.keyId,
    scheme: key.scheme,
    public: key.public,
    private: part
  }
  return `${JSON.stringify(content, undefined, 2)}\n`
}

/** What an encrypted key is bound to: the rest of its file. */
export function labelOf(role: MetadataRole, key: PublicKey): Uint8Array {
  return canonicalBytes({ format: 2, role, keyId: key.keyId, scheme: key.scheme })
}

const fileBytesMax = 300_000

/**
 * Reads what a key file says, without opening an encrypted key.
 *
 * @throws InstarError KeyUnsafe when others may read it, BadInput when it is damaged
 */
export async function readKeyFile(file: string, unlock: Unlock): Promise<StoredKey> {
  await assertPrivate(file)
  const { size } = await stat(file)
  return parseKeyFile(size > fileBytesMax ? '' : await readFile(file, 'utf8'), file, unlock)
}

/** @throws InstarError BadInput when the text is that of no key file */
export function parseKeyFile(text: string, file: string, unlock: Unlock): StoredKey {
  try {
    const content = parseContent(text)
    const { role, private: part } = content
    const key = createPublicKeyOf(content.scheme, content.public)
    if (key.keyId !== content.keyId) throw new TypeError('its key id is not that of its key')
    const stored = { role, key, protection: part.protection, file }
    const signer = signerOf(part, stored, unlock)
    return Object.freeze(signer === undefined ? stored : { ...stored, signer })
  } catch {
    // Neither the cause nor its text goes on: a parser's message may quote the private key.
    throw damaged(file)
  }
}

function parseContent(text: string): KeyFile {
  const content = keyFileSchema.parse(JSON.parse(text))
  return content.format === 2 ? content : { ...content, format: 2, scheme: 'ed25519' }
}

function damaged(file: string): InstarError {
  return new InstarError('BadInput', `${file} is not a key file, or it is damaged: restore it from a copy.`, {
    detail: { path: file }
  })
}

function signerOf(part: PrivatePart, stored: StoredKey, unlock: Unlock): Signer | undefined {
  const { key, role, file } = stored
  switch (part.protection) {
    case 'none':
      return sameKey(importKeyPair(part.pkcs8), key)
    case 'passphrase':
      return createSealedSigner(part, stored, unlock)
    case 'command':
      return createCommandSigner(key, role, part, dirname(file))
    case 'elsewhere':
      return undefined
  }
}

/** A key that is opened at its first signature, and only once. */
function createSealedSigner(sealed: SealedKey, { role, key, file }: StoredKey, unlock: Unlock): Signer {
  let pair: Promise<KeyPair> | undefined
  const open = async () => {
    const pkcs8 = await unlock(sealed, labelOf(role, key), file)
    try {
      return sameKey(importKeyPair(pkcs8), key)
    } catch {
      throw damaged(file)
    } finally {
      pkcs8.fill(0)
    }
  }
  return Object.freeze({
    key,
    async sign(bytes: Uint8Array) {
      pair ??= open().catch((thrown: unknown) => {
        // The passphrase may be there the next time.
        pair = undefined
        throw thrown
      })
      return (await pair).sign(bytes)
    }
  })
}

function sameKey(pair: KeyPair, key: PublicKey): KeyPair {
  if (pair.key.keyId !== key.keyId) throw new TypeError('its private key is another one')
  return pair
}
