import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { InstarError, messageOf } from '@instar/core'
import type { ExportedKey, MetadataRole, PublicKey, RoleChange, TrustState } from '@instar/signer'
import type { Io } from '../io.js'
import type { RoleThreshold } from '../options/role-threshold.js'

/** What `network rotate` is told. */
export interface RotationWords {
  readonly role?: MetadataRole
  readonly add?: readonly string[]
  readonly remove?: readonly string[]
  readonly threshold?: readonly RoleThreshold[]
}

export type RoleChanges = Readonly<Partial<Record<MetadataRole, RoleChange>>>

const bytesMax = 64 * 1024

/** Who comes and goes, role by role. @throws InstarError BadInput */
export async function roleChangesOf(words: RotationWords, trusted: TrustState, io: Io): Promise<RoleChanges> {
  const { authorizedKeys, metadataRoles } = await import('@instar/signer')
  const added = (await Promise.all((words.add ?? []).map(file => readExportedKeys(resolve(io.cwd, file))))).flat()
  const add = new Map<MetadataRole, PublicKey[]>()
  for (const { role: madeFor, key } of added) {
    const role = words.role ?? madeFor
    // A keystore's file names the old keys beside the new one.
    if (authorizedKeys(trusted, role).includes(key.keyId)) continue
    add.set(role, [...(add.get(role) ?? []), key])
  }
  const roles = words.role === undefined ? metadataRoles : [words.role]
  const remove = (words.remove ?? []).map(digits => keyMeant(digits, roles, trusted, authorizedKeys))
  const changes = roles.map((role): readonly [MetadataRole, RoleChange] => {
    const held = authorizedKeys(trusted, role)
    const threshold = words.threshold?.find(each => each.role === role)?.threshold
    return [
      role,
      {
        add: add.get(role) ?? [],
        remove: remove.filter(each => held.includes(each)),
        ...(threshold === undefined ? {} : { threshold })
      }
    ]
  })
  return Object.fromEntries(
    changes.filter(([, { add, remove, threshold }]) => add.length + remove.length > 0 || threshold !== undefined)
  )
}

/** The one key id that these first digits mean. */
function keyMeant(
  digits: string,
  roles: readonly MetadataRole[],
  trusted: TrustState,
  keysOf: (state: TrustState, role: MetadataRole) => readonly string[]
): string {
  const all = new Set(roles.flatMap(role => keysOf(trusted, role)))
  const [found, other] = [...all].filter(each => digits.length >= 8 && each.startsWith(digits.toLowerCase()))
  if (found !== undefined && other === undefined) return found
  throw new InstarError(
    'BadInput',
    `${digits} ${other === undefined ? 'is no key that counts here' : 'means more than one key'}: name a key by at least 8 digits of its id; instar network show lists them.`
  )
}

/** What `instar keys export-public` printed: one key per line. */
async function readExportedKeys(path: string): Promise<readonly ExportedKey[]> {
  const { parseExportedKey } = await import('@instar/signer')
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new InstarError('BadInput', `The public key ${path} cannot be read: ${messageOf(cause)}.`, { cause })
  })
  const lines = text.length > bytesMax ? [''] : text.split('\n').filter(line => line.trim() !== '')
  if (lines.length === 0) throw new InstarError('BadInput', `${path} holds no key.`)
  return lines.map(parseExportedKey)
}
