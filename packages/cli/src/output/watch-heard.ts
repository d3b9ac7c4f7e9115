import { setTimeout as pause } from 'node:timers/promises'
import type { NeighbourHeads } from '@instar/node/control'
import type { TrustState } from '@instar/signer'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import type { PeerOptions } from '../options/common.js'

export interface Heard {
  readonly heard: number
  readonly connected: number
}

const lookEveryMs = 250

/** Asks the connected peers what they hold, until all satisfy the condition or the time is over. */
export async function watchHeard(
  options: PeerOptions,
  io: Io,
  isThere: (peer: NeighbourHeads) => boolean,
  waitMs: number
): Promise<Heard> {
  let heard: Heard = { heard: 0, connected: 0 }
  try {
    await withPeer({ ...options, timeout: waitMs }, io, async client => {
      for (;;) {
        const peers = await client.catchUp()
        heard = { heard: peers.filter(isThere).length, connected: peers.length }
        if (heard.heard === heard.connected) return
        await pause(lookEveryMs)
      }
    })
  } catch (thrown) {
    // That the time is over is an answer, not a failure.
    if ((thrown as { code?: unknown }).code !== 'Timeout') throw thrown
  }
  return heard
}

/** Whether a peer holds what people signed, as this state has it, or something newer. */
export function isHeard({ heads }: NeighbourHeads, state: TrustState): boolean {
  const newest = { root: state.roots.at(-1), targets: state.targets, halt: state.halt, admission: state.admission }
  return Object.entries(newest).every(
    ([role, document]) => document === undefined || (heads?.[role]?.version ?? 0) >= document.version
  )
}
