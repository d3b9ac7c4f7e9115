/** The trust documents that a peer acts on: what `restoreTrust` of the signer starts from. */
export interface StoredTrust {
  /** Documents in the order in which they were written, each verified when it was stored. */
  readonly documents: readonly Uint8Array[]
}

export interface StoredDescriptor {
  readonly version: number
  readonly chainId: string
  readonly hash: string
  readonly bytes: Uint8Array
}

export interface StoredAnnouncement {
  readonly peer: string
  /** The signed envelope as it came. */
  readonly envelope: Uint8Array
  /** When its (epoch, seq) last grew, by this peer's clock (§13). */
  readonly receivedAtMs: number
}

export interface KnownPeer {
  readonly peer: string
  readonly addresses: readonly string[]
  readonly lastSeenMs: number
}

/** One level database per peer. Every record carries its format and a checksum, and names itself when it is damaged. */
export interface Store {
  /** @throws InstarError DataDirectoryDamaged when a record that the trusted set names is missing or damaged */
  readTrust(): Promise<StoredTrust | undefined>
  /** Replaces the trusted set in one synced batch: after it returns the set survives power loss, before it the old one stands. */
  writeTrust(trust: StoredTrust): Promise<void>
  readDescriptor(hash: string): Promise<StoredDescriptor | undefined>
  /** Synced. */
  writeDescriptor(descriptor: StoredDescriptor): Promise<void>
  readAnnouncements(): Promise<readonly StoredAnnouncement[]>
  writeAnnouncement(announcement: StoredAnnouncement): Promise<void>
  dropAnnouncement(peer: string): Promise<void>
  readKnownPeers(): Promise<readonly KnownPeer[]>
  writeKnownPeers(peers: readonly KnownPeer[]): Promise<void>
  readValue(key: string): Promise<Uint8Array | undefined>
  /** Synced. */
  writeValue(key: string, value: Uint8Array): Promise<void>
  close(): Promise<void>
}
