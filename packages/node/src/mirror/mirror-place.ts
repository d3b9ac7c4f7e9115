import type { RepositoryFetcher } from '@instar/signer'

/** The parts of a static mirror: a TUF repository, and beside it the bundles, which its descriptors name by their hash. */
export type MirrorPlace = 'metadata' | 'targets' | 'bundles'

export interface MirrorFetcher extends RepositoryFetcher {
  /** As for a repository. */
  fetch(place: MirrorPlace, path: readonly string[], bytesMax: number): Promise<Uint8Array | undefined>
}
