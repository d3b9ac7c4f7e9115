import { InstarError, parseDescriptor, type Descriptor, type ErrorDetail, type Verdict } from '@instar/core'
import {
  decisionsOf,
  documentsAhead,
  documentsOf,
  emptyTrust,
  freshUntilMs,
  haltsOf,
  headsOf,
  isBehind,
  missingDescriptors,
  restoreTrust,
  trust,
  type DocumentInfo,
  type Heads,
  type NamedUpgrade,
  type TrustFact as SignerFact,
  type TrustState
} from '@instar/signer'
import type { Logger } from 'pino'
import type { AuditLog } from '../audit/audit-log.js'
import { auditOf, newestOf } from '../audit/trust-entries.js'
import type { StoredTrust } from '../store/store.js'

/**
 * What the trust documents say, for the engine. Versions come in order 1 … n, each once, after a restart again; where the network takes another
 * turn at a version, they come again from there on.
 */
export type TrustFact =
  | {
      readonly type: 'versionTrusted'
      readonly version: number
      readonly chainId: string
      readonly descriptorHash: string
      readonly descriptor: Descriptor
    }
  /** By the wall clock; 0 when nothing vouches for what is held. */
  | { readonly type: 'freshUntil'; readonly untilMs: number }
  /** Two descriptors are signed for one version: nothing starts there (R20). */
  | { readonly type: 'forked'; readonly version: number; readonly hashes: readonly [string, string] }
  /** The root's word on a version: the hash of the descriptor that counts, or `none` (§6). */
  | { readonly type: 'decided'; readonly version: number; readonly keep: string }
  /** Acts on receipt, on stale metadata too (§4). */
  | { readonly type: 'halted'; readonly version: number; readonly unload: boolean; readonly reason: string }
  /** `order` names what ended the halt: told again after a restart, it is heeded once. */
  | { readonly type: 'resumed'; readonly version: number; readonly order: string }
  /** The evidence of a fork does not count any more, and nobody had to decide: who signed it has lost the keys. */
  | { readonly type: 'unforked'; readonly version: number }
  /** Ask `admissionOf(state())` again. */
  | { readonly type: 'admissionChanged' }

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
  /** What was announced of the network's history, from version 1 on. */
  private announced: { readonly version: number; readonly chainId: string }[] = []
  private freshUntil = 0
  private last: Promise<unknown> = Promise.resolve()
  private readonly listeners = new Set<(info: DocumentInfo, from: string) => void>()
  private readonly now: () => number

  constructor(private readonly init: TrustServiceInit) {
    this.trusted = emptyTrust(init.network)
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
    return this.announced.at(-1) ?? { version: 0, chainId: this.init.network }
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
    this.announceAgain()
    this.announceVersions()
    this.announceFreshness()
  }

  /** What stops, before the versions that it stops. */
  private announceAgain(): void {
    const { init } = this
    for (const { version, hashes } of this.trusted.named.forks) init.onFact({ type: 'forked', version, hashes })
    for (const [version, keep] of decisionsOf(this.trusted)) init.onFact({ type: 'decided', version, keep })
    for (const { version, order, unload, reason, at } of haltsOf(this.trusted).values()) {
      if (order === 'halt') init.onFact({ type: 'halted', version, unload, reason })
      else init.onFact({ type: 'resumed', version, order: at })
    }
    init.onFact({ type: 'admissionChanged' })
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
    this.announce(facts, before)
    for (const listener of this.listeners) listener(verdict.value, from)
    return verdict
  }

  /** Versions and freshness are announced by what is trusted now: in order, and each only once. */
  private announce(facts: readonly SignerFact[], before: TrustState): void {
    const { init } = this
    const late: TrustFact[] = []
    for (const fact of facts) {
      switch (fact.fact) {
        case 'forked':
          init.onFact({ type: 'forked', version: fact.version, hashes: fact.hashes })
          break
        case 'decided':
          init.onFact({ type: 'decided', version: fact.version, keep: fact.keep })
          break
        case 'halted':
          init.onFact({ type: 'halted', version: fact.version, unload: fact.unload, reason: fact.reason })
          break
        case 'resumed':
          late.push({ type: 'resumed', version: fact.version, order: this.whatResumed(fact.version) })
          break
        case 'admissionChanged':
          late.push({ type: 'admissionChanged' })
          break
        case 'rootRotated':
        case 'versionTrusted':
        case 'freshUntil':
          break
      }
    }
    for (const { version } of before.named.forks) {
      const { forks, decisions } = this.trusted.named
      if (!decisions.has(version) && !forks.some(each => each.version === version))
        init.onFact({ type: 'unforked', version })
    }
    this.announceVersions()
    for (const fact of late) init.onFact(fact)
    this.announceFreshness()
  }

  /** The signed order, or the documents under which the halt does not verify any more. */
  private whatResumed(version: number): string {
    const { roots, targets, halt } = this.trusted
    const order = haltsOf(this.trusted).get(version)
    return order?.at ?? `root ${roots.length}, targets ${targets?.version ?? 0}, halt ${halt?.version ?? 0}`
  }

  /** In order, without a gap: a descriptor that comes early waits for those before it. */
  private announceVersions(): void {
    const { run, decisions } = this.trusted.named
    const turn = this.announced.findIndex(({ chainId }, i) => run[i]?.chainId !== chainId)
    // A run that is only shorter names nothing else: what a rotation has dropped may come back. What the root has decided against does not.
    if (turn >= 0 && (run[turn] !== undefined || decisions.has(turn + 1)))
      this.announced = this.announced.slice(0, turn)
    for (const named of run.slice(this.announced.length)) {
      const bytes = this.trusted.descriptors.get(named.hash)?.bytes
      if (bytes === undefined) return
      const parsed = parseDescriptor(bytes)
      const flaw = parsed.verdict === 'accept' ? this.flawOf(parsed.value, named) : parsed.detail
      if (parsed.verdict !== 'accept' || flaw !== undefined) {
        // Signed by authors, and yet not what this release can follow: it stops here and says so, at every look.
        this.init.log.error({ version: named.version, flaw }, 'a signed descriptor cannot be followed')
        return
      }
      this.announced.push({ version: named.version, chainId: named.chainId })
      this.init.onFact({
        type: 'versionTrusted',
        version: named.version,
        chainId: named.chainId,
        descriptorHash: named.hash,
        descriptor: parsed.value
      })
    }
  }

  /** §6: a descriptor names its network, its number and the chain that it follows. */
  private flawOf(descriptor: Descriptor, named: NamedUpgrade): string | undefined {
    if (descriptor.network !== this.init.network) return 'it is of another network'
    if (descriptor.version !== named.version) return `it says that it is version ${descriptor.version}`
    if (descriptor.previous !== this.newest().chainId) return 'it follows another chain'
    return undefined
  }

  private announceFreshness(): void {
    const untilMs = freshUntilMs(this.trusted)
    if (untilMs === this.freshUntil) return
    this.freshUntil = untilMs
    this.init.onFact({ type: 'freshUntil', untilMs })
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
