import type { PeerId } from '@libp2p/interface'

/** Fetches bundles from peers that have them, and serves those that are here: `/instar/bundle/1`. */
export interface BundleExchange {
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Resolves when the bundle is stored and verified. Asks again with backoff for as long as nobody can give it: only `signal` ends that.
   *
   * @throws InstarError DiskFull, Stopped
   */
  fetch(bundle: string, options: FetchOptions): Promise<void>
}

export interface FetchOptions {
  /** Whom to ask now, best first; asked again at each round. */
  readonly providers: () => readonly PeerId[]
  readonly signal: AbortSignal
  /** Called whenever something changed; `reason` says why nothing moves (R18). */
  readonly onProgress?: (progress: FetchProgress) => void
  /** A peer sent bytes that are not what the manifest says; it is asked no more in this fetch. */
  readonly onLiar?: (peer: PeerId, detail: string) => void
}

export interface FetchProgress {
  readonly bytes: number
  readonly bytesTotal?: number
  readonly providers: number
  readonly reason?: string
}
