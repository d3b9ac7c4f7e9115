import { fileURLToPath } from 'node:url'
import { createLocalNetwork, type LocalPeer } from '@instar/local-network'
import { store } from '../fixtures/store.js'
import { compare } from '../measurement/measurement.js'
import type { Suite } from '../suite.js'
import { fill } from '../switch/fill.js'

const runsDefault = 1
const versions = { full: 50, quick: 5 }
const stateBytes = 10 * 1024 * 1024
const deadlineMs = 60_000
const patienceMs = 3_600_000
/** Each upgrade carries the state over, or builds it anew in the pause. */
const shapes = ['as-it-is', 'whole'] as const
const units = { total: 's', 'per version': 'ms' } as const
type CatchUpSample = Record<keyof typeof units, number>

/** How long a peer takes that was away for many versions, from its start to the newest one. */
export const catchUpSuite: Suite = {
  name: 'catch-up',
  summary: 'a peer with 10 MB of state that was away for 50 versions, from its start to the newest version',
  async run({ runs, quick, only, signal, report, progress }) {
    const count = quick ? versions.quick : versions.full
    const samples = new Map<string, CatchUpSample[]>()
    for (let round = 0; round < (runs ?? runsDefault); round++) {
      for (const shape of shapes) {
        const name = `${count} versions, state ${shape === 'whole' ? 'built anew by each' : 'taken as it is'}`
        if (only?.test(name) === false) continue
        const sample = await catchUp(count, shape, signal, text => progress(`${name}: ${text}`))
        samples.set(name, [...(samples.get(name) ?? []), sample])
      }
    }
    for (const figure of compare({ suite: 'catch-up', samples, units, baselines: [], caseOf: name => name }))
      report(figure)
  }
}

async function catchUp(
  count: number,
  shape: (typeof shapes)[number],
  signal: AbortSignal,
  progress: (text: string) => void
): Promise<CatchUpSample> {
  const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}.js`, import.meta.url))
  const network = await createLocalNetwork({ classes: [fixture('store')] })
  try {
    const timing = { introduceGraceMs: 0 }
    const [ahead, away] = (await network.startPeers(['ahead', 'away'], { timing })) as [LocalPeer, LocalPeer]
    await fill((await network.client()).object(store, away.id, { version: 1, deadlineMs }), stateBytes, signal)
    await away.stop()
    const last = count + 1
    for (let version = 2; version <= last; version++) {
      signal.throwIfAborted()
      progress(`publishing version ${version} of ${last}`)
      const module = fixture(`store-${shape}`)
      await network.upgrade(ahead, { modules: [module], probation: '0s', stable: '0s', retireAfter: '0s' })
      await ahead.until(`has committed version ${version}`, ({ floor }) => floor === version, patienceMs)
    }
    progress('the other one comes back')
    const startedMs = performance.now()
    await away.start()
    await away.until(`runs version ${last}`, ({ running }) => running.version === last, patienceMs)
    const ms = performance.now() - startedMs
    return { total: ms / 1000, 'per version': ms / count }
  } finally {
    await network.stop()
  }
}
