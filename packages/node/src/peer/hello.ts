import { chainIdPrefix, classAt, floorOf } from '@instar/core'
import { helloAddressesMax, helloVersionsMax, type Hello } from '@instar/rpc'
import type { Engine } from '../engine/engine.js'
import type { Overlay } from '../overlay/overlay.js'
import { instarVersion } from '../version.js'

/** What this peer says of itself when a peer or a client connects, and to all of them whenever it changes. */
export function helloOf(
  engine: Engine,
  overlay: Pick<Overlay, 'peerId' | 'addresses' | 'knownPeers'>,
  network: string
): Hello {
  const { state } = engine
  const { entries, served } = engine.routes()
  const others = overlay.knownPeers(helloAddressesMax).flatMap(peer => peer.addresses)
  return {
    format: { min: 1, max: 1 },
    network,
    role: 'peer',
    peer: overlay.peerId,
    ...(state.lineage === undefined
      ? {}
      : {
          class: classAt(state.log, state.lineage, state.running).className,
          running: state.running,
          floor: Math.max(floorOf(state), 1)
        }),
    ...(served === undefined ? {} : { served: [served[0], served[1]] as [number, number] }),
    versions: entries
      .slice(-helloVersionsMax)
      .map(({ version }) => [version, chainIdPrefix(state.log, version) ?? ''] as [number, string]),
    addresses: [...overlay.addresses(), ...others].slice(0, helloAddressesMax),
    instar: instarVersion
  }
}
