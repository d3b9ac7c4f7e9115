import type { Logger } from 'pino'
import type { Announcements } from '../overlay/announcements.js'
import type { Overlay } from '../overlay/overlay.js'
import type { TrustService } from '../trust/trust-service.js'

export const syncProtocol = '/instar/sync/1'

export interface SyncInit {
  readonly overlay: Overlay
  readonly network: string
  readonly trust: TrustService
  readonly announcements: Announcements
  /** How often to compare with one neighbour, jittered by ± a quarter. Default 60 s. */
  readonly everyMs?: number
  readonly now?: () => number
  readonly log: Logger
}

/** Compares heads with neighbours and pulls what is missing, in order: root chain first, then descriptors 1 … n (§5). */
export interface Sync {
  start(): void
  stop(): Promise<void>
  /** Pulls from this peer now; calls during a pull lead to one more. Resolves when a complete exchange ended, rejects when it failed. */
  pullFrom(peer: string, options?: { signal?: AbortSignal }): Promise<void>
  /** After each complete exchange. A newcomer's start waits for the first. */
  onSynced(listener: (peer: string) => void): () => void
}
