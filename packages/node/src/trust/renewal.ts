import { InstarError, messageOf } from '@instar/core'
import { refreshTimestamp, renewalDue, type Expiry, type RenewalDue } from '@instar/signer'
import type { Logger } from 'pino'
import type { AuditLog } from '../audit/audit-log.js'
import type { OnlineSigner } from './online-signer.js'
import type { TrustService } from './trust-service.js'

export interface RenewalInit {
  readonly trust: Pick<TrustService, 'state' | 'submit' | 'onChange'>
  readonly signer: OnlineSigner
  readonly audit: Pick<AuditLog, 'append'>
  /** How long what is signed lives; default: that of the signer. */
  readonly expiry?: Partial<Expiry>
  readonly wallMs: () => number
  readonly monoMs: () => number
  readonly random?: () => number
  /** Calls back once after this time; returns how to take that back. Default: a timer. */
  readonly after?: (delayMs: number, callback: () => void) => () => void
  /** How often it looks at the clock, at least. Default a minute. */
  readonly lookEveryMs?: number
  readonly log: Logger
  /** What is shown has changed. */
  onChange?(): void
}

/** Keeps the trust documents fresh without a server: a peer that holds online keys signs in time (§5). */
export interface Renewal {
  /** Signs nothing before {@link caughtUp}, or a minute: whoever was away knows the newest documents only from its neighbours. */
  start(): void
  /** An exchange with a neighbour is complete, or there is nobody to ask. */
  caughtUp(): void
  status(): RenewalStatus
  /** Waits for what is being signed. */
  stop(): Promise<void>
}

export interface RenewalStatus {
  /** When it signs next by the wall clock, unless somebody else does first. */
  readonly nextMs: number | undefined
  /** Why it cannot, a sentence for the operator. */
  readonly problem: string | undefined
}

/** Documents of one publication follow each other faster than this: its own snapshot may be on its way. */
const settleMs = 300
/** Signers after the first let those before them sign, and look again. */
const turnMs = 2000
/** Half life, and up to this part of it later: of many holders of one key most find it done. */
const jitterShare = 0.1
/** The wall clock is looked at this often, however far off the next time is: clocks are set, and machines sleep. */
const lookEveryDefaultMs = 60_000
const catchUpMs = 60_000
/** A wall clock that went this much further than the other clock was set, or the machine slept: it may be set once more. */
const clockJumpMs = 10 * 60_000
const clockSettleMs = 2 * 60_000
/** Between one signature and the next, whatever happens. */
const pauseMs = 1000
const retryMinMs = 30_000
const retryMaxMs = 3_600_000

export function createRenewal(init: RenewalInit): Renewal {
  return new TimedRenewal(init)
}

class TimedRenewal implements Renewal {
  private readonly after
  private readonly random
  private readonly lookEveryMs
  private cancel: (() => void) | undefined
  private leave: (() => void) | undefined
  private isCaughtUp = false
  private isStopped = false
  private signing: Promise<void> | undefined
  private lateness = 0
  private waitUntilMonoMs = 0
  private failures = 0
  private offsetMs: number
  private nextMs: number | undefined
  private problem: string | undefined

  constructor(private readonly init: RenewalInit) {
    this.after = init.after ?? afterTimer
    this.random = init.random ?? Math.random
    this.lookEveryMs = init.lookEveryMs ?? lookEveryDefaultMs
    this.lateness = this.random() * jitterShare
    this.offsetMs = init.wallMs() - init.monoMs()
  }

  start(): void {
    if (!this.isCaughtUp) this.waitUntilMonoMs = this.init.monoMs() + catchUpMs
    this.leave = this.init.trust.onChange(() => this.lookIn(this.turnMs()))
    this.lookIn(this.turnMs())
  }

  caughtUp(): void {
    if (this.isCaughtUp) return
    this.isCaughtUp = true
    this.waitUntilMonoMs = 0
    this.lookIn(this.turnMs())
  }

  status(): RenewalStatus {
    return { nextMs: this.nextMs, problem: this.problem }
  }

  async stop(): Promise<void> {
    this.isStopped = true
    this.leave?.()
    this.cancel?.()
    await this.signing
  }

  private turnMs(): number {
    return settleMs + this.init.signer.index * turnMs
  }

  /** Every new document brings a new look: the last one plans the next. */
  private lookIn(delayMs: number): void {
    this.cancel?.()
    if (this.isStopped) return
    this.cancel = this.after(Math.min(delayMs, this.lookEveryMs), () => {
      this.cancel = undefined
      this.signing ??= this.look().finally(() => (this.signing = undefined))
    })
  }

  private async look(): Promise<void> {
    this.watchClock()
    const due = renewalDue(this.init.trust.state(), this.init.expiry)
    const atMs = due === undefined ? undefined : this.dueMs(due)
    this.show(atMs, due === undefined ? undefined : this.problem)
    if (due === undefined || atMs === undefined) {
      this.lookIn(this.lookEveryMs)
      return
    }
    const waitMs = Math.max(atMs - this.init.wallMs(), this.waitUntilMonoMs - this.init.monoMs())
    // A look at once would only find the same.
    if (waitMs > 0) {
      this.lookIn(Math.max(waitMs, settleMs))
      return
    }
    try {
      await this.sign(due)
      this.failures = 0
      this.lateness = this.random() * jitterShare
      this.waitUntilMonoMs = this.init.monoMs() + pauseMs
      this.show(this.nextMs, undefined)
      this.lookIn(settleMs)
    } catch (thrown) {
      if (this.isStopped) return
      const retryMs = Math.min(retryMinMs * 2 ** this.failures++, retryMaxMs)
      this.waitUntilMonoMs = this.init.monoMs() + retryMs
      const problem = `The trust documents could not be renewed here: ${messageOf(thrown)}`
      if (problem !== this.problem)
        this.init.log.warn({ cause: messageOf(thrown) }, 'could not renew the trust documents')
      this.show(this.nextMs, problem)
      this.lookIn(retryMs)
    }
  }

  private dueMs({ why, atMs }: RenewalDue): number {
    if (why === 'join') return atMs
    const { timestamp } = this.init.trust.state()
    const leftMs = Math.max(0, (timestamp?.expiresMs ?? atMs) - atMs)
    return atMs + leftMs * 2 * this.lateness
  }

  private async sign({ why }: RenewalDue): Promise<void> {
    const { trust, signer, audit } = this.init
    const state = trust.state()
    const { documents } = await refreshTimestamp(state, signer.keysFor(state), this.init.wallMs(), this.init.expiry)
    // On record before anybody sees what it is about.
    await audit.append(...documents.map(document => ({ event: 'signed' as const, why, ...saysOf(document) })))
    for (const document of documents) {
      const verdict = await trust.submit(document, 'renewal')
      if (verdict.verdict === 'accept') continue
      // Somebody was faster, between the look and now: that is as good.
      if (verdict.verdict === 'ignore' && trust.state() !== state) return
      throw new InstarError('NotTrusted', `the new document was refused (${verdict.code}: ${verdict.detail})`)
    }
    this.init.log.info({ why, documents: documents.length }, 'renewed the trust documents')
  }

  /** What was signed by a clock that is wrong by years would count as fresh for years. */
  private watchClock(): void {
    const offsetMs = this.init.wallMs() - this.init.monoMs()
    const jumpMs = offsetMs - this.offsetMs
    this.offsetMs = offsetMs
    if (Math.abs(jumpMs) < clockJumpMs) return
    this.init.log.warn({ jumpMs: Math.round(jumpMs) }, 'the wall clock jumped: nothing is signed for two minutes')
    this.waitUntilMonoMs = Math.max(this.waitUntilMonoMs, this.init.monoMs() + clockSettleMs)
  }

  private show(nextMs: number | undefined, problem: string | undefined): void {
    if (nextMs === this.nextMs && problem === this.problem) return
    this.nextMs = nextMs
    this.problem = problem
    this.init.onChange?.()
  }
}

function afterTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs)
  return () => clearTimeout(timer)
}

/** Of a document that was signed a moment ago, for the audit log. */
function saysOf(document: Uint8Array): { role: string; number: number; keys: string[] } {
  const { signed, signatures } = JSON.parse(new TextDecoder().decode(document)) as {
    signed: { _type: string; version: number }
    signatures: { keyid: string }[]
  }
  return { role: signed._type, number: signed.version, keys: signatures.map(({ keyid }) => keyid.slice(0, 16)) }
}
