import { ignore, messageOf, type Announcement, type Verdict, isNewer } from '@instar/core'
import type { PrivateKey } from '@libp2p/interface'
import type { Logger } from 'pino'
import type { StoredAnnouncement } from '../store/store.js'
import {
  envelopeBytesMax,
  openAnnouncement,
  readStoredAnnouncement,
  sealAnnouncement
} from './announcement-envelope.js'
import { AnnouncementPace, defaultRates, type AnnouncementRates } from './announcement-pace.js'
import type { Topic } from './gossip.js'
import type { Overlay } from './overlay.js'
import { announcementTopicName } from './topics.js'

/** What a peer says about itself; the rest of the statement is added here. */
export type AnnouncementContent = Omit<Announcement, 'format' | 'network' | 'peer' | 'epoch' | 'seq'>

interface HeardAnnouncement {
  readonly statement: Announcement
  /** When its (epoch, seq) last grew, by this peer's clock (§13). */
  readonly receivedAtMs: number
  readonly envelope: Uint8Array
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
  /** Each statement that is newer than what was known of its peer, also those restored at start; never this peer's own. */
  onAnnouncement(statement: Announcement, receivedAtMs: number): void
}

/** The newest statement of every peer, and this peer's own (§13). */
export interface Announcements {
  /** Restores what was heard before. Before the overlay starts. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Says what holds now. A change of running version, floor, served range or a phase goes out at once, others coalesced. */
  announce(content: AnnouncementContent): void
  /** The newest own envelope, for handing over on a new connection. */
  own(): Uint8Array | undefined
  /** Most recently heard first. */
  heard(): readonly HeardAnnouncement[]
  heardOf(peer: string): HeardAnnouncement | undefined
  /** Drops what was heard of a peer, here and in the store. */
  forget(peer: string): Promise<void>
  /** Neighbours that follow the topic. */
  followers(): readonly string[]
  /** Takes one signed envelope, by gossip or by sync alike. `accept`: it is newer, it was stored and reported. */
  submit(envelope: Uint8Array, from: string): Promise<Verdict<Announcement>>
  /** Runs for each accepted statement with the neighbour that sent it. */
  onHeard(listener: (statement: Announcement, from: string) => void): () => void
}

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
  private readonly listeners = new Set<(statement: Announcement, from: string) => void>()
  private readonly topic: Topic
  private readonly rates: AnnouncementRates
  private readonly pace: AnnouncementPace
  private readonly now: () => number
  private readonly random: () => number
  private content: AnnouncementContent | undefined
  private said: AnnouncementContent | undefined
  private ownEnvelope: Uint8Array | undefined
  private epoch: number
  private seq = 0
  private refreshAtMs = 0
  private timer: NodeJS.Timeout | undefined
  private running = false
  private saying: Promise<void> = Promise.resolve()

  constructor(private readonly init: AnnouncementsInit) {
    this.now = init.now ?? Date.now
    this.random = init.random ?? Math.random
    this.rates = Object.freeze({ ...defaultRates, ...init.rates })
    this.pace = new AnnouncementPace(this.rates, this.now())
    this.epoch = init.bootEpoch
    this.topic = init.overlay.topic({
      topic: announcementTopicName(init.network),
      bytesMax: envelopeBytesMax,
      validate: (data, from) => this.submit(data, from)
    })
  }

  async start(): Promise<void> {
    for (const { peer, envelope, receivedAtMs } of await this.init.store.readAnnouncements()) {
      const statement = readStoredAnnouncement(envelope)
      if (statement === undefined || peer === this.init.overlay.peerId) continue
      this.remember({ statement, receivedAtMs, envelope })
      this.init.onAnnouncement(statement, receivedAtMs)
    }
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

  own(): Uint8Array | undefined {
    return this.ownEnvelope
  }

  heard(): readonly HeardAnnouncement[] {
    return [...this.known.values()].reverse()
  }

  heardOf(peer: string): HeardAnnouncement | undefined {
    return this.known.get(peer)
  }

  followers(): readonly string[] {
    return this.topic.subscribers()
  }

  async forget(peer: string): Promise<void> {
    this.known.delete(peer)
    await this.init.store.dropAnnouncement(peer)
  }

  onHeard(listener: (statement: Announcement, from: string) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  async submit(envelope: Uint8Array, from: string): Promise<Verdict<Announcement>> {
    const opened = await openAnnouncement(envelope, this.init.network)
    if (opened.verdict !== 'accept') return opened
    const statement = opened.value
    const nowMs = this.now()
    if (statement.peer === this.init.overlay.peerId) return this.hearOwn(statement)
    const before = this.known.get(statement.peer)
    if (before !== undefined && !isNewer(statement, before.statement))
      return ignore('Known', 'the same or a newer statement of this peer is here')
    if (before === undefined && this.known.size >= peersMax) return ignore('Full', `${peersMax} peers are known`)
    if ((before?.pace.waitMs(true, nowMs) ?? 0) > 0) return ignore('TooOften', 'its peer speaks more often than it may')
    this.remember({ statement, receivedAtMs: nowMs, envelope })
    await this.keep({ statement, receivedAtMs: nowMs, envelope })
    this.init.onAnnouncement(statement, nowMs)
    for (const listener of this.listeners) listener(statement, from)
    return opened
  }

  private remember(heard: HeardAnnouncement): void {
    const { peer } = heard.statement
    const accepted = { ...this.rates, urgentPerMinute: acceptedPerMinute }
    const pace = this.known.get(peer)?.pace ?? new AnnouncementPace(accepted, this.now())
    pace.sent(true, this.now())
    // The map's order is the order of hearing.
    this.known.delete(peer)
    this.known.set(peer, { ...heard, pace })
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

  /** A newer statement by this peer's own key: its data directory was restored or copied. Others would take it for silent. */
  private hearOwn(statement: Announcement): Verdict<Announcement> {
    if (statement.epoch < this.epoch || (statement.epoch === this.epoch && statement.seq <= this.seq))
      return ignore('Known', 'it is my own')
    this.init.log.warn(
      { epoch: this.epoch, heard: statement.epoch },
      'another statement of this peer is newer than any it made: was its data directory restored from a backup, or copied?'
    )
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
    const change = changeBetween(this.said, this.content)
    const waitMs =
      change === 'none' ? Math.max(0, this.refreshAtMs - this.now()) : this.pace.waitMs(change === 'urgent', this.now())
    if (change !== 'none' && waitMs === 0) this.say(change === 'urgent')
    else this.timer = setTimeout(() => this.say(change === 'urgent'), waitMs)
  }

  private say(urgent: boolean): void {
    const { content } = this
    if (content === undefined || !this.running) return
    this.said = content
    this.pace.sent(urgent, this.now())
    this.refreshAtMs = this.now() + this.rates.refreshMs * (0.75 + this.random() / 2)
    const { network, overlay, identity } = this.init
    const statement: Announcement = {
      ...content,
      format: 1,
      network,
      peer: overlay.peerId,
      epoch: this.epoch,
      seq: ++this.seq
    }
    this.saying = this.saying.then(async () => {
      try {
        const envelope = await sealAnnouncement(statement, identity)
        this.ownEnvelope = envelope
        await this.topic.publish(envelope)
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
