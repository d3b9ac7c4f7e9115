import { createLocalNetwork, type LocalNetwork } from '@instar/local-network'
import { afterEach, expect, test } from 'vitest'
import { fixtureModule, intSetModule } from './fixtures/modules.js'
import { runsEverything } from './fixtures/selection.js'

let network: LocalNetwork | undefined
afterEach(() => network?.stop())

const count = 20
const patienceMs = 240_000

// Limits per address would let peers connect and never hear of each other: above ten no one is grafted, above fifteen all is dropped.
test.runIf(runsEverything)(
  '20 peers behind one address hear every statement of each other, and a head published at one reaches all',
  async () => {
    network = await createLocalNetwork({ classes: [intSetModule(1)] })
    // In waves: each start is two processes, and there may be two cores.
    for (let i = 0; i < count; i += 4)
      await network.startPeers([i, i + 1, i + 2, i + 3].map(each => `peer-${each + 1}`))
    const { peers } = network
    const ids = peers.map(peer => peer.id).sort()
    const metAll = peers.map(async peer => {
      const { peers: others } = await peer.until(
        `hears ${count - 1} others say what they serve`,
        ({ peers }) => peers.length === count - 1 && peers.every(({ served }) => served !== undefined),
        patienceMs
      )
      expect(others.map(other => other.peer)).toEqual(ids.filter(id => id !== peer.id))
    })
    await Promise.all(metAll)

    // A class that none of them runs: they only renumber, so that what is waited for is the network and not forty more hosts.
    await network.upgrade(peers[7]!, { modules: [fixtureModule('counter')] })
    const arrived = peers.map(peer =>
      peer.until(
        `has version 2, and hears ${count - 1} others say that they have committed it`,
        ({ running, peers }) => running.version === 2 && peers.every(({ floor }) => floor === 2),
        patienceMs
      )
    )
    for (const { served, peers: others } of await Promise.all(arrived)) {
      expect(served).toEqual([1, 2])
      expect(others.map(other => [other.running, other.reachable])).toEqual(others.map(() => [2, true]))
    }
  },
  600_000
)
