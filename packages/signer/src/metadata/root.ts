import type { PublicKey } from '../keys/public-key.js'
import type { MetadataRole } from './document.js'

export interface RoleKeys {
  readonly keyIds: readonly string[]
  readonly threshold: number
}

export interface RootMetadata {
  /** Only keys of algorithms that are known here; a role may name others, which then verify nothing. */
  readonly keys: ReadonlyMap<string, PublicKey>
  readonly roles: Readonly<Record<MetadataRole, RoleKeys>>
}
