import { InstarError, parseDescriptor, type Descriptor, type ErrorDetail, type Verdict } from '@instar/core'
import {
  documentsAhead,
  documentsOf,
  emptyTrust,
  freshUntilMs,
  headsOf,
  isBehind,
  missingDescriptors,
  restoreTrust,
  trust,
  type DocumentInfo,
  type Heads,
  type NamedUpgrade,
  type TrustState
} from '@instar/signer'
import type { Logger } from 'pino'
import type { AuditLog } from '../audit/audit-log.js'
import { auditOf, newestOf } from '../audit/trust-entries.js'
import type { StoredTrust } from '../store/store.js'
import { TrustNews, type TrustFact } from './trust-news.js'

export interface TrustServiceInit {
  readonly network: string
  /** Documents to begin with, in any order: what `network create` made, or none at all, for a peer that learns by sync. */
  readonly documents?: readonly Uint8Array[]
  readonly store: {
    readTrust(): Promise<StoredTrust | undefined>
    writeTrust(trust: Omit<StoredTrust, 'set'>): Promise<number>
  }
  readonly audit: Pick<AuditLog, 'append' | 'refused' | 'setAtStart'>
  readonly now?: () => number
  readonly log: Logger
  onFact(fact: TrustFact): void
}

/** The one place where trust documents and descriptors enter a peer, wherever they come from (§5). */
export interface TrustService {
  /** Restores the trusted set, and emits its facts. @throws InstarError DataDirectoryDamaged, WrongNetwork */
  start(): Promise<void>
  /**
   * Verifies a document or descriptor, stores what is trusted with it (one synced batch), then emits its facts and answers. One at a
   * time, in order of the calls. `accept` means that it is to be relayed; what was known already is `ignore` with code `Known`.
   */
  submit(document: Uint8Array, from: string): Promise<Verdict<DocumentInfo>>
  /** Everything trusted, for the signer's functions (`trustedUpgrades`, `propose`, …). */
  state(): TrustState
  /** The network's version here: the largest n of which 1 … n are named and held. Before version 1: 0 and the network id. */
  newest(): { readonly version: number; readonly chainId: string }
  missingDescriptors(): readonly NamedUpgrade[]
  /** Descriptors that are held and not of the network's history: what runs here may stand on one (§6). */
  otherDescriptors(): readonly Descriptor[]
  freshUntilMs(): number
  heads(): Heads
  /** Whether a peer with these heads may hold something that is missing here. */
  isBehind(theirs: Heads): boolean
  /** What a peer with these heads lacks, in feeding order. */
  documentsAhead(theirs: Heads): readonly Uint8Array[]
  /** Runs after each change of what is trusted, after its facts. */
  onChange(listener: (info: DocumentInfo, from: string) => void): () => void
}

export function createTrustService(init: TrustServiceInit): TrustService {
  return new StoredTrustService(init)
}

class StoredTrustService implements TrustService {
  private trusted: TrustState
  private readonly news: TrustNews
  private last: Promise<unknown> = Promise.resolve()
  private readonly listeners = new Set<(info: DocumentInfo, from: string) => void>()
  private readonly now: () => number

  constructor(private readonly init: TrustServiceInit) {
    this.trusted = emptyTrust(init.network)
    this.news = new TrustNews({ network: init.network, log: init.log, onFact: fact => init.onFact(fact) })
    this.now = init.now ?? Date.now
  }

  async start(): Promise<void> {
    const stored = await this.init.store.readTrust()
    this.assertNewest(stored?.set ?? 0)
    if (stored !== undefined) {
      this.restore(stored)
      await this.recover(stored.set)
    }
    await this.begin(this.init.documents ?? [])
  }

  submit(document: Uint8Array, from: string): Promise<Verdict<DocumentInfo>> {
    const judge = () => this.judge(document, from)
    const verdict = this.last.then(judge, judge)
    this.last = verdict.catch(() => undefined)
    return verdict
  }

  state(): TrustState {
    return this.trusted
  }

  newest(): { version: number; chainId: string } {
    return this.news.newest()
  }

  missingDescriptors(): readonly NamedUpgrade[] {
    return missingDescriptors(this.trusted)
  }

  otherDescriptors(): readonly Descriptor[] {
    const { named, descriptors } = this.trusted
    const counts = new Set(named.run.map(each => each.hash))
    return [...descriptors.values()].flatMap(({ hash, bytes }) => {
      const parsed = counts.has(hash) ? undefined : parseDescriptor(bytes)
      return parsed?.verdict === 'accept' ? [parsed.value] : []
    })
  }

  freshUntilMs(): number {
    return freshUntilMs(this.trusted)
  }

  heads(): Heads {
    return headsOf(this.trusted)
  }

  isBehind(theirs: Heads): boolean {
    return isBehind(this.trusted, theirs)
  }

  documentsAhead(theirs: Heads): readonly Uint8Array[] {
    return documentsAhead(this.trusted, theirs)
  }

  onChange(listener: (info: DocumentInfo, from: string) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** LevelDB drops what it cannot read in its own log without a word: the audit log says what was there (R19: nothing older comes back). */
  private assertNewest(set: number): void {
    const { setAtStart } = this.init.audit
    if (set >= setAtStart) return
    throw damagedTrust(`the audit log tells of trusted set ${setAtStart}, and the store gives back set ${set}`, {
      stored: set,
      audited: setAtStart
    })
  }

  /** A crash between the store and the log: what was verified and never acknowledged counts from now on, so it is written down. */
  private async recover(set: number): Promise<void> {
    const { audit } = this.init
    if (set === audit.setAtStart) return
    const { root, targets, halt, admission, snapshot, timestamp } = headsOf(this.trusted)
    const numbers = Object.entries({ root, targets, halt, admission, snapshot, timestamp }).flatMap(([role, head]) =>
      head === undefined ? [] : [[role, head.version] as const]
    )
    await audit.append({ event: 'recovered', set, ...Object.fromEntries(numbers), ...newestOf(this.trusted) })
  }

  private restore(stored: StoredTrust): void {
    // Verified again: what the disk made of it is no more trusted than what a peer sends.
    this.trusted = restoreTrust(
      this.init.network,
      stored.documents.map(each => each.bytes)
    )
    const kept = new Set(documentsOf(this.trusted).map(({ info }) => info.hash))
    const dropped = stored.documents.find(each => !kept.has(each.hash))
    if (dropped !== undefined)
      throw damagedTrust(`its ${dropped.role} ${dropped.version} was verified once, and is not any more`, {
        role: dropped.role,
        version: dropped.version
      })
    this.news.tellAll(this.trusted)
  }

  /** Also at a later start: a peer that was killed while it began for the first time has some of them. */
  private async begin(documents: readonly Uint8Array[]): Promise<void> {
    let left = documents
    for (let before = Infinity; left.length < before;) {
      before = left.length
      const early: Uint8Array[] = []
      for (const document of left) {
        const verdict = await this.submit(document, 'the network file')
        if (verdict.verdict === 'reject') throw wrongNetwork(this.init.network, verdict.detail)
        if (verdict.verdict === 'ignore' && verdict.code === 'NeedsNewerTrust') early.push(document)
      }
      left = early
    }
    if (documents.length > 0 && this.trusted.roots.length === 0)
      throw wrongNetwork(this.init.network, 'none of them is its first root')
  }

  private async judge(document: Uint8Array, from: string): Promise<Verdict<DocumentInfo>> {
    const { verdict, state, facts } = trust(this.trusted, document, this.now())
    if (verdict.verdict !== 'accept') {
      const { code, detail } = verdict
      // A reject is wrong under every trust state: whoever sends it is worth a look. It is sent off after a few.
      if (verdict.verdict === 'reject') {
        this.init.log.warn({ from, code, detail }, 'a trust document was refused')
        this.init.audit.refused(from, code, detail)
      } else if (code !== 'Known') this.init.log.debug({ from, code, detail }, 'a trust document was not taken')
      return verdict
    }
    // R19: on disk before anybody acts on it or hears of it. When the disk refuses, nothing has changed.
    const set = await this.init.store.writeTrust(toStored(state))
    const { role, version, hash, as } = verdict.value
    await this.init.audit.append(
      { event: 'trusted', role, number: version, document: hash, as, from, set, ...newestOf(state) },
      ...facts.flatMap(fact => auditOf(fact, state))
    )
    const before = this.trusted
    this.trusted = state
    this.init.log.info({ role, version, hash, as, from }, 'a trust document was taken')
    this.news.tell(facts, before, state)
    for (const listener of this.listeners) listener(verdict.value, from)
    return verdict
  }
}

function wrongNetwork(network: string, detail: string): InstarError {
  return new InstarError(
    'WrongNetwork',
    `The trust documents do not begin the network ${network.slice(0, 16)}…: ${detail}. Take those that were made with it.`,
    { detail: { network } }
  )
}

function damagedTrust(flaw: string, detail: ErrorDetail): InstarError {
  return new InstarError(
    'DataDirectoryDamaged',
    `The trust documents in the data directory are not those that this peer had (${flaw}): restore the directory from a backup of one moment, or start a new peer with an empty one.`,
    { detail }
  )
}

function toStored(state: TrustState): Omit<StoredTrust, 'set'> {
  const newest = heldRun(state).at(-1)
  return {
    documents: documentsOf(state).map(({ info: { hash, role, version }, bytes }) => ({ hash, role, version, bytes })),
    version: newest?.version ?? 0,
    chainId: newest?.chainId ?? state.network
  }
}

/** The gapless run of versions whose descriptors are held. */
function heldRun({ named: { run }, descriptors }: TrustState): readonly NamedUpgrade[] {
  const firstMissing = run.findIndex(({ hash }) => !descriptors.has(hash))
  return firstMissing === -1 ? run : run.slice(0, firstMissing)
}
