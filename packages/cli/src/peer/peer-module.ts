/** The part of `@instar/node` with which a command runs a peer in its own process. */
export interface PeerModule {
  readonly createPeer: (options: CreatePeerOptions) => Promise<RunningPeer>
}

export interface CreatePeerOptions {
  readonly dataDirectory: string
  /** Multiaddrs. Absent, like every option below: as in the data directory's configuration, else the default. */
  readonly listen?: readonly string[]
  readonly bootstrap?: readonly string[]
  readonly ticket?: string
  readonly className?: string
  readonly groups?: readonly string[]
}

export interface RunningPeer {
  /** Resolves when the peer answers its control API. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Resolves when it has stopped, whoever asked for it; rejects when it could not go on. */
  readonly stopped: Promise<void>
}

/** Loaded only by commands that run a peer: the others start in a tenth of the time. */
export async function loadPeerModule(): Promise<PeerModule> {
  return (await import('@instar/node')) as unknown as PeerModule
}
