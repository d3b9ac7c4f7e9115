// SIGKILL of the peer, of its hosts and of both, before and after every journal record and effect of introduction, upgrade, commit and going
// back, and at random moments, always under load. The walk through records that one peer dies at one after the other is crash-matrix.test.ts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostsOf, killNow } from '../fixtures/processes.js'
import { runsEverything } from '../fixtures/selection.js'
import type { Callers } from '../fixtures/ledger/callers.js'
import { goOn, hasUpgraded, isServing } from './go-on.js'
import { randomOf, seed } from './seed.js'
import { createStage, openAndGoOn, windows, type Stage } from './windows.js'

const victims = { kill: 'the peer', 'kill-hosts': 'its hosts', 'kill-all': 'both' } as const
type Victim = keyof typeof victims
const sides = ['before', 'after'] as const

const randomKills = Number(process.env['INSTAR_KILLS'] ?? '6')
const randomMsMax = 3000

describe.runIf(runsEverything).each(Object.entries(windows))('%s:', (name, window) => {
  let stage: Stage
  beforeAll(async () => {
    stage = await createStage(window)
  })
  afterAll(() => stage.stop())

  /** Whatever has died, the window closes, every acknowledged line is there once, and the upgrade goes on. */
  async function seeThrough(callers: Callers, where: string): Promise<void> {
    const { peer } = stage
    const load = callers.start(peer, 3)
    try {
      await openAndGoOn(stage, window, where)
    } finally {
      await load.stop()
    }
    await callers.check(peer, where)
    if (name.startsWith('going back')) await peer.control.resume(2)
    if (!name.startsWith('the introduction')) await goOn(peer, hasUpgraded, where)
    await callers.check(peer, where)
  }

  const cells = window.moments.flatMap(moment =>
    sides.flatMap(side =>
      (Object.keys(victims) as Victim[]).map(victim => ({ moment, side, victim, who: victims[victim] }))
    )
  )
  it.each(cells)('$who killed $side $moment', async ({ moment, side, victim }) => {
    const word = `${victim}:${side}:${moment}`
    // It may strike as soon as the peer serves.
    const callers = await stage.stand({ faults: word })
    const { output } = stage.peer
    const from = output.length
    const before = stage.peer.pid
    await seeThrough(callers, `${name}, ${word}`)
    const died = stage.peer.pid !== before || output.slice(from).some(line => line.includes('host'))
    expect(died || victim === 'kill-hosts', `${word} has struck`).toBe(true)
  })

  it.each(Array.from({ length: randomKills }, (_, i) => i + 1))(
    `a kill at a random moment, seed ${seed}: %i`,
    async n => {
      const random = randomOf(`${name} ${n}`)
      const callers = await stage.stand()
      const { peer } = stage
      const victim = (Object.keys(victims) as Victim[])[Math.floor(random() * 3)]!
      const afterMs = Math.floor(random() * randomMsMax)
      const where = `${name}, ${victims[victim]} killed after ${afterMs} ms, seed ${seed}`
      const strike = (async () => {
        await new Promise(resolve => setTimeout(resolve, afterMs))
        if (peer.pid === undefined) return
        const hosts = await hostsOf(peer.pid)
        if (victim !== 'kill') killNow(hosts)
        if (victim !== 'kill-hosts') await peer.kill()
      })()
      await seeThrough(callers, where)
      await strike
      await goOn(peer, isServing, where)
      await callers.check(peer, where)
    }
  )
})
