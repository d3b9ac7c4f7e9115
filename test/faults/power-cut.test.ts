// The power of the disk is cut in each phase of an upgrade and at random moments. A class of durability `disk` has then kept every
// acknowledged call; one of durability `os` may have lost the newest, and none from the middle. The peer comes back in a phase that it can
// name, and the upgrade goes on. How power is cut: decision 39.

import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LocalNetwork, LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCallers } from '../fixtures/ledger/callers.js'
import { hostsOf, killNow } from '../fixtures/processes.js'
import { runsEverything } from '../fixtures/selection.js'
import { goOn, hasUpgraded, isServing, phaseOf, type Arrival } from './go-on.js'
import { mountLoopDisk, whatLoopDisksLack } from './loop-disk.js'
import { inPhases, reaches } from './moments.js'
import { propose } from './proposed.js'
import { randomOf, seed } from './seed.js'
import { goBackFrom } from './windows.js'

const scratch = await mkdtemp(join(tmpdir(), 'instar-power-'))
const lacks = runsEverything ? await whatLoopDisksLack(scratch) : 'they run in the long job'
if (runsEverything && lacks !== undefined) console.warn(`Power cuts are left out: ${lacks}.`)
await rm(scratch, { recursive: true, force: true })

/** The moment after the version was first heard to be in each phase, and a number of random moments in which calls are made. */
const randomMoments = Array.from(
  { length: Number(process.env['INSTAR_POWER_CUTS'] ?? '6') },
  (_, i) => `moment ${i + 1}`
)
const laterMsMax = 30
const momentMsMax = 6000

/** What of version 2 the power is cut in: on the way to it, or on the way back from it. */
interface Way {
  readonly module: string
  readonly moments: readonly string[]
  readonly back: boolean
}
const ways: readonly Way[] = [
  ...['ledger/v2', 'ledger/v2-entries', 'ledger/v2-twin'].map(module => ({
    module,
    moments: [...inPhases, ...randomMoments],
    back: false
  })),
  { module: 'ledger/v2-twin', moments: ['trial', 'goingBack', 'wentBack', ...randomMoments.slice(0, 3)], back: true }
]
const cells = ways.flatMap(way =>
  (['disk', 'os'] as const).map(durability => ({
    ...way,
    durability,
    name: `${way.back ? 'going back from' : 'the way to'} ${way.module}, durability ${durability}`
  }))
)

describe.runIf(lacks === undefined).each(cells)(
  'the power is cut on $name:',
  ({ name, module, moments, back, durability }) => {
    let network: LocalNetwork
    let peer: LocalPeer
    let proposal: string
    let template: string
    const results: string[] = []
    const random = randomOf(name)

    beforeAll(async () => {
      ;({ network, peer, proposal, template } = await propose(module, { stays: back, durability }))
    })
    afterAll(async () => {
      await network.stop()
      console.log(
        `power cuts, ${name}, seed ${seed}: ${moments.length} tried, ${results.length} passed\n${results.join('\n')}`
      )
    })

    it.each(moments)('%s', async moment => {
      await peer.stop()
      const disk = await mountLoopDisk(join(network.directory, 'image'), peer.dataDirectory, 64)
      try {
        await cp(template, peer.dataDirectory, { recursive: true })
        await disk.sync()
        await peer.start()
        await peer.until('serves', isServing)
        const callers = createCallers()
        for (let i = 0; i < 10; i++) await callers.add(peer)
        const load = callers.start(peer, 3)
        const isDue = momentOf(peer, moment, random)
        // What it is told may be cut off with everything else.
        const told = tell().catch(() => undefined)
        await isDue
        const hosts = await hostsOf(peer.pid!)
        // The kernel may tell a sync that was under way that all is well.
        callers.listens = false
        await disk.cut()
        killNow(hosts)
        await peer.kill()
        await Promise.all([load.stop(), told])
        callers.listens = true
        const { acknowledged } = callers
        await disk.mountAgain()
        const where = `power cut at ${moment}, ${name}, seed ${seed}`
        await peer.start()
        const again = await peer.until('is back', isServing)
        expect(
          again.problems.filter(each => !/version 2/i.test(each)),
          where
        ).toEqual([])
        const lost = await callers.checkLosses(peer, where)
        if (durability === 'disk') expect(lost, where).toBe(0)
        const found = phaseOf(again) ?? 'not heard of'
        // The same words again: the first may have been lost before they were heard.
        await tell().catch(() => undefined)
        if (back) {
          await goOn(peer, hasWentBack, where)
          await callers.check(peer, where)
          await peer.control.resume(2)
        }
        await goOn(peer, hasUpgraded, where)
        await callers.check(peer, where)
        results.push(`${moment}: ${acknowledged} acknowledged, ${lost} lost, version 2 was ${found}`)
      } finally {
        await peer.kill()
        await disk.unmount()
      }
    })

    /** Publishes version 2, where that has not happened yet, and lets it go ahead. */
    async function tell(): Promise<void> {
      if ((await peer.status()).newest < 2) await network.publish(peer, proposal)
      const known = await peer.until('can be approved', ({ newest }) => newest === 2)
      // On trial the same word would say that it is good.
      if (!afterSwitch.has(phaseOf(known) ?? '')) await peer.control.approve(2)
      if (!back) return
      const status = await peer.until('is on trial', each => afterSwitch.has(phaseOf(each) ?? '') && isServing(each))
      if (phaseOf(status) === 'trial') await goBackFrom(peer).catch(() => undefined)
    }
  }
)

const afterSwitch = new Set(['trial', 'goingBack', 'wentBack'])
const hasWentBack: Arrival = status => phaseOf(status) === 'wentBack' && isServing(status)

async function momentOf(peer: LocalPeer, moment: string, random: () => number): Promise<void> {
  const isPhase = !moment.startsWith('moment ')
  if (isPhase) await reaches(peer, moment)
  await new Promise(resolve => setTimeout(resolve, random() * (isPhase ? laterMsMax : momentMsMax)))
}
