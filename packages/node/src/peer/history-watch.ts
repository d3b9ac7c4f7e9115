import type { VersionLog, VersionRef } from '@instar/core'
import { createThrottle } from '../rpc/throttle.js'

export interface HistoryWatchInit {
  readonly log: () => VersionLog
  /** Compares trust documents with the peer, in both directions. */
  readonly pullFrom: (peer: string) => void
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** Notices peers that mean another version by a number that is known here (§6). */
export interface HistoryWatch {
  /** What a peer has said of versions: in its hello, or in a statement of its own. */
  told(peer: string, versions: readonly VersionRef[]): void
  /** A call between it and this peer was refused, because the two mean different versions. */
  refused(peer: string): void
}

const spanMs = 10_000

/** R20: both sides have what makes the fork a proof, so each pulls from the other; where a fork is decided already, that is soon over. */
export function createHistoryWatch({ log, pullFrom, now }: HistoryWatchInit): HistoryWatch {
  const mayPull = createThrottle<string>({ spanMs, now })
  const refused = (peer: string): void => {
    if (mayPull(peer)) pullFrom(peer)
  }
  return {
    refused,
    told(peer, versions) {
      const known = log()
      const isOther = versions.some(({ version, chainId }) => known[version - 1]?.chainId.startsWith(chainId) === false)
      if (isOther) refused(peer)
    }
  }
}
