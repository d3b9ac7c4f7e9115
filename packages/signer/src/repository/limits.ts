import type { JsonLimits } from '@instar/core'

/** The four roles that every TUF repository has. */
export const topLevelRoles = ['root', 'timestamp', 'snapshot', 'targets'] as const
export type TopLevelRole = (typeof topLevelRoles)[number]

/**
 * The largest document of each role that is read from a repository with one writer: what the reference clients read. Gossip reads far
 * less (§5), because anybody may send it something; a repository is asked for one file of a known name, by somebody who waits for it.
 */
export const repositoryBytesMax: Readonly<Record<TopLevelRole, number>> = {
  root: 512_000,
  timestamp: 16_384,
  snapshot: 2_000_000,
  targets: 5_000_000
}

/** How many roots one refresh walks: an endless chain of them is an endless-data attack as well. */
export const rootsPerRefreshMax = 256
/** How many delegated roles one search visits; the reference clients stop there too. */
export const delegationsMax = 32
export const signaturesMax = 256
export const keysMax = 1024
/** A role's name becomes a file's name. */
export const roleNameCharactersMax = 200

export function jsonLimitsOf(role: TopLevelRole): JsonLimits {
  const bytesMax = repositoryBytesMax[role]
  return { bytesMax, depthMax: 32, itemsMax: bytesMax / 4 }
}
