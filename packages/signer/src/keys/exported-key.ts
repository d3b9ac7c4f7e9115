import { InstarError } from '@instar/core'
import { z } from 'zod'
import { metadataRoles, type MetadataRole } from '../metadata/document.js'
import { readKeyJson, toKeyJson, type PublicKey } from './public-key.js'

/** A public key on its way to whoever names it in the network's trust documents, and the role that it was made for. */
export interface ExportedKey {
  readonly role: MetadataRole
  readonly key: PublicKey
}

const schema = z.strictObject({
  format: z.literal(1),
  role: z.enum(metadataRoles),
  keyId: z.string(),
  keytype: z.string(),
  scheme: z.string(),
  keyval: z.strictObject({ public: z.string() })
})

const charactersMax = 4096

/** One line of JSON: the key as metadata list it, with its id and role. It is no secret. */
export function encodeExportedKey({ role, key }: ExportedKey): string {
  return JSON.stringify({ format: 1, role, keyId: key.keyId, ...toKeyJson(key) })
}

/** @throws InstarError BadInput for anything but one exported key in its one form */
export function parseExportedKey(text: string): ExportedKey {
  try {
    if (text.length > charactersMax) throw new TypeError('too long')
    const { format: _, role, keyId, ...json } = schema.parse(JSON.parse(text))
    const key = readKeyJson(keyId, json)
    if (key === undefined) throw new TypeError('unknown algorithm')
    return { role, key }
  } catch (cause) {
    throw new InstarError(
      'BadInput',
      'This is no exported public key, or it was changed on its way: ask for the line that `instar keys export-public` prints.',
      { cause }
    )
  }
}
