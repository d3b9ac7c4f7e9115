import { InstarError, type Admission, type Announcement, type Verdict } from '@instar/core'
import {
  acceptInvitation,
  admissionOf,
  parseCertificate,
  parseInvitation,
  sameAdmission,
  verifyCertificate,
  type BearerInvitation,
  type Certificate,
  type TrustState
} from '@instar/signer'
import type { Logger } from 'pino'
import type { Store } from '../store/store.js'
import type { TrustService } from '../trust/trust-service.js'
import { createMailbox, type Mailbox } from './mailbox.js'
import { createOwnCertificates, type OwnCertificate, type OwnCertificates } from './own-certificates.js'
import { createPeerJudge, type PeerJudge } from './peer-judge.js'

export interface AdmissionServiceInit {
  /** This peer. */
  readonly peer: string
  readonly network: string
  readonly trust: Pick<TrustService, 'state' | 'onChange'>
  readonly store: Pick<Store, 'readValue' | 'writeValue'>
  readonly now: () => number
  readonly log: Logger
  /** The admission role has spoken, or its keys are others: every peer is judged anew. Resolves when that is done. */
  readonly onChange: () => Promise<void>
  /** This peer shows another certificate than before. */
  readonly onOwnChange: () => void
  /** Exchanges with a peer, dialling it where needed: in the exchange it is given what waits for it. */
  readonly reach: (peer: string) => Promise<void>
}

/** What became of a certificate that an operator handed in. */
interface SubmittedCertificate {
  readonly certificate: Certificate
  /** `kept`: it is this peer's own. `handedOver`: its peer was reached. `waits`: it goes to its peer when the two meet. */
  readonly outcome: 'kept' | 'handedOver' | 'waits'
}

/** Who counts here, and with what this peer shows that it counts itself (R21, §5). */
export interface AdmissionService {
  /** After trust, before announcements. */
  start(): Promise<void>
  stop(): Promise<void>
  judge(peer: string, certificate: string | undefined): Admission
  /** Resolves when every peer is judged by the trust held now. A newcomer decides nothing before. */
  settled(): Promise<void>
  own(): OwnCertificate | undefined
  /** This peer as others judge it: what its operator has to know. */
  ownAdmission(): Admission
  /**
   * Admits this peer by the invitation of its ticket, unless it has a certificate that ends later. @throws InstarError BadTicket
   */
  accept(invitation: BearerInvitation): Promise<void>
  /** What waits for this peer, to be given to it. */
  waitingFor(peer: string): readonly Uint8Array[]
  /** A neighbour hands over a certificate: this peer's own, or nothing that is wanted. */
  offer(bytes: Uint8Array): Promise<Verdict<Certificate>>
  /** @throws InstarError BadInput, NotTrusted, WrongNetwork */
  submit(bytes: Uint8Array): Promise<SubmittedCertificate>
  /** A statement was heard: what it shows need not be handed on any more. */
  heard(statement: Announcement): void
}

/** How often it is looked whether another certificate counts now, and a peer for whom one waits is dialled. */
const lookEveryMs = 60_000

export function createAdmissionService(init: AdmissionServiceInit): AdmissionService {
  return new PeerAdmission(init)
}

class PeerAdmission implements AdmissionService {
  private readonly peers: PeerJudge
  private readonly certificates: OwnCertificates
  private readonly mailbox: Mailbox
  private trusted: TrustState
  private shown: string | undefined
  private judging: Promise<void> = Promise.resolve()
  private leave: (() => void) | undefined
  private timer: NodeJS.Timeout | undefined
  private dialled = 0

  constructor(private readonly init: AdmissionServiceInit) {
    const trusted = (): TrustState => init.trust.state()
    this.trusted = trusted()
    this.peers = createPeerJudge(trusted)
    this.certificates = createOwnCertificates({ ...init, trusted })
    this.mailbox = createMailbox({ ...init, trusted })
  }

  async start(): Promise<void> {
    await this.certificates.start()
    await this.mailbox.start()
    this.trusted = this.init.trust.state()
    this.shown = this.own()?.text
    this.leave = this.init.trust.onChange(() => this.trustChanged())
    this.timer = setInterval(() => this.look(), lookEveryMs).unref()
  }

  async stop(): Promise<void> {
    this.leave?.()
    clearInterval(this.timer)
    await this.judging
  }

  judge(peer: string, certificate: string | undefined): Admission {
    return this.peers.judge(peer, certificate)
  }

  settled(): Promise<void> {
    return this.judging
  }

  own(): OwnCertificate | undefined {
    return this.certificates.current()
  }

  ownAdmission(): Admission {
    return this.peers.judge(this.init.peer, this.own()?.text)
  }

  async accept(invitation: BearerInvitation): Promise<void> {
    const { network, peer, now, log } = this.init
    const has = this.own()
    const terms = parseInvitation(invitation.document, network)
    if (has !== undefined && (terms.verdict !== 'accept' || has.certificate.expiresMs >= terms.value.expiresMs)) return
    await this.certificates.adopt(await acceptInvitation(invitation, { network, peer, nowMs: now() }))
    log.info({ invitation: terms.verdict === 'accept' ? terms.value.serial : undefined }, 'admitted by an invitation')
    this.lookAtOwn()
  }

  waitingFor(peer: string): readonly Uint8Array[] {
    const bytes = this.mailbox.of(peer)
    return bytes === undefined ? [] : [bytes]
  }

  async offer(bytes: Uint8Array): Promise<Verdict<Certificate>> {
    const verdict = await this.certificates.offer(bytes)
    if (verdict.verdict === 'accept') this.tookOwn(verdict.value)
    return verdict
  }

  async submit(bytes: Uint8Array): Promise<SubmittedCertificate> {
    const { peer, network, now, reach, log } = this.init
    const certificate = parseCertificate(bytes, network)
    if (now() >= certificate.expiresMs)
      throw new InstarError('BadInput', `The certificate ended at ${time(certificate.expiresMs)}: sign a new one.`)
    const verified = verifyCertificate(this.init.trust.state(), bytes)
    if (verified.verdict !== 'accept') {
      throw new InstarError(
        verified.verdict === 'reject' ? 'BadInput' : 'NotTrusted',
        `No peer that trusts what this one does would take the certificate: ${verified.detail}.`
      )
    }
    if (certificate.peer === peer) {
      const taken = await this.offer(bytes)
      if (taken.verdict !== 'accept' && taken.code !== 'Known')
        throw new InstarError('BadInput', `The certificate cannot be used: ${taken.detail}.`)
      return { certificate, outcome: 'kept' }
    }
    await this.mailbox.put(certificate, bytes)
    try {
      await reach(certificate.peer)
      return { certificate, outcome: 'handedOver' }
    } catch (thrown) {
      log.info({ err: thrown, peer: certificate.peer }, 'a certificate waits for its peer')
      return { certificate, outcome: 'waits' }
    }
  }

  heard({ peer, certificate }: Announcement): void {
    if (certificate === undefined || this.mailbox.of(peer) === undefined) return
    const verified = verifyCertificate(this.init.trust.state(), new Uint8Array(Buffer.from(certificate, 'base64')))
    if (verified.verdict === 'accept' && verified.value.peer === peer) this.mailbox.seen(peer, verified.value.expiresMs)
  }

  private tookOwn({ serial, expiresMs }: Certificate): void {
    this.init.log.info({ serial, expires: time(expiresMs) }, 'this peer was given a certificate')
    this.lookAtOwn()
  }

  private trustChanged(): void {
    const state = this.init.trust.state()
    const same = sameAdmission(this.trusted, state)
    this.trusted = state
    if (same) return
    const { policy, revoked, groups } = admissionOf(state)
    this.init.log.info({ policy, revoked: revoked.size, groups: groups.size }, 'the admission role has spoken')
    const judge = async (): Promise<void> => {
      await this.certificates.retry()
      this.lookAtOwn()
      await this.init.onChange()
    }
    this.judging = this.judging.then(judge).catch((thrown: unknown) => {
      this.init.log.error({ err: thrown }, 'not every peer could be judged anew')
    })
  }

  private look(): void {
    this.lookAtOwn()
    const waiting = this.mailbox.peers()
    const peer = waiting[this.dialled++ % Math.max(1, waiting.length)]
    if (peer === undefined) return
    this.init
      .reach(peer)
      .catch((thrown: unknown) => this.init.log.debug({ err: thrown, peer }, 'a certificate still waits for its peer'))
  }

  private lookAtOwn(): void {
    const text = this.own()?.text
    if (text === this.shown) return
    this.shown = text
    this.init.onOwnChange()
  }
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
