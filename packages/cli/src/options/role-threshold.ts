import type { MetadataRole } from '@instar/signer'
import { InvalidArgumentError } from 'commander'
import { parseRole } from './key-role.js'

export interface RoleThreshold {
  readonly role: MetadataRole
  readonly threshold: number
}

/** `targets=2`, several times. @throws InvalidArgumentError */
export function collectThreshold(text: string, before: readonly RoleThreshold[] = []): readonly RoleThreshold[] {
  const [, role = '', count = ''] = /^([a-z]+)=(\d{1,2})$/.exec(text) ?? []
  if (count === '') throw new InvalidArgumentError('A threshold looks like targets=2.')
  return [...before, { role: parseRole(role), threshold: Number(count) }]
}
