// The disk is full from each phase of an upgrade on, under load, until the status says so; then there is room again. The peer does not die of
// it and nobody starts it: every acknowledged call is there, and the upgrade goes on.

import { cp } from 'node:fs/promises'
import type { LocalNetwork, LocalPeer } from '@instar/local-network'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCallers } from '../fixtures/ledger/callers.js'
import { runsEverything } from '../fixtures/selection.js'
import { canMount, mountSmallDisk } from '../fixtures/small-disk.js'
import { goOn, hasUpgraded, isServing, phaseOf, type Arrival } from './go-on.js'
import { inPhases, reaches } from './moments.js'
import { propose } from './proposed.js'
import { goBackFrom } from './windows.js'

const diskMebibytes = 64

const ways = [
  ...['ledger/v2', 'ledger/v2-entries', 'ledger/v2-twin'].map(module => ({ module, moments: inPhases, back: false })),
  { module: 'ledger/v2-twin', moments: ['trial', 'goingBack', 'wentBack'], back: true }
]

const saysSo: Arrival = ({ problems, versions }) =>
  [...problems, ...versions.map(each => each.reason ?? '')].some(each =>
    /is full|nearly full|ENOSPC|No space/i.test(each)
  )
const hasWentBack: Arrival = status => phaseOf(status) === 'wentBack' && isServing(status)
const afterSwitch = new Set(['trial', 'goingBack', 'wentBack'])

describe.runIf(runsEverything && canMount).each(ways)(
  'the disk is full on the way to $module, and back: $back',
  ({ module, moments, back }) => {
    let network: LocalNetwork
    let peer: LocalPeer
    let proposal: string
    let template: string
    const results: string[] = []

    beforeAll(async () => {
      ;({ network, peer, proposal, template } = await propose(module, { stays: back }))
    })
    afterAll(async () => {
      await network.stop()
      console.log(`full disk, ${module}: ${moments.length} tried, ${results.length} passed\n${results.join('\n')}`)
    })

    it.each(moments)('%s', async moment => {
      await peer.stop()
      const disk = await mountSmallDisk(peer.dataDirectory, diskMebibytes)
      try {
        await cp(template, peer.dataDirectory, { recursive: true })
        await peer.start()
        await peer.until('serves', isServing)
        const { pid } = peer
        const callers = createCallers()
        for (let i = 0; i < 10; i++) await callers.add(peer)
        const load = callers.start(peer, 2)
        const isDue = reaches(peer, moment)
        const told = tell().catch(() => undefined)
        await isDue
        await disk.fill()
        const full = await peer.until('says that its disk is full', saysSo)
        await disk.free()
        await told
        const where = `full at ${moment}, ${module}`
        // What it was told may have found no room.
        if (back) {
          await tell()
          await goOn(peer, hasWentBack, where)
          await peer.control.resume(2)
        } else if ((await peer.status()).running.version < 2) await tell()
        const took = await goOn(peer, hasUpgraded, where)
        await load.stop()
        await callers.check(peer, where)
        await peer.until('has nothing to complain of', ({ problems }) => problems.length === 0)
        expect(peer.pid, `${where}: the same process`).toBe(pid)
        const phase = phaseOf(full) ?? 'not heard of'
        results.push(`${moment}: version 2 was ${phase}, ${callers.acknowledged} acknowledged; ${took.join('; ')}`)
      } finally {
        await peer.kill()
        await disk.unmount()
      }
    })

    /** Publishes version 2, where that has not happened yet, lets it go ahead, and where it is to go back has it do so. */
    async function tell(): Promise<void> {
      if ((await peer.status()).newest < 2) await network.publish(peer, proposal)
      const known = await peer.until('can be approved', ({ newest }) => newest === 2)
      if (!afterSwitch.has(phaseOf(known) ?? '')) await peer.control.approve(2)
      if (!back) return
      const status = await peer.until('is on trial', each => afterSwitch.has(phaseOf(each) ?? '') && isServing(each))
      if (phaseOf(status) === 'trial') await goBackFrom(peer).catch(() => undefined)
    }
  }
)
