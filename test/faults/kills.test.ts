// SIGKILL of the peer, of its hosts and of both, before and after every journal record and effect of introduction, upgrade, commit and going
// back, and at random moments, always under load. The walk through records that one peer dies at one after the other is crash-matrix.test.ts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostsOf, killNow } from '../fixtures/processes.js'
import { runsEverything } from '../fixtures/selection.js'
import type { Callers } from '../fixtures/ledger/callers.js'
import { goOn, hasUpgraded } from './go-on.js'
import { randomOf, seed } from './seed.js'
import { createStage, linesBefore, type Stage } from './stage.js'
import { plant } from './strike.js'
import { openAndGoOn, waysBack, windows } from './windows.js'

const victims = { kill: 'the peer', 'kill-hosts': 'its hosts', 'kill-all': 'both' } as const
type Victim = keyof typeof victims
const sides = ['before', 'after'] as const

const randomKills = Number(process.env['INSTAR_KILLS'] ?? '6')
const randomMsMax = 2000
const strikeMs = 60_000
/** Every so many-th cell, so that a run of a part meets all moments and all victims. */
const every = Number(process.env['INSTAR_KILLS_EVERY'] ?? '1')

const everyWindow = { ...windows, ...waysBack }

describe.runIf(runsEverything).each(Object.entries(everyWindow))('%s:', (name, window) => {
  let stage: Stage
  let tried = 0
  let passed = 0
  beforeAll(async () => {
    stage = await createStage(window)
  })
  afterAll(async () => {
    console.log(`${name}: ${tried} of ${cells.length + randomKills} cells tried, ${passed} passed, seed ${seed}`)
    await stage.stop()
  })

  /** Whatever has died, the window closes, every acknowledged line is there once, and the upgrade goes on. */
  async function seeThrough(callers: Callers, where: string, strike: Promise<void>, victim: Victim): Promise<void> {
    const { peer } = stage
    // It is waited for below; where something else fails first, that is to be read.
    strike.catch(() => undefined)
    const load = callers.start(peer, 2)
    try {
      await openAndGoOn(stage, window, where)
      await strike
      await goOn(peer, window.closed, where)
    } finally {
      await load.stop()
    }
    if (window.back === 'copy') {
      // What was acknowledged on trial before anybody asked to go back is gone, whatever was called meanwhile.
      const gone = await callers.checkGoneBack(peer, linesBefore, where)
      expect(gone, `${where}: what only the trial knew`).toBeGreaterThanOrEqual(linesBefore)
    }
    await callers.check(peer, where)
    // A whole upgrade more, after each death of everything.
    if (window.from === 'trial' && victim === 'kill-all') {
      await peer.control.resume(2)
      await goOn(peer, hasUpgraded, where)
      await callers.check(peer, where)
    }
    expect(callers.acknowledged).toBeGreaterThanOrEqual(linesBefore)
  }

  const cells = window.moments.flatMap(moment =>
    sides
      .filter(side => side === 'before' || !moment.startsWith('stage-'))
      .flatMap(side =>
        (Object.keys(victims) as Victim[]).map(victim => ({ moment, side, victim, who: victims[victim] }))
      )
  )
  const chosen = cells.filter((_, i) => (i + Math.floor(i / 3)) % every === 0)
  it.each(chosen)('$who killed $side $moment', async ({ moment, side, victim }) => {
    tried++
    const word = `${victim}:${side}:${moment}`
    const planted = plant(stage.peer, word)
    // It may strike as soon as the peer serves.
    const callers = await stage.stand(planted.options)
    await seeThrough(callers, `${name}, ${word}`, planted.within(strikeMs), victim)
    passed++
  })

  it.each(Array.from({ length: randomKills }, (_, i) => i + 1))(
    `a kill at a random moment, seed ${seed}: %i`,
    async n => {
      tried++
      const random = randomOf(`${name} ${n}`)
      const callers = await stage.stand()
      const { peer } = stage
      const victim = (Object.keys(victims) as Victim[])[Math.floor(random() * 3)]!
      const afterMs = Math.floor(random() * randomMsMax)
      const strike = async (): Promise<void> => {
        await new Promise(resolve => setTimeout(resolve, afterMs))
        const hosts = await hostsOf(peer.pid!)
        if (victim !== 'kill') killNow(hosts)
        if (victim !== 'kill-hosts') await peer.kill()
      }
      await seeThrough(
        callers,
        `${name}, ${victims[victim]} killed after ${afterMs} ms, seed ${seed}`,
        strike(),
        victim
      )
      passed++
    }
  )
})
