import type { PeerStatus } from '@instar/node/control'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import type { PeerOptions } from '../options/common.js'

export interface Spread {
  /** Reachable admitted peers that speak of the version. */
  readonly known: number
  readonly peers: number
}

/** Watches until every reachable admitted peer has spoken of a version, or the time is over. */
export async function watchSpread(options: PeerOptions, io: Io, version: number, waitMs: number): Promise<Spread> {
  let spread: Spread = { known: 0, peers: 0 }
  try {
    await withPeer({ ...options, timeout: waitMs }, io, async client => {
      for await (const event of client.events()) {
        if (event.type !== 'status') continue
        spread = spreadOf(event.status, version)
        if (spread.known === spread.peers) return
      }
    })
  } catch (thrown) {
    // That the time is over is an answer, not a failure.
    if ((thrown as { code?: unknown }).code !== 'Timeout') throw thrown
  }
  return spread
}

function spreadOf(status: PeerStatus, version: number): Spread {
  const reachable = status.peers.filter(peer => peer.admitted && peer.reachable)
  const known = reachable.filter(
    peer => peer.running >= version || peer.versions.some(each => each.version === version)
  )
  return { known: known.length, peers: reachable.length }
}
