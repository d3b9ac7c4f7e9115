import { InstarError, sha256Hex } from '@instar/core'
import { openWhole, WholeTables } from '@instar/simulator-runtime/host'
import { Level } from 'level'
import type { AuditHead } from '../audit/audit-line.js'
import { onDisk } from './disk-errors.js'
import { damaged, decodeRecord, encodeRecord } from './stored-record.js'

/** One document of the trusted set: TUF metadata or a descriptor. */
interface StoredDocument {
  /** sha-256 of the bytes. */
  readonly hash: string
  readonly role: string
  /** Of metadata: its revision. Of a descriptor: the version that it defines. */
  readonly version: number
  readonly bytes: Uint8Array
}

/** The trust documents that a peer acts on: what `restoreTrust` of the signer starts from. */
export interface StoredTrust {
  /** In the order in which they were given; each was verified before it was stored. */
  readonly documents: readonly StoredDocument[]
  /** The network's version by these documents, and its chain id (R1); 0 and the network id before version 1. */
  readonly version: number
  readonly chainId: string
  /** Counts the trusted sets of this store, from 1: a store that gives back an earlier one has lost something. */
  readonly set: number
}

export interface StoredAnnouncement {
  readonly peer: string
  /** The signed envelope as it came. */
  readonly envelope: Uint8Array
  /** The version and chain id prefix that the statement says its peer runs (R1: stored records carry them too). */
  readonly version: number
  readonly chainId: string
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
  /** @throws InstarError DataDirectoryDamaged when a document that the trusted set names is missing or damaged */
  readTrust(): Promise<StoredTrust | undefined>
  /**
   * Replaces the trusted set in one synced batch: after it returns the set survives power loss, before it the old one stands.
   *
   * @returns the number of the set, higher than that of every set before
   */
  writeTrust(trust: Omit<StoredTrust, 'set'>): Promise<number>
  /** Damaged ones are left out: peers say everything again. */
  readAnnouncements(): Promise<readonly StoredAnnouncement[]>
  writeAnnouncement(announcement: StoredAnnouncement): Promise<void>
  dropAnnouncement(peer: string): Promise<void>
  readKnownPeers(): Promise<readonly KnownPeer[]>
  writeKnownPeers(peers: readonly KnownPeer[]): Promise<void>
  readValue(key: string): Promise<Uint8Array | undefined>
  /** The newest line of the audit log that this store was told of. */
  readAuditHead(): Promise<AuditHead | undefined>
  /** Not synced: after power loss it may be an older one, never a newer one. */
  writeAuditHead(head: AuditHead): Promise<void>
  /** Synced. */
  writeValue(key: string, value: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** The one record that says which documents are trusted together. */
interface TrustedSet {
  readonly documents: readonly string[]
  readonly version: number
  readonly chainId: string
  readonly set?: number
}

const trustedSetKey = 'set'
const knownPeersKey = 'all'
const auditHeadKey = 'audit-head'

/**
 * Opens the database, making it where it does not exist. It is small: all of it is read before.
 *
 * @throws InstarError DataDirectoryDamaged for a file that is not what was written, DataDirectoryInUse, and what level throws: the data
 *   directory turns that into a sentence
 */
export async function openStore(path: string): Promise<Store> {
  const make = () => new Level<string, Uint8Array>(path, { valueEncoding: 'view' })
  return new LevelStore(
    path,
    await openWhole({ directory: path, make, damaged: damagedFile, tables: new WholeTables() })
  )
}

function damagedFile(path: string, what: string): InstarError {
  return new InstarError(
    'DataDirectoryDamaged',
    `${path} is not what was written (${what}): restore the data directory from a backup, or start a new peer with an empty one.`,
    { detail: { path } }
  )
}

type Table = 'trust' | 'announcements' | 'values' | 'peers'

class LevelStore implements Store {
  private readonly tables

  constructor(
    private readonly path: string,
    private readonly db: Level<string, Uint8Array>
  ) {
    const table = (name: Table) => db.sublevel<string, Uint8Array>(name, { valueEncoding: 'view' })
    this.tables = {
      trust: table('trust'),
      announcements: table('announcements'),
      values: table('values'),
      peers: table('peers')
    }
  }

  async readTrust(): Promise<StoredTrust | undefined> {
    const set = await this.get('trust', trustedSetKey)
    if (set === undefined) return undefined
    const { documents, ...fields } = set.fields as unknown as TrustedSet
    const read = documents.map(async hash => {
      const document = await this.get('trust', hash)
      // LevelDB may lose writes to a damaged log without a word: the set says what must be there.
      if (document === undefined) throw damaged(this.path, `trust document ${hash}`, 'it is missing')
      if (sha256Hex(document.body) !== hash) throw damaged(this.path, `trust document ${hash}`, 'its hash does not fit')
      const { role, version } = document.fields as unknown as Pick<StoredDocument, 'role' | 'version'>
      return { hash, role, version, bytes: document.body }
    })
    // The sets of earlier releases have no number.
    return { documents: await Promise.all(read), ...fields, set: fields.set ?? 0 }
  }

  async writeTrust({ documents, version, chainId }: Omit<StoredTrust, 'set'>): Promise<number> {
    const before = await this.get('trust', trustedSetKey)
    const fieldsBefore = before?.fields as TrustedSet | undefined
    const leaving = new Set(fieldsBefore?.documents)
    const batch = this.db.batch()
    for (const { hash, bytes, ...fields } of documents) {
      if (!leaving.delete(hash)) batch.put(hash, encodeRecord(hash, fields, bytes), { sublevel: this.tables.trust })
    }
    for (const hash of leaving) batch.del(hash, { sublevel: this.tables.trust })
    const set = (fieldsBefore?.set ?? 0) + 1
    const trusted: TrustedSet = { documents: documents.map(each => each.hash), version, chainId, set }
    const record = encodeRecord(trustedSetKey, { ...trusted }, new Uint8Array())
    batch.put(trustedSetKey, record, { sublevel: this.tables.trust })
    await onDisk(this.path, () => batch.write({ sync: true }))
    return set
  }

  async readAnnouncements(): Promise<readonly StoredAnnouncement[]> {
    const read: StoredAnnouncement[] = []
    for await (const [peer, bytes] of this.tables.announcements.iterator()) {
      const record = decodeRecord(peer, bytes)
      if (typeof record === 'string') continue
      const { version, chainId, receivedAtMs } = record.fields as Omit<StoredAnnouncement, 'peer' | 'envelope'>
      read.push({ peer, envelope: record.body, version, chainId, receivedAtMs })
    }
    return read
  }

  async writeAnnouncement({ peer, envelope, ...fields }: StoredAnnouncement): Promise<void> {
    await this.put('announcements', peer, encodeRecord(peer, fields, envelope), false)
  }

  async dropAnnouncement(peer: string): Promise<void> {
    await onDisk(this.path, () => this.tables.announcements.del(peer))
  }

  async readKnownPeers(): Promise<readonly KnownPeer[]> {
    // Addresses are hints: a damaged list is no list.
    const record = await this.get('peers', knownPeersKey).catch(() => undefined)
    return (record?.fields['peers'] as KnownPeer[] | undefined) ?? []
  }

  async writeKnownPeers(peers: readonly KnownPeer[]): Promise<void> {
    const fields = { peers: peers.map(peer => ({ ...peer, addresses: [...peer.addresses] })) }
    await this.put('peers', knownPeersKey, encodeRecord(knownPeersKey, fields, new Uint8Array()), false)
  }

  async readValue(key: string): Promise<Uint8Array | undefined> {
    return (await this.get('values', key))?.body
  }

  async readAuditHead(): Promise<AuditHead | undefined> {
    return (await this.get('values', auditHeadKey))?.fields as AuditHead | undefined
  }

  async writeAuditHead({ seq, hash }: AuditHead): Promise<void> {
    await this.put('values', auditHeadKey, encodeRecord(auditHeadKey, { seq, hash }, new Uint8Array()), false)
  }

  async writeValue(key: string, value: Uint8Array): Promise<void> {
    await this.put('values', key, encodeRecord(key, {}, value), true)
  }

  async close(): Promise<void> {
    await this.db.close()
  }

  private async get(table: Table, key: string) {
    const bytes = await onDisk(this.path, () => this.tables[table].get(key))
    if (bytes === undefined) return undefined
    const record = decodeRecord(key, bytes)
    if (typeof record === 'string') throw damaged(this.path, `${key} in ${table}`, record)
    return record
  }

  private put(table: Table, key: string, record: Uint8Array, sync: boolean): Promise<void> {
    return onDisk(this.path, () => this.db.batch().put(key, record, { sublevel: this.tables[table] }).write({ sync }))
  }
}
