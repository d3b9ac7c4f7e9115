import { compare } from '../measurement/measurement.js'
import { measureInTurns } from '../measurement/rounds.js'
import type { Suite } from '../suite.js'
import { spreadNetworkName, startSpreadNetwork, type SpreadNetwork } from './spread-network.js'
import { spreadUnits } from './spread-times.js'

const runsDefault = 3
const peersDefault = { full: [5, 10], quick: [4] }
/** The publisher and one other: how long it takes when nobody else wants the same. */
const alone = 2

const bundles = [
  { name: 'small bundle', bytes: 1024 },
  { name: '8 MiB bundle', bytes: 8 * 1024 * 1024 }
]

/** How long an upgrade takes from the peer that it is published at to all the others, on real peers of this machine. */
export const spreadSuite: Suite = {
  name: 'spread',
  summary: 'an upgrade from the publisher to n peers: known, bundle complete, introduced at the last of them',
  async run({ runs, quick, peers, signal, report, progress }) {
    const rounds = runs ?? (quick ? 1 : runsDefault)
    const sizes = [...new Set([alone, ...(peers ?? (quick ? peersDefault.quick : peersDefault.full))])]
    const networks: SpreadNetwork[] = []
    try {
      for (const size of sizes) {
        progress(`starting ${size} peers`)
        networks.push(await startSpreadNetwork(size, signal))
      }
      for (const bundle of bundles) {
        const samples = await measureInTurns({
          subjects: networks,
          rounds,
          async measure(network, round) {
            progress(`${bundle.name}: ${network.name}, run ${round + 1} of ${rounds}`)
            return network.publish(bundle.bytes)
          }
        })
        const figures = compare({
          suite: 'spread',
          samples: new Map([...samples].map(([network, all]) => [network.name, all])),
          units: spreadUnits,
          baselines: [spreadNetworkName(alone)],
          caseOf: network => `${bundle.name}: ${network}`
        })
        for (const figure of figures) report(figure)
      }
    } finally {
      progress('stopping')
      await Promise.all(networks.map(network => network.stop()))
    }
  }
}
