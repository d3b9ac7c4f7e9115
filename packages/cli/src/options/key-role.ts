import { InvalidArgumentError } from 'commander'
import type { MetadataRole, Scheme } from '@instar/signer'

/** In the order of a keystore. Typed against the signer's own list, which is not loaded to print help. */
const roles: Readonly<Record<MetadataRole, string>> = {
  root: 'says which keys count, for every role',
  targets: 'the authors: signs upgrades',
  snapshot: 'online: says which documents belong together',
  timestamp: 'online: says that they are fresh',
  halt: 'stops a version, and lets it go on',
  admission: 'says who counts in decisions'
}
const schemes: Readonly<Record<Scheme, true>> = { ed25519: true, 'ecdsa-sha2-nistp256': true }

export const roleWords = Object.entries(roles)
  .map(([role, words]) => `  ${role.padEnd(11)}${words}`)
  .join('\n')

/** @throws InvalidArgumentError */
export function parseRole(text: string): MetadataRole {
  if (Object.hasOwn(roles, text)) return text as MetadataRole
  throw new InvalidArgumentError(`A role is one of ${Object.keys(roles).join(', ')}.`)
}

export function collectRole(text: string, before: readonly MetadataRole[] = []): readonly MetadataRole[] {
  return [...before, parseRole(text)]
}

/** @throws InvalidArgumentError */
export function parseScheme(text: string): Scheme {
  if (Object.hasOwn(schemes, text)) return text as Scheme
  throw new InvalidArgumentError(`A scheme is one of ${Object.keys(schemes).join(', ')}.`)
}
