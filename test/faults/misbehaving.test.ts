// A transform that throws, hangs, exits, loops or takes all memory at its seventh line, in the pause, by entries and in the building of a twin;
// in its rehearsal, and where that saw nothing, for real. Version 1 keeps every call, the attempts end with a cause that says what happened, and
// when the fault is gone the upgrade goes on.

import { createLocalNetwork, type LocalNetwork } from '@instar/local-network'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createCallers } from '../fixtures/ledger/callers.js'
import { misbehaviours } from '../fixtures/ledger/misbehaviour.js'
import { fixtureModule } from '../fixtures/modules.js'
import { runsEverything } from '../fixtures/selection.js'
import { goOn, hasUpgraded, isServing, phaseOf } from './go-on.js'

let network: LocalNetwork
afterEach(() => network.stop())

const timing = {
  retryMinMs: 200,
  retryMaxMs: 500,
  upgradeAttemptsMax: 2,
  transformMs: 3000,
  stallMs: 3000,
  heapMiB: 96,
  memoryMiB: 512
}
const patienceMs = 180_000

/** A twin is built beside calls, and by nobody before: there is no rehearsal of it on the real state. */
const cells = [
  { module: 'ledger/v2-misbehaves', when: 'seen by its rehearsal' },
  { module: 'ledger/v2-misbehaves', when: 'for real' },
  { module: 'ledger/v2-entries-misbehave', when: 'seen by its rehearsal' },
  { module: 'ledger/v2-entries-misbehave', when: 'for real' },
  { module: 'ledger/v2-twin-misbehaves', when: 'beside calls' }
]
const given = ['failed', 'introduceFailed']

describe.runIf(runsEverything).each(cells)('the transform of $module, $when', ({ module, when }) => {
  const results: string[] = []
  afterAll(() => {
    console.log(`${module}, ${when}: ${misbehaviours.length} tried, ${results.length} passed\n${results.join('\n')}`)
  })

  it.each(misbehaviours)('%s: no acknowledged call is lost, and the upgrade goes on without it', async what => {
    network = await createLocalNetwork({ classes: [fixtureModule('ledger/v1')] })
    const peer = network.addPeer('peer')
    await peer.start({ timing, env: { NODE_ENV: `planted: ${what}${when === 'for real' ? ' for real' : ''}` } })
    await peer.until('serves', isServing)
    const callers = createCallers()
    for (let i = 0; i < 10; i++) await callers.add(peer)
    const load = callers.start(peer, 2)
    let ended: string
    try {
      await network.upgrade(peer, { modules: [fixtureModule(module)], stable: '0s', retireAfter: '1h' })
      const status = await peer.until('is given up', each => given.includes(phaseOf(each) ?? ''), patienceMs)
      const { reason = '' } = status.versions.find(each => each.version === 2) ?? {}
      expect(reason, what).toMatch(/stumbles|ms|exit code|exited with code|memory|SIG|heap|event loop/)
      expect(reason.includes('rehearsal on a copy'), reason).toBe(when === 'seen by its rehearsal')
      ended = `${phaseOf(status) ?? ''}, ${reason}`
    } finally {
      await load.stop()
    }
    expect((await peer.status()).running.version).toBe(1)
    await callers.check(peer, what)
    await peer.stop()
    await peer.start()
    await goOn(peer, hasUpgraded, what)
    await callers.check(peer, what)
    results.push(`${what}: ${ended}`)
  })
})
