import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLocalNetwork } from '@instar/local-network'
import { spreadTimes, type SpreadSample } from './spread-times.js'
import { writeUpgradeModule } from './upgrade-module.js'
import { watchPhases } from './watch-phases.js'

/** A network of real peers to which one upgrade after the other is published. */
export interface SpreadNetwork {
  readonly name: string
  /** Publishes an upgrade with a bundle of about this size and waits until it is over, so that the next meets a network at rest. */
  publish(bundleBytes: number): Promise<SpreadSample>
  stop(): Promise<void>
}

const benchClass = fileURLToPath(new URL('../fixtures/bench-class.js', import.meta.url))

export function spreadNetworkName(peers: number): string {
  return `${peers} peers`
}

/** The first peer publishes, the others hear of it. */
export async function startSpreadNetwork(count: number, signal: AbortSignal): Promise<SpreadNetwork> {
  const modules = await mkdtemp(join(tmpdir(), 'instar-bench-'))
  const network = await createLocalNetwork({ classes: [benchClass] })
  let version = 1

  async function stop(): Promise<void> {
    await network.stop()
    await rm(modules, { recursive: true, force: true })
  }

  try {
    signal.throwIfAborted()
    const peers = await network.startPeers(Array.from({ length: count }, (_, i) => `peer ${i + 1} of ${count}`))
    const [publisher, ...others] = peers
    if (publisher === undefined) throw new Error('a network without peers')
    await publisher.until(
      'has met all others',
      ({ peers }) => peers.filter(each => each.connected).length === count - 1
    )

    return {
      name: spreadNetworkName(count),
      stop,
      async publish(bundleBytes) {
        signal.throwIfAborted()
        version++
        const module = await writeUpgradeModule(modules, `upgrade-${version}`, bundleBytes)
        const proposal = await network.buildUpgrade(publisher, {
          modules: [module],
          probation: '0s',
          stable: '0s',
          retireAfter: '0s'
        })
        const watches = [publisher, ...others].map(peer => watchPhases(peer, version))
        await Promise.all(watches.map(watch => watch.listening))
        await network.publish(publisher, proposal)
        const [first, ...rest] = await Promise.all(watches.map(watch => watch.done))
        await Promise.all(peers.map(peer => peer.until('has retired the old', ({ served }) => served?.[0] === version)))
        return spreadTimes(first ?? new Map(), rest)
      }
    }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}
