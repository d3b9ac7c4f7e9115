// The wall clock of a peer jumps a day forward or back in each phase of an upgrade, under load: nothing that was acknowledged is lost, and the
// upgrade goes on without anybody's help. No trial and no quiet time gets shorter by it, and none longer. Dates are dates: see decision 48.

import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createLocalNetwork, type LocalNetwork, type LocalPeer, type PublishInit } from '@instar/local-network'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCallers } from '../fixtures/ledger/callers.js'
import { fixtureModule } from '../fixtures/modules.js'
import { runsEverything } from '../fixtures/selection.js'
import { createFakedClock, whatClocksLack, type FakedClock } from './faked-clock.js'
import { goOn, hasUpgraded, isServing, phaseOf, type Arrival } from './go-on.js'
import { inPhases, reaches } from './moments.js'

const lacks = runsEverything ? await whatClocksLack() : 'they run in the long job'
if (runsEverything && lacks !== undefined) console.warn(`Jumps of the clock are left out: ${lacks}.`)

const modules = ['ledger/v2', 'ledger/v2-entries', 'ledger/v2-twin']
const days = { forward: 1, back: -1 } as const
const directions = Object.keys(days) as (keyof typeof days)[]

const hasCommitted: Arrival = status => hasUpgraded(status) && phaseOf(status) === 'committed'
const hasRetired: Arrival = status => status.served?.[0] === 2
const waits: Arrival = status => phaseOf(status) === 'waiting' && status.served?.[1] === 2

/** What a jump would do to a time of so many milliseconds is no matter of a machine that is slow. */
const spanMs = 12_000
const span = `${spanMs / 1000}s`

describe.runIf(lacks === undefined)('a clock that jumps a day', () => {
  let network: LocalNetwork
  let peer: LocalPeer
  let clock: FakedClock

  beforeEach(async () => {
    network = await createLocalNetwork({ classes: [fixtureModule('ledger/v1')] })
    peer = network.addPeer('peer')
    clock = await createFakedClock(join(network.directory, 'clock'))
    await start()
    await peer.until('serves', isServing)
  })
  afterEach(() => network.stop())

  const start = (): Promise<void> =>
    peer.start({ env: clock.env, timing: { retryMinMs: 200, retryMaxMs: 1000, lookEveryMs: 500 } })

  const build = (over: Partial<PublishInit>): Promise<string> =>
    network.buildUpgrade(peer, {
      modules: [fixtureModule('ledger/v2')],
      schedule: 'manual',
      probation: '500ms',
      stable: '500ms',
      retireAfter: '1h',
      ...over
    })

  async function tell(proposal: string): Promise<void> {
    await network.publish(peer, proposal)
    await peer.control.approve(2)
  }

  it.each(modules)(
    'in each phase on the way to %s: it goes on by itself, with every acknowledged call',
    async module => {
      const proposal = await build({ modules: [fixtureModule(module)] })
      await peer.stop()
      const template = join(network.directory, 'template')
      await cp(peer.dataDirectory, template, { recursive: true })
      const results: string[] = []
      for (const moment of inPhases) {
        for (const direction of directions) {
          await peer.stop()
          await rm(peer.dataDirectory, { recursive: true })
          await cp(template, peer.dataDirectory, { recursive: true })
          await clock.setDays(0)
          await start()
          await peer.until('serves', isServing)
          const { pid } = peer
          const where = `a day ${direction} at ${moment}, ${module}`
          const callers = createCallers()
          for (let i = 0; i < 10; i++) await callers.add(peer)
          const load = callers.start(peer, 2)
          const isDue = reaches(peer, moment)
          const told = tell(proposal)
          await isDue
          await clock.setDays(days[direction])
          await told
          const took = await goOn(peer, hasCommitted, where)
          await load.stop()
          await callers.check(peer, where)
          await peer.until('has nothing to complain of', ({ problems }) => problems.length === 0)
          expect([took, peer.pid], where).toEqual([[], pid])
          results.push(`${where}: ${callers.acknowledged} acknowledged`)
        }
      }
      console.log(`clock jumps, ${module}: ${results.length} tried and passed\n${results.join('\n')}`)
    }
  )

  it.each(directions)(
    '%s while it waits for its operator goes ahead of nobody, and the word is heard',
    async direction => {
      await network.publish(peer, await build({}))
      await peer.until('waits', waits)
      await clock.setDays(days[direction])
      // So many times it has looked at the clock and not gone.
      let looks = 0
      await peer.until('has looked again and again', status => waits(status) && ++looks >= looksMin)
      await peer.control.approve(2)
      expect(await goOn(peer, hasCommitted, direction)).toEqual([])
    }
  )

  it.each(directions)('%s on trial, and a restart: neither commits early nor stands still', async direction => {
    // Nobody calls it: it is committed by its idle time.
    const proposal = await build({ stable: '100ms', health: `min-calls:1000,idle-commit:${span},timeout:1h` })
    await tell(proposal)
    await peer.until('is on trial', status => phaseOf(status) === 'trial' && isServing(status))
    const begunMs = performance.now()
    await peer.stop()
    await clock.setDays(days[direction])
    await start()
    await goOn(peer, hasCommitted, direction)
    expect(performance.now() - begunMs).toBeGreaterThan(spanMs / 2)
  })

  it.each(directions)('%s in the quiet time of a version: it is retired in its time', async direction => {
    const proposal = await build({ retireAfter: span })
    const callers = createCallers()
    const load = callers.start(peer, 2)
    await tell(proposal)
    await peer.until('has committed', hasCommitted)
    await load.stop()
    const calledMs = performance.now()
    await clock.setDays(days[direction])
    await peer.until('has retired version 1', hasRetired)
    expect(performance.now() - calledMs).toBeGreaterThan(spanMs / 2)
    await callers.add(peer, 2)
    await callers.check(peer, direction)
  })
})

const looksMin = 3
