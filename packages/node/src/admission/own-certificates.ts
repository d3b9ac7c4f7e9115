import { InstarError, ignore, messageOf, reject, type Verdict } from '@instar/core'
import { isRevoked, parseCertificate, verifyCertificate, type Certificate, type TrustState } from '@instar/signer'
import type { Logger } from 'pino'
import type { Store } from '../store/store.js'

/** One of this peer's certificates. */
export interface OwnCertificate {
  readonly bytes: Uint8Array
  /** In base64, as statements carry it. */
  readonly text: string
  readonly certificate: Certificate
  /** Whether it counts by the trust and the clock of this peer. */
  readonly counts: boolean
}

export interface OwnCertificatesInit {
  readonly peer: string
  readonly network: string
  readonly trusted: () => TrustState
  readonly store: Pick<Store, 'readValue' | 'writeValue'>
  readonly now: () => number
  readonly log: Logger
}

/** The certificates that this peer was given, durable; the one that is shown is the best of them. */
export interface OwnCertificates {
  /** Restores what was kept. Before anything else is asked. */
  start(): Promise<void>
  /** Takes one that somebody handed over; on disk before it answers `accept`. Signed by keys that are not known here yet, it waits for trust. */
  offer(bytes: Uint8Array): Promise<Verdict<Certificate>>
  /** Keeps one that this peer made for itself with an invitation, before it can know who signed that. */
  adopt(bytes: Uint8Array): Promise<void>
  /** Offers again what waited: trust has changed. @returns whether one of them was taken */
  retry(): Promise<boolean>
  /** The one to show: one that counts here before one that does not, then the one that ends last. */
  current(): OwnCertificate | undefined
}

const storeKey = 'own-certificates'
/** The one in use, its successor, and some that may have to wait. */
const keptMax = 4

export function createOwnCertificates(init: OwnCertificatesInit): OwnCertificates {
  return new StoredCertificates(init)
}

class StoredCertificates implements OwnCertificates {
  private kept: readonly Uint8Array[] = []
  /** Not kept on disk: whoever sent it will send it again, and a stranger must not push out what counts. */
  private waiting: readonly Uint8Array[] = []
  private verified: { readonly under: TrustState | undefined; readonly texts: Map<string, boolean> } = {
    under: undefined,
    texts: new Map()
  }

  constructor(private readonly init: OwnCertificatesInit) {}

  async start(): Promise<void> {
    try {
      const stored = await this.init.store.readValue(storeKey)
      if (stored === undefined) return
      const texts: unknown = JSON.parse(Buffer.from(stored).toString('utf8'))
      if (!Array.isArray(texts)) return
      this.kept = texts.map(text => new Uint8Array(Buffer.from(String(text), 'base64')))
    } catch (thrown) {
      // It can be given again; a peer that does not start because of it would be worse off.
      this.init.log.error({ cause: messageOf(thrown) }, 'the stored certificates of this peer cannot be read')
    }
  }

  async offer(bytes: Uint8Array): Promise<Verdict<Certificate>> {
    const { trusted, peer, now } = this.init
    const verified = verifyCertificate(trusted(), bytes)
    if (verified.verdict === 'ignore') this.wait(bytes)
    if (verified.verdict !== 'accept') return verified
    if (verified.value.peer !== peer) return reject('NotAdmitted', 'it is for another peer')
    if (now() >= verified.value.expiresMs) return ignore('CertificateExpired', 'it has ended')
    if (isRevoked(trusted(), verified.value)) return ignore('CertificateRevoked', 'it was revoked')
    if (this.kept.some(each => Buffer.from(each).equals(bytes))) return ignore('Known', 'it is here already')
    await this.keep(bytes)
    return verified
  }

  async adopt(bytes: Uint8Array): Promise<void> {
    if (!this.kept.some(each => Buffer.from(each).equals(bytes))) await this.keep(bytes)
  }

  async retry(): Promise<boolean> {
    const { waiting } = this
    this.waiting = []
    const verdicts: Verdict<Certificate>[] = []
    for (const bytes of waiting) verdicts.push(await this.offer(bytes))
    return verdicts.some(each => each.verdict === 'accept')
  }

  current(): OwnCertificate | undefined {
    return this.ranked(this.kept)[0]
  }

  private async keep(bytes: Uint8Array): Promise<void> {
    const best = this.ranked([...this.kept, bytes]).slice(0, keptMax)
    const texts = best.map(each => each.text)
    await this.init.store.writeValue(storeKey, Buffer.from(JSON.stringify(texts)))
    this.kept = best.map(each => each.bytes)
  }

  private wait(bytes: Uint8Array): void {
    const others = this.waiting.filter(each => !Buffer.from(each).equals(bytes))
    this.waiting = [...others, bytes].slice(-keptMax)
  }

  private ranked(list: readonly Uint8Array[]): readonly OwnCertificate[] {
    const nowMs = this.init.now()
    return list
      .flatMap(bytes => this.read(bytes, nowMs))
      .filter(({ certificate }) => nowMs < certificate.expiresMs)
      .sort((a, b) => Number(b.counts) - Number(a.counts) || b.certificate.expiresMs - a.certificate.expiresMs)
  }

  /** Asked at every look at the peer: signatures are verified once for each state of trust. */
  private verifies(text: string, bytes: Uint8Array): boolean {
    const state = this.init.trusted()
    if (this.verified.under !== state) this.verified = { under: state, texts: new Map() }
    const known = this.verified.texts.get(text) ?? verifyCertificate(state, bytes).verdict === 'accept'
    this.verified.texts.set(text, known)
    return known
  }

  private read(bytes: Uint8Array, nowMs: number): OwnCertificate[] {
    const { trusted, network } = this.init
    try {
      const certificate = parseCertificate(bytes, network)
      const text = Buffer.from(bytes).toString('base64')
      const counts =
        this.verifies(text, bytes) &&
        !isRevoked(trusted(), certificate) &&
        certificate.notBeforeMs <= nowMs &&
        nowMs < certificate.expiresMs
      return [{ bytes, text, certificate, counts }]
    } catch (thrown) {
      if (!(thrown instanceof InstarError)) throw thrown
      this.init.log.error({ cause: thrown.message }, 'a stored certificate of this peer is damaged')
      return []
    }
  }
}
