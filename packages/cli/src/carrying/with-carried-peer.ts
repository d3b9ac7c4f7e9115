import { InstarError } from '@instar/core'
import type { CarriedPeer } from '@instar/node/mirror'
import { withPeer } from '../control/connect.js'
import type { Io } from '../io.js'
import type { PeerOptions } from '../options/common.js'
import { dataDirectoryOf } from '../options/data-directory.js'

/** Runs an operation with the peer that the options name, whether it runs or not: by its control API, or on its data directory. */
export async function withCarriedPeer<T>(
  options: PeerOptions,
  io: Io,
  operation: (peer: CarriedPeer) => Promise<T>
): Promise<T> {
  const asked = { done: false }
  try {
    return await withPeer(
      options,
      io,
      async client => {
        const { network } = await client.status()
        asked.done = true
        return operation({ network, ...client })
      },
      'endless'
    )
  } catch (thrown) {
    if (asked.done || !(thrown instanceof InstarError) || thrown.code !== 'PeerNotRunning') throw thrown
  }
  const { openStoppedPeer } = await import('@instar/node/mirror')
  const peer = await openStoppedPeer(dataDirectoryOf(options, io))
  try {
    return await operation(peer)
  } finally {
    await peer.close()
  }
}
