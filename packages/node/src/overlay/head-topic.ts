import type { Logger } from 'pino'
import type { TrustService } from '../trust/trust-service.js'
import type { Overlay } from './overlay.js'

export interface HeadTopicInit {
  readonly overlay: Overlay
  readonly network: string
  readonly trust: TrustService
  /** Pulls from a peer what a held message needs; resolves when nothing more is to be had from it. */
  pullFrom(peer: string): Promise<void>
  readonly log: Logger
}

export interface HeadTopic {
  /** Spreads the newest head, with the newest descriptor beside it where both fit. */
  publish(): Promise<number>
}
