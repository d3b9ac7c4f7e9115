import { epochMax, ignore, messageOf, type Announcement, type AnnouncementContent, type Verdict } from '@instar/core'
import type { PrivateKey } from '@libp2p/interface'
import type { Logger } from 'pino'
import { sealAnnouncement } from './announcement-envelope.js'
import { AnnouncementPace, type AnnouncementRates } from './announcement-pace.js'

export interface OwnVoiceInit {
  readonly network: string
  readonly peer: string
  readonly identity: PrivateKey
  readonly bootEpoch: number
  readonly rates: AnnouncementRates
  readonly now: () => number
  readonly random: () => number
  readonly log: Logger
  /** The certificate that this peer shows of itself, in base64. */
  readonly ownCertificate?: () => string | undefined
  readonly publish: (envelope: Uint8Array) => Promise<unknown>
}

/** What this peer says of itself, and when: at once what others decide by, everything else now and then (§13). */
export class OwnVoice {
  private readonly pace: AnnouncementPace
  private content: AnnouncementContent | undefined
  private said: AnnouncementContent | undefined
  private saidCertificate: string | undefined
  private newest: Uint8Array | undefined
  private epoch: number
  private seq = 0
  private refreshAtMs = 0
  private timer: NodeJS.Timeout | undefined
  private running = false
  private saying: Promise<void> = Promise.resolve()

  constructor(private readonly init: OwnVoiceInit) {
    this.pace = new AnnouncementPace(init.rates, init.now())
    this.epoch = init.bootEpoch
  }

  /** The newest statement, sealed. */
  get envelope(): Uint8Array | undefined {
    return this.newest
  }

  start(): void {
    this.running = true
    this.plan()
  }

  async stop(): Promise<void> {
    this.running = false
    clearTimeout(this.timer)
    await this.saying
  }

  announce(content: AnnouncementContent): void {
    this.content = content
    this.plan()
  }

  certificateChanged(): void {
    this.plan()
  }

  /** A newer statement by this peer's own key: its data directory was restored or copied. Others would take it for silent. */
  hear(statement: Announcement): Verdict<Announcement> {
    if (statement.epoch < this.epoch || (statement.epoch === this.epoch && statement.seq <= this.seq))
      return ignore('Known', 'it is my own')
    this.init.log.warn(
      { epoch: this.epoch, heard: statement.epoch },
      'another statement of this peer is newer than any it made: was its data directory restored from a backup, or copied?'
    )
    if (statement.epoch >= epochMax) return ignore('Own', 'nothing newer can be said after it')
    this.epoch = statement.epoch + 1
    this.seq = 0
    this.said = undefined
    this.plan()
    return ignore('Own', 'it is by my key, and not by me')
  }

  /** Sets the one timer to when the next statement is due: for a change, or as a refresh. */
  private plan(): void {
    if (!this.running || this.content === undefined) return
    clearTimeout(this.timer)
    const shows = this.saidCertificate === this.init.ownCertificate?.()
    const change = shows ? changeBetween(this.said, this.content) : 'urgent'
    const waitMs =
      change === 'none'
        ? Math.max(0, this.refreshAtMs - this.init.now())
        : this.pace.waitMs(change === 'urgent', this.init.now())
    if (change !== 'none' && waitMs === 0) this.say(change === 'urgent')
    else this.timer = setTimeout(() => this.say(change === 'urgent'), waitMs)
  }

  private say(urgent: boolean): void {
    const { content } = this
    if (content === undefined || !this.running) return
    this.said = content
    this.pace.sent(urgent, this.init.now())
    this.refreshAtMs = this.init.now() + this.init.rates.refreshMs * (0.75 + this.init.random() / 2)
    const { network, peer, identity } = this.init
    const certificate = this.init.ownCertificate?.()
    this.saidCertificate = certificate
    const statement: Announcement = {
      ...content,
      format: 1,
      network,
      peer,
      epoch: this.epoch,
      seq: ++this.seq,
      ...(certificate === undefined ? {} : { certificate })
    }
    this.saying = this.saying.then(async () => {
      try {
        const envelope = await sealAnnouncement(statement, identity)
        this.newest = envelope
        await this.init.publish(envelope)
      } catch (thrown) {
        // The next neighbour learns it by sync, all others at the next refresh.
        this.init.log.warn({ cause: messageOf(thrown) }, 'could not announce')
      }
    })
    this.plan()
  }
}

function changeBetween(
  before: AnnouncementContent | undefined,
  after: AnnouncementContent
): 'urgent' | 'slow' | 'none' {
  if (before === undefined || urgentPart(before) !== urgentPart(after)) return 'urgent'
  return JSON.stringify(before) === JSON.stringify(after) ? 'none' : 'slow'
}

function urgentPart({ running, floor, served, versions }: AnnouncementContent): string {
  const phases = versions.map(({ version, chainId, phase }) => [version, chainId, phase])
  return JSON.stringify([running.version, running.chainId, floor, served, phases])
}
