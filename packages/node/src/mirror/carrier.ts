import { InstarError } from '@instar/core'
import { trust, type TrustState } from '@instar/signer'
import type { CarriedAnnouncement, DocumentVerdict } from '../control/peer-control.js'
import type { CarriedPeer } from './carried-peer.js'

/** What became of what was carried to a peer. */
export interface Carried {
  /** New here, and taken. */
  readonly documents: number
  /** Known, or behind what is known. */
  readonly known: number
  /** Of no use here: nothing that is trusted here leads to them. */
  readonly unused: number
  /** Statements of peers that say something new here. */
  readonly heard: number
  readonly bundles: readonly string[]
  /** Named, not here, and not where they were looked for. */
  readonly missingBundles: readonly string[]
}

const batchBytesMax = 512 * 1024
const batchMax = 100

/** Hands documents and bundles to a peer, a bounded number at a time; when it only tries, it judges them with the same function and keeps nothing. */
export class Carrier {
  private batch: Uint8Array[] = []
  private said: CarriedAnnouncement[] = []
  private readonly counts = { documents: 0, known: 0, unused: 0, heard: 0 }
  private readonly bundles = new Set<string>()
  private readonly missing = new Set<string>()

  constructor(
    private readonly peer: CarriedPeer,
    private state: TrustState,
    private readonly nowMs: number,
    private readonly dryRun = false
  ) {}

  get carried(): Carried {
    return { ...this.counts, bundles: [...this.bundles], missingBundles: [...this.missing] }
  }

  async carry(document: Uint8Array): Promise<void> {
    const bytes = this.batch.reduce((sum, each) => sum + each.byteLength, document.byteLength)
    if (bytes > batchBytesMax || this.batch.length >= batchMax) await this.end()
    this.batch.push(document)
  }

  /** Waits for what was carried so far. @throws InstarError NotTrusted for a document that is wrong under every trust state */
  async end(): Promise<void> {
    const documents = this.batch
    this.batch = []
    if (documents.length === 0) return
    for (const verdict of this.dryRun ? this.judge(documents) : await this.peer.submit({ documents }))
      this.count(verdict)
  }

  async carryAnnouncement(announcement: CarriedAnnouncement): Promise<void> {
    this.said.push(announcement)
    if (this.said.length >= batchMax) await this.endAnnouncements()
  }

  /** What is old, or of peers that do not count here, is no fault of the file. A trial run takes none: only the peer knows what it has heard. */
  async endAnnouncements(): Promise<void> {
    const { said } = this
    this.said = []
    if (said.length === 0 || this.dryRun) return
    const verdicts = await this.peer.hear(said)
    this.counts.heard += verdicts.filter(each => each.verdict === 'accept').length
  }

  async hasBundle(id: string): Promise<boolean> {
    return this.bundles.has(id) || (await this.peer.bundle(id)).complete
  }

  missingBundle(id: string): void {
    this.missing.add(id)
  }

  /** The files of the bundle that are still to come. */
  async beginBundle(id: string, manifest: Uint8Array): Promise<ReadonlySet<string>> {
    return new Set(this.dryRun ? [] : (await this.peer.putManifest(id, manifest)).missing)
  }

  async carryFile(id: string, path: string, bytes: AsyncIterable<Uint8Array> | Uint8Array): Promise<void> {
    await this.peer.putFile(id, path, bytes instanceof Uint8Array ? once(bytes) : bytes)
  }

  async endBundle(id: string): Promise<void> {
    if (this.dryRun || (await this.peer.bundle(id)).complete) this.bundles.add(id)
    else throw new InstarError('BundleInvalid', `The peer did not complete the bundle ${id}; see its log.`)
  }

  private judge(documents: readonly Uint8Array[]): readonly DocumentVerdict[] {
    return documents.map(document => {
      const { verdict, state } = trust(this.state, document, this.nowMs)
      this.state = state
      if (verdict.verdict === 'accept')
        return { document: `${verdict.value.role} ${verdict.value.version}`, verdict: 'accept' }
      return { document: 'document', ...verdict }
    })
  }

  private count({ document, verdict, code, detail }: DocumentVerdict): void {
    if (verdict === 'reject') {
      throw new InstarError('NotTrusted', `The peer refused ${document}: ${detail ?? code ?? 'it did not say why'}.`, {
        detail: { code }
      })
    }
    const isKnown = code === 'Known' || code === 'Older'
    this.counts[verdict === 'accept' ? 'documents' : isKnown ? 'known' : 'unused']++
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
