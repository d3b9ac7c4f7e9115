import { messageOf } from '@instar/core'
import type { Heads } from '@instar/signer'
import type { NeighbourHeads } from '../control/peer-control.js'
import type { Overlay } from '../overlay/overlay.js'
import type { Sync } from '../sync/sync.js'

export interface CatchUpInit {
  readonly overlay: Pick<Overlay, 'neighbours'>
  readonly sync: Pick<Sync, 'pullFrom'>
}

/** Exchanges with every neighbour at once; what one of them holds and this peer may trust is here when it returns. */
export async function catchUp({ overlay, sync }: CatchUpInit, signal: AbortSignal): Promise<readonly NeighbourHeads[]> {
  signal.throwIfAborted()
  const gone = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  )
  const asked = [...overlay.neighbours()].map(async (peer): Promise<NeighbourHeads> => {
    try {
      return { peer, heads: headsByRole(await sync.pullFrom(peer)) }
    } catch (thrown) {
      // One that leaves, or stalls, must not keep the others' answers from whoever asked.
      return { peer, failure: messageOf(thrown) }
    }
  })
  return Promise.race([Promise.all(asked), gone])
}

function headsByRole(heads: Heads): NonNullable<NeighbourHeads['heads']> {
  const roles = Object.entries(heads).flatMap(([role, head]) =>
    typeof head === 'object' && 'version' in head ? [[role, head] as const] : []
  )
  return Object.fromEntries(roles)
}
