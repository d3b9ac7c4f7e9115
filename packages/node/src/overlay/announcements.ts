import {
  ignore,
  isNewer,
  messageOf,
  strangersMax,
  type Admission,
  type Announcement,
  type AnnouncementContent,
  type Verdict
} from '@instar/core'
import type { PrivateKey } from '@libp2p/interface'
import type { Logger } from 'pino'
import { countsAt } from '../admission/peer-judge.js'
import type { StoredAnnouncement } from '../store/store.js'
import { envelopeBytesMax, openAnnouncement, readStoredAnnouncement } from './announcement-envelope.js'
import { AnnouncementPace, defaultRates, type AnnouncementRates } from './announcement-pace.js'
import type { Topic } from './gossip.js'
import type { Overlay } from './overlay.js'
import { OwnVoice } from './own-voice.js'
import { announcementTopicName } from './topics.js'

interface HeardAnnouncement {
  readonly statement: Announcement
  /** When its (epoch, seq) last grew, by this peer's clock (§13). */
  readonly receivedAtMs: number
  readonly envelope: Uint8Array
  readonly admission: Admission
}

export interface AnnouncementsInit {
  readonly overlay: Overlay
  readonly identity: PrivateKey
  readonly network: string
  readonly bootEpoch: number
  readonly store: {
    readAnnouncements(): Promise<readonly StoredAnnouncement[]>
    writeAnnouncement(announcement: StoredAnnouncement): Promise<void>
    dropAnnouncement(peer: string): Promise<void>
  }
  readonly rates?: Partial<AnnouncementRates>
  readonly now?: () => number
  readonly random?: () => number
  readonly log: Logger
  /** On what ground a peer that shows this certificate counts (R21). */
  readonly judge: (peer: string, certificate: string | undefined) => Admission
  /** The certificate that this peer shows of itself, in base64. */
  readonly ownCertificate?: () => string | undefined
  /** Each statement that is newer than what was known of its peer, also those restored at start; never this peer's own. */
  onAnnouncement(statement: Announcement, receivedAtMs: number, admission: Admission): void
  /** Peers that are judged otherwise than when their statement was heard. */
  onAdmissions?(admissions: ReadonlyMap<string, Admission>): void
}

/** The newest statement of every peer, and this peer's own (§13). */
export interface Announcements {
  /** Restores what was heard before. Before the overlay starts. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Says what holds now. A change of running version, floor, served range or a phase goes out at once, others coalesced. */
  announce(content: AnnouncementContent): void
  /** This peer shows another certificate now: everybody hears it at once. */
  certificateChanged(): void
  /** Judges everybody anew, because the admission role has spoken. */
  rejudge(): Promise<void>
  /** The newest own envelope, for handing over on a new connection. */
  own(): Uint8Array | undefined
  /** Most recently heard first. */
  heard(): readonly HeardAnnouncement[]
  /** Those that are passed on to others: of peers that count, and have not been silent for so long that they are gone. */
  passedOn(): readonly HeardAnnouncement[]
  heardOf(peer: string): HeardAnnouncement | undefined
  /** Drops what was heard of a peer, here and in the store. */
  forget(peer: string): Promise<void>
  /** Neighbours that follow the topic. */
  followers(): readonly string[]
  /**
   * Takes one signed envelope, by gossip or by sync alike. `accept`: it is newer, it was stored and reported, and its peer counts. What a
   * stranger says is shown to people and passed on to nobody: `ignore`, for what newer trust might admit is no offence (§13).
   *
   * @param ageMs - how long ago the sender heard it; a silent peer must not seem to speak because others talk about it
   */
  submit(envelope: Uint8Array, from: string, ageMs?: number): Promise<Verdict<Announcement>>
  /** Runs for each statement that is newer, with the neighbour that sent it. */
  onHeard(listener: (statement: Announcement, from: string, admission: Admission) => void): () => void
}

/** A statement that nobody has renewed for so long is not passed on. */
const passedOnMs = 30 * 86_400_000
/** Statements that are judged anew before others have their turn. */
const judgedAtOnce = 64
/** Statements of one peer that are taken per minute; it may send 12 + 6 (§13). */
const acceptedPerMinute = 30
const peersMax = 50_000

export function createAnnouncements(init: AnnouncementsInit): Announcements {
  return new GossipedAnnouncements(init)
}

interface Heard extends HeardAnnouncement {
  readonly pace: AnnouncementPace
}

class GossipedAnnouncements implements Announcements {
  private readonly known = new Map<string, Heard>()
  /** Those of them that do not count, least recently heard first. */
  private readonly strangers = new Set<string>()
  private readonly listeners = new Set<Parameters<Announcements['onHeard']>[0]>()
  private readonly topic: Topic
  private readonly rates: AnnouncementRates
  private readonly voice: OwnVoice
  private readonly now: () => number

  constructor(private readonly init: AnnouncementsInit) {
    this.now = init.now ?? Date.now
    this.rates = Object.freeze({ ...defaultRates, ...init.rates })
    this.topic = init.overlay.topic({
      topic: announcementTopicName(init.network),
      bytesMax: envelopeBytesMax,
      validate: (data, from) => this.submit(data, from)
    })
    this.voice = new OwnVoice({
      ...init,
      peer: init.overlay.peerId,
      rates: this.rates,
      now: this.now,
      random: init.random ?? Math.random,
      publish: envelope => this.topic.publish(envelope)
    })
  }

  async start(): Promise<void> {
    for (const { peer, envelope, receivedAtMs } of await this.init.store.readAnnouncements()) {
      const statement = readStoredAnnouncement(envelope)
      if (statement === undefined || peer === this.init.overlay.peerId) continue
      const admission = this.init.judge(peer, statement.certificate)
      this.remember({ statement, receivedAtMs, envelope, admission })
      this.init.onAnnouncement(statement, receivedAtMs, admission)
    }
    this.voice.start()
  }

  stop(): Promise<void> {
    return this.voice.stop()
  }

  announce(content: AnnouncementContent): void {
    this.voice.announce(content)
  }

  certificateChanged(): void {
    this.voice.certificateChanged()
  }

  async rejudge(): Promise<void> {
    const peers = [...this.known.keys()]
    for (let from = 0; from < peers.length; from += judgedAtOnce) {
      // Signatures of thousands may have to be verified again.
      if (from > 0) await new Promise(resolve => setImmediate(resolve))
      const judged = new Map<string, Admission>()
      for (const peer of peers.slice(from, from + judgedAtOnce)) {
        const heard = this.known.get(peer)
        if (heard === undefined) continue
        const admission = this.init.judge(peer, heard.statement.certificate)
        if (JSON.stringify(admission) === JSON.stringify(heard.admission)) continue
        this.known.set(peer, { ...heard, admission })
        this.noteStranger(peer, admission)
        judged.set(peer, admission)
      }
      if (judged.size > 0) this.init.onAdmissions?.(judged)
    }
  }

  own(): Uint8Array | undefined {
    return this.voice.envelope
  }

  heard(): readonly HeardAnnouncement[] {
    return [...this.known.values()].reverse()
  }

  passedOn(): readonly HeardAnnouncement[] {
    const nowMs = this.now()
    return this.heard().filter(
      ({ admission, receivedAtMs }) =>
        countsAt(admission, nowMs) && (admission.by === 'certificate' || nowMs - receivedAtMs <= passedOnMs)
    )
  }

  heardOf(peer: string): HeardAnnouncement | undefined {
    return this.known.get(peer)
  }

  followers(): readonly string[] {
    return this.topic.subscribers()
  }

  async forget(peer: string): Promise<void> {
    this.known.delete(peer)
    this.strangers.delete(peer)
    await this.init.store.dropAnnouncement(peer)
  }

  onHeard(listener: Parameters<Announcements['onHeard']>[0]): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async submit(envelope: Uint8Array, from: string, ageMs = 0): Promise<Verdict<Announcement>> {
    const opened = await openAnnouncement(envelope, this.init.network)
    if (opened.verdict !== 'accept') return opened
    const statement = opened.value
    const nowMs = this.now()
    if (statement.peer === this.init.overlay.peerId) return this.voice.hear(statement)
    const before = this.known.get(statement.peer)
    if (before !== undefined && !isNewer(statement, before.statement))
      return ignore('Known', 'the same or a newer statement of this peer is here')
    if ((before?.pace.waitMs(true, nowMs) ?? 0) > 0) return ignore('TooOften', 'its peer speaks more often than it may')
    const admission = this.init.judge(statement.peer, statement.certificate)
    if (before === undefined && admission.by !== 'nothing' && this.known.size - this.strangers.size >= peersMax)
      return ignore('Full', `${peersMax} peers are known`)
    const heard = { statement, receivedAtMs: nowMs - Math.max(0, ageMs), envelope, admission }
    this.remember(heard)
    // Strangers say everything again; a disk must not fill with them.
    if (admission.by !== 'nothing') await this.keep(heard)
    this.init.onAnnouncement(statement, heard.receivedAtMs, admission)
    for (const listener of this.listeners) listener(statement, from, admission)
    if (admission.by === 'nothing') return ignore(admission.code, admission.reason)
    return countsAt(admission, nowMs) ? opened : ignore('NotAdmitted', 'its certificate does not count now')
  }

  private noteStranger(peer: string, { by }: Admission): void {
    this.strangers.delete(peer)
    if (by === 'nothing') this.strangers.add(peer)
  }

  private forgetSurplus(): void {
    const [oldest] = this.strangers
    if (oldest === undefined || this.strangers.size <= strangersMax) return
    this.strangers.delete(oldest)
    this.known.delete(oldest)
  }

  private remember(heard: HeardAnnouncement): void {
    const { peer } = heard.statement
    const accepted = { ...this.rates, urgentPerMinute: acceptedPerMinute }
    const pace = this.known.get(peer)?.pace ?? new AnnouncementPace(accepted, this.now())
    pace.sent(true, this.now())
    // The map's order is the order of hearing.
    this.known.delete(peer)
    this.known.set(peer, { ...heard, pace })
    this.noteStranger(peer, heard.admission)
    this.forgetSurplus()
  }

  private async keep({ statement, receivedAtMs, envelope }: HeardAnnouncement): Promise<void> {
    const { version, chainId } = statement.running
    try {
      await this.init.store.writeAnnouncement({ peer: statement.peer, envelope, version, chainId, receivedAtMs })
    } catch (thrown) {
      // Peers say everything again: a full disk must not make this one deaf.
      this.init.log.warn({ cause: messageOf(thrown) }, 'could not keep an announcement')
    }
  }
}
