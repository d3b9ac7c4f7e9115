import type { PrivateKey } from '@libp2p/interface'
import type { Store } from './store.js'

/** Where the parts of a peer's data directory lie. */
export interface DataPaths {
  readonly root: string
  readonly identityKey: string
  readonly config: string
  readonly store: string
  readonly journal: string
  readonly bundles: string
  readonly state: string
  readonly controlSocket: string
  readonly log: string
}

/** An open data directory: this process is the only one that has it. */
export interface DataDirectory {
  readonly paths: DataPaths
  /** The peer's Ed25519 key; its public half is the peer id. */
  readonly identity: PrivateKey
  /** How many times this directory has been opened, this time included; orders a peer's announcements across starts (§13). */
  readonly bootEpoch: number
  readonly store: Store
  /** Closes the store and gives the directory free. */
  close(): Promise<void>
}

/**
 * Opens a peer's data directory, making it (0700) and its identity (0600) where they do not exist, and takes its lock.
 *
 * @throws InstarError DataDirectoryInUse, DataDirectoryDamaged, KeyUnsafe, DiskFull
 */
export async function openDataDirectory(_root: string): Promise<DataDirectory> {
  throw new Error('not built yet')
}
