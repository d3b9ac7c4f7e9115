import type { PrivateKey } from '@libp2p/interface'
import type { Announcement, Verdict } from '@instar/core'
import type { Logger } from 'pino'
import type { StoredAnnouncement } from '../store/store.js'
import type { Overlay } from './overlay.js'

/** What a peer says about itself; the rest of the statement is added here. */
export type AnnouncementContent = Omit<Announcement, 'format' | 'network' | 'peer' | 'epoch' | 'seq'>

export interface AnnouncementRates {
  /** Changes of phase that go out at once, per minute (§13: 12). */
  readonly urgentPerMinute: number
  /** All other changes are coalesced to one per this time (§13: 10 s). */
  readonly coalesceMs: number
  /** A whole statement goes out at least this often, jittered by ± a quarter (§13: 10 min). */
  readonly refreshMs: number
  /** Statements of one peer that are taken per minute; more are ignored. */
  readonly acceptedPerMinute: number
}

export interface HeardAnnouncement {
  readonly statement: Announcement
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
  readonly log: Logger
  /** Each statement that is newer than what was known of its peer; also those restored at start. Never this peer's own. */
  onAnnouncement(statement: Announcement, receivedAtMs: number): void
}

export interface Announcements {
  /** Restores what was heard before, without rate limits. Before the overlay starts. */
  start(): Promise<void>
  stop(): void
  /** Says what holds now. A change of running version, floor, served range or a phase goes out at once, others coalesced. */
  announce(content: AnnouncementContent): void
  /** The newest own envelope, for handing over on a new connection. */
  own(): Uint8Array | undefined
  /** The newest statement of each peer, most recently heard first. */
  heard(): Iterable<HeardAnnouncement>
  heardOf(peer: string): HeardAnnouncement | undefined
  /** Takes one signed envelope, by gossip or by sync alike. */
  submit(envelope: Uint8Array, from: string): Promise<Verdict<Announcement>>
}
